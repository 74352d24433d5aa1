//! The INI dialect of oslo.config, without any knowledge of options.
//!
//! - `[section]` starts a section; nothing may follow the bracket.
//! - `key = value` or `key: value`, whichever sign comes first. The key starts in the first column.
//! - A line that starts with a blank or a tab continues the value; the lines are joined by a line
//!   feed. An empty line or a comment ends the value.
//! - `#` or `;` in the first column starts a comment; there are no comments behind values.
//! - Quotes of one kind around the whole first line of a value are taken off, which keeps blanks
//!   at its ends.

/// A line that is set to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The section as it is written, without the brackets.
    pub section: String,
    /// The key as it is written.
    pub key: String,
    /// The value; its lines are joined by line feeds.
    pub value: String,
    /// The line of the key, from 1.
    pub line: usize,
}

/// The start of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The name as it is written, without the brackets.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
}

/// A line that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: &'static str,
}

/// What a file says, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Every section header; a name may come several times.
    pub sections: Vec<Section>,
    /// Every assignment that stands in a section.
    pub assignments: Vec<Assignment>,
    /// Every line that was not understood; the rest was read all the same.
    pub errors: Vec<SyntaxError>,
}

/// Whether Python's `str.strip` takes the character off.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

struct Open {
    key: String,
    line: usize,
    lines: Vec<String>,
}

#[derive(Default)]
struct Parser {
    document: Document,
    open: Option<Open>,
    /// A continuation of a line in error is not an error of its own.
    skipping: bool,
}

/// Reads a whole file. Never fails: what is not understood is listed.
#[must_use]
pub fn parse(text: &str) -> Document {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::default();
    for (index, line) in lines(text).enumerate() {
        parser.line(index + 1, line.trim_end_matches(is_space));
    }
    parser.flush();
    parser.document
}

/// Lines as Python's universal newlines see them: ended by `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() {
            self.flush();
            return;
        }
        if line.starts_with([' ', '\t']) {
            match &mut self.open {
                Some(open) => open.lines.push(line.trim_start_matches(is_space).to_owned()),
                None if self.skipping => {}
                None => self.error(number, "a continuation line without an option before it"),
            }
            return;
        }
        self.flush();
        match line.as_bytes()[0] {
            b'#' | b';' => {}
            b'[' => self.section(number, line),
            _ => self.assignment(number, line),
        }
    }

    fn section(&mut self, number: usize, line: &str) {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some("") => self.error(number, "a section without a name"),
            Some(name) => {
                self.document.sections.push(Section { name: name.to_owned(), line: number });
            }
            None => self.error(number, "a section must end with ]"),
        }
    }

    fn assignment(&mut self, number: usize, line: &str) {
        let Some(at) = line.find([':', '=']) else {
            return self.error(number, "neither '=' nor ':' in the line");
        };
        let key = line[..at].trim_matches(is_space);
        if key.is_empty() {
            return self.error(number, "an option without a name");
        }
        let value = unquote(line[at + 1..].trim_matches(is_space));
        self.open = Some(Open { key: key.to_owned(), line: number, lines: vec![value.to_owned()] });
    }

    fn error(&mut self, line: usize, message: &'static str) {
        self.skipping = true;
        self.document.errors.push(SyntaxError { line, message });
    }

    fn flush(&mut self) {
        self.skipping = false;
        let Some(open) = self.open.take() else { return };
        match self.document.sections.last() {
            Some(section) => self.document.assignments.push(Assignment {
                section: section.name.clone(),
                key: open.key,
                value: open.lines.join("\n"),
                line: open.line,
            }),
            None => self.document.errors.push(SyntaxError {
                line: open.line,
                message: "an option before the first section",
            }),
        }
    }
}

/// A value in quotes without them. A lone quote becomes nothing, as in oslo.config.
fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.strip_suffix(quote).unwrap_or(if rest.is_empty() { "" } else { value });
        }
    }
    value
}

/// The line or lines that set `key` to `value`, without a line feed at the end; `None` when the
/// format cannot hold the value (an empty line, or a later line with blanks at its ends).
#[must_use]
pub fn assignment(key: &str, value: &str) -> Option<String> {
    let mut lines = value.split('\n');
    let first = lines.next().unwrap_or_default();
    let quoted = first.starts_with(['"', '\'']) || first.trim_matches(is_space) != first;
    let mut text = match quoted {
        true => format!("{key} = \"{first}\""),
        false if first.is_empty() => format!("{key} ="),
        false => format!("{key} = {first}"),
    };
    for line in lines {
        if line.is_empty() || line.trim_matches(is_space) != line {
            return None;
        }
        text.push_str("\n    ");
        text.push_str(line);
    }
    (!value.contains('\r')).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<(String, String, String)> {
        let document = parse(text);
        assert_eq!(document.errors, [], "{text:?}");
        document.assignments.into_iter().map(|a| (a.section, a.key, a.value)).collect()
    }

    fn one(line: &str) -> (String, String) {
        let (_, key, value) = values(&format!("[s]\n{line}\n")).remove(0);
        (key, value)
    }

    #[test]
    fn assignments() {
        let table = [
            ("a = b", "a", "b"),
            ("a: b", "a", "b"),
            ("a=b:c", "a", "b:c"),
            ("a:b=c", "a", "b=c"),
            ("a =", "a", ""),
            ("a = \"x \"", "a", "x "),
            ("a = 'x\"", "a", "'x\""),
            ("a = \"", "a", ""),
            ("a = \"b\" \"c\"", "a", "b\" \"c"),
            ("a = b # no comment", "a", "b # no comment"),
            ("a b = c", "a b", "c"),
            ("a = b\n  c\n\td", "a", "b\nc\nd"),
            ("a =\n  b", "a", "\nb"),
            ("a = b\n  # c", "a", "b\n# c"),
            ("a = b\r\n  c\r", "a", "b\nc"),
        ];
        for (text, key, value) in table {
            assert_eq!(one(text), (key.to_owned(), value.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn every_bad_line_is_listed_and_the_rest_is_read() {
        let text =
            "early = 1\n[s]\nnonsense\n  more\n= 2\n[]\n[open\ngood = 3\n#\n  lost\n[x] # no\n";
        let document = parse(text);
        let lines: Vec<_> = document.errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [1, 3, 5, 6, 7, 10, 11]);
        assert_eq!(document.assignments.len(), 1);
        assert_eq!(document.assignments[0].line, 8);
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_parser(text in "(\\PC|[\\[\\]=:\n\r\t \"'#;\\\\$])*") {
            let document = parse(&text);
            prop_assert!(document.assignments.iter().all(|found| !found.key.is_empty()));
        }

        #[test]
        fn what_is_written_is_read(
            section in "[a-z][a-z0-9_:-]{0,8}",
            pairs in prop::collection::vec(
                ("[a-z][a-z0-9_]{0,8}", "[^\r\n]{0,20}(\n[!-~]([ -~]{0,8}[!-~])?){0,3}"), 0..8),
        ) {
            let mut text = format!("[{section}]\n");
            let mut expected = Vec::new();
            for (key, value) in pairs {
                let line = assignment(&key, &value).expect("the format can hold it");
                text.push_str(&line);
                text.push('\n');
                expected.push((section.clone(), key, value));
            }
            prop_assert_eq!(values(&text), expected);
        }
    }
}
