//! The right side of a check, with `%(key)s` for the target's values.

use std::borrow::Cow;

use crate::target::Target;

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Key(String),
}

/// Text with keys of the target in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

impl Template {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            plain.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('%') {
                plain.push('%');
                rest = after;
                continue;
            }
            let Some((key, after)) = key(after) else {
                return Err(format!("'{text}' has a '%' that is neither '%(key)s' nor '%%'"));
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Key(key.to_owned()));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// Whether it is the same for every target.
    pub(super) fn is_fixed(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The text for a target; `None` when the target lacks a key. Allocates only when parts have
    /// to be put together.
    pub(super) fn fill<'a>(&'a self, target: &'a dyn Target) -> Option<Cow<'a, str>> {
        let part = |part: &'a Part| match part {
            Part::Text(text) => Some(Cow::Borrowed(text.as_str())),
            Part::Key(key) => target.text(key),
        };
        match self.parts.as_slice() {
            [] => Some(Cow::Borrowed("")),
            [only] => part(only),
            parts => parts.iter().map(part).collect::<Option<String>>().map(Cow::Owned),
        }
    }
}

/// `(key)s` at the start of a text, and what follows; parentheses in the key come in pairs.
fn key(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1;
    let end = inner.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    Some((&inner[..end], inner[end + 1..].strip_prefix('s')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling() {
        let target = [("a", "1"), ("b.c", "2"), ("x(y)", "3")];
        let table = [
            ("plain", Some("plain")),
            ("", Some("")),
            ("%(a)s", Some("1")),
            ("<%(a)s-%(b.c)s>", Some("<1-2>")),
            ("100%%", Some("100%")),
            ("%(x(y))s", Some("3")),
            ("%(missing)s", None),
            ("x%(missing)s", None),
        ];
        for (text, expected) in table {
            let template = Template::new(text).unwrap();
            assert_eq!(template.fill(&target).as_deref(), expected, "{text}");
        }
        for bad in ["%", "%s", "%(a)d", "%(a", "%(a)", "a%b"] {
            assert!(Template::new(bad).is_err(), "{bad}");
        }
    }
}
