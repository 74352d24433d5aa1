/* As much JSON as a driver needs that finds its files by a path: the strings of one flat object,
 * and one string alone. Give a real driver a real parser. */
#ifndef RAWFILE_JSON_H
#define RAWFILE_JSON_H

#include "firn_driver.h"

#include <stdio.h>

typedef struct {
  const char *at, *end;
} json_text;

static void json_space(json_text *text) {
  while (text->at < text->end && strchr(" \t\r\n", *text->at) != NULL && *text->at != '\0') {
    text->at++;
  }
}

static int json_is(json_text *text, char c) {
  json_space(text);
  if (text->at == text->end || *text->at != c) {
    return 0;
  }
  text->at++;
  return 1;
}

/* Reads a string into out, ended by a zero byte. Fails where it does not fit, or holds a zero
 * byte or an escape beyond ASCII. */
static int json_string(json_text *text, char *out, size_t room) {
  static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  size_t length = 0;
  if (!json_is(text, '"')) {
    return 0;
  }
  while (text->at < text->end && *text->at != '"') {
    char c = *text->at++;
    if (c == '\\') {
      if (text->at == text->end) {
        return 0;
      }
      char escape = *text->at++;
      const char *known = escape == '\0' ? NULL : strchr(plain, escape);
      if (known != NULL) {
        c = meant[known - plain];
      } else if (escape == 'u' && text->end - text->at >= 4) {
        char digits[5] = { 0 }, *rest;
        memcpy(digits, text->at, 4);
        long code = strtol(digits, &rest, 16);
        if (*rest != '\0' || code <= 0 || code >= 0x80) {
          return 0;
        }
        c = (char)code;
        text->at += 4;
      } else {
        return 0;
      }
    }
    if (c == '\0' || length + 1 >= room) {
      return 0;
    }
    out[length++] = c;
  }
  out[length] = '\0';
  return json_is(text, '"');
}

/* Passes over a value of any kind. */
static int json_skip(json_text *text) {
  int depth = 0;
  do {
    json_space(text);
    if (text->at == text->end) {
      return 0;
    }
    char c = *text->at;
    if (c == '"') {
      for (text->at++; text->at < text->end && *text->at != '"'; text->at++) {
        if (*text->at == '\\' && text->at + 1 < text->end) {
          text->at++;
        }
      }
      if (text->at >= text->end) {
        return 0;
      }
      text->at++;
    } else if (c == '{' || c == '[') {
      depth++;
      text->at++;
    } else if (c == '}' || c == ']') {
      depth--;
      text->at++;
    } else {
      text->at++; /* A number, a word, a comma or a colon. */
      while (depth == 0 && text->at < text->end && strchr(",}] \t\r\n", *text->at) == NULL) {
        text->at++;
      }
    }
  } while (depth > 0);
  return depth == 0;
}

/* The string under a key of a flat object; 0 where there is none. */
static int json_member(firn_str json, const char *key, char *out, size_t room) {
  json_text text = { json.data, json.data + json.length };
  char found[64];
  if (!json_is(&text, '{')) {
    return 0;
  }
  do {
    if (!json_string(&text, found, sizeof found) || !json_is(&text, ':')) {
      return 0;
    }
    if (strcmp(found, key) == 0) {
      return json_string(&text, out, room);
    }
    if (!json_skip(&text)) {
      return 0;
    }
  } while (json_is(&text, ','));
  return 0;
}

/* A JSON text that is one string. */
static int json_whole_string(firn_str json, char *out, size_t room) {
  json_text text = { json.data, json.data + json.length };
  if (json.data == NULL || !json_string(&text, out, room)) {
    return 0;
  }
  json_space(&text);
  return text.at == text.end;
}

/* Writes a JSON string; out has room for six bytes a byte, two quotes and a zero byte. */
static size_t json_quote(const char *string, char *out) {
  char *at = out;
  *at++ = '"';
  for (; *string != '\0'; string++) {
    if (*string == '"' || *string == '\\') {
      *at++ = '\\';
      *at++ = *string;
    } else if ((unsigned char)*string < 0x20) {
      at += sprintf(at, "\\u%04x", (unsigned)*string);
    } else {
      *at++ = *string;
    }
  }
  *at++ = '"';
  return (size_t)(at - out);
}

#endif
