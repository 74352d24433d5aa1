use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest};

use super::ApiError;

/// Which state of a thing an answer shows: it changes with every change of the thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ETag(String);

impl ETag {
    /// That of the row's generation.
    pub(crate) fn new(generation: u64) -> Self {
        Self(generation.to_string())
    }

    /// The value of the header `ETag`.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.to_string()).ok()
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    /// Each with whether it is weak.
    Listed(Vec<(String, bool)>),
}

/// `If-Match`: change it only if it is still as the caller saw it.
#[derive(Clone, Debug)]
pub(crate) struct IfMatch(Option<Tags>);

impl IfMatch {
    /// Whether the change may be made. A weak tag never matches.
    pub(crate) fn holds(&self, tag: &ETag) -> bool {
        match &self.0 {
            None | Some(Tags::Any) => true,
            Some(Tags::Listed(tags)) => tags.iter().any(|(text, weak)| !weak && *text == tag.0),
        }
    }
}

/// `If-None-Match`: show it only if it is not as the caller saw it.
#[derive(Clone, Debug)]
pub(crate) struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// Whether the caller has this already.
    pub(crate) fn known(&self, tag: &ETag) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::Listed(tags)) => tags.iter().any(|(text, _)| *text == tag.0),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(tags(request.headers().get_all(IF_MATCH), "If-Match").map(Self))
    }
}

impl FromRequest for IfNoneMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(tags(request.headers().get_all(IF_NONE_MATCH), "If-None-Match").map(Self))
    }
}

/// The tags of a header that may come several times; `None` where it does not come.
fn tags<'a>(
    values: impl Iterator<Item = &'a HeaderValue>,
    name: &'static str,
) -> Result<Option<Tags>, ApiError> {
    let malformed = || ApiError::field(name, "is neither * nor a list of quoted tags");
    let mut found: Option<Tags> = None;
    for value in values {
        let text = value.to_str().map_err(|_| malformed())?.trim();
        found = match (found, text) {
            (None, "*") => Some(Tags::Any),
            (None, text) => Some(Tags::Listed(list(text).ok_or_else(malformed)?)),
            (Some(Tags::Listed(mut before)), text) if text != "*" => {
                before.extend(list(text).ok_or_else(malformed)?);
                Some(Tags::Listed(before))
            }
            (Some(_), _) => return Err(malformed()),
        };
    }
    Ok(found)
}

/// `"a", W/"b"`.
fn list(text: &str) -> Option<Vec<(String, bool)>> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (tag, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        tags.push((tag.to_owned(), weak));
        match after.trim_start() {
            "" => return Some(tags),
            more => rest = more.strip_prefix(',')?.trim_start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(values: &[&str]) -> Result<Option<Tags>, ApiError> {
        let values: Vec<_> = values.iter().map(|v| HeaderValue::from_str(v).unwrap()).collect();
        tags(values.iter(), "If-Match")
    }

    #[test]
    fn conditions_hold_or_not() {
        let tag = ETag::new(7);
        assert_eq!(tag.to_string(), "\"7\"");
        for (values, holds, known) in [
            (&[][..], true, false),
            (&["*"], true, true),
            (&["\"7\""], true, true),
            (&["\"6\""], false, false),
            (&["W/\"7\""], false, true),
            (&["\"6\", \"7\""], true, true),
            (&["\"6\",W/\"7\""], false, true),
            (&["\"6\"", "\"7\""], true, true),
            (&["\"a,b\" , \"7\""], true, true),
        ] {
            let tags = parsed(values).unwrap();
            assert_eq!(IfMatch(tags.clone()).holds(&tag), holds, "{values:?}");
            assert_eq!(IfNoneMatch(tags).known(&tag), known, "{values:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for values in [
            &[""][..],
            &["7"],
            &["\"7"],
            &["7\""],
            &["\"7\" \"8\""],
            &["\"7\","],
            &["w/\"7\""],
            &["*", "*"],
            &["*, \"7\""],
            &["\"7\"", "*"],
            &["\"a b\""],
        ] {
            assert!(parsed(values).is_err(), "{values:?}");
        }
    }
}
