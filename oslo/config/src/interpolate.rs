//! `$name`, `${name}`, `$group.name` and `${group.name}` in values; `$$` and `\$` for a dollar.

/// A part of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Taken as it is.
    Text(&'a str),
    /// Stands for another option's value.
    Reference(&'a str),
}

/// Whether the text has anything to put in.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains('$')
}

/// Splits a value. A dollar that starts no reference is text.
pub(crate) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        // oslo.config turns `\$` to `$$` before it looks for anything else.
        if let Some(before) = before.strip_suffix('\\') {
            parts.extend([Part::Text(before), Part::Text("$")]);
            rest = after;
        } else if let Some(after) = after.strip_prefix('$') {
            parts.extend([Part::Text(before), Part::Text("$")]);
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            parts.extend([Part::Text(before), Part::Reference(name)]);
            rest = after;
        } else {
            parts.extend([Part::Text(before), Part::Text("$")]);
            rest = after;
        }
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    parts
}

/// The name that a text after a dollar begins with, and what follows.
fn reference(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, after) = name(braced)?;
        return Some((name, after.strip_prefix('}')?));
    }
    name(text)
}

fn name(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    if first != '_' && !first.is_ascii_alphabetic() {
        return None;
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(text.len());
    Some(text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let show = |part: &Part<'_>| match part {
            Part::Text(text) => (*text).to_owned(),
            Part::Reference(name) => format!("<{name}>"),
        };
        parts(text).iter().map(show).collect()
    }

    #[test]
    fn references() {
        let table = [
            ("plain", "plain"),
            ("$a", "<a>"),
            ("$a/b", "<a>/b"),
            ("${a}b", "<a>b"),
            ("$g.a", "<g.a>"),
            ("${g.a}.b", "<g.a>.b"),
            ("$$a", "$a"),
            ("$$$a", "$<a>"),
            ("\\$a", "$a"),
            ("\\$$a", "$<a>"),
            ("a\\\\$b", "a\\$b"),
            ("$", "$"),
            ("$1", "$1"),
            ("${a", "${a"),
            ("${a-b}", "${a-b}"),
            ("${}", "${}"),
            ("100$", "100$"),
            ("é$é", "é$é"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
