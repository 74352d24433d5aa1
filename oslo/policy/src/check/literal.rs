//! The left side of a check: a literal of Python's, or a path of attributes.

/// The text that Python's `str` gives for the literal; `None` when it is none of those supported:
/// `True`, `False`, `None`, numbers in decimal, texts in quotes.
pub(super) fn literal(kind: &str) -> Option<String> {
    match kind {
        "True" | "False" | "None" => Some(kind.to_owned()),
        _ => number(kind).or_else(|| text(kind)),
    }
}

fn number(kind: &str) -> Option<String> {
    let (sign, digits) = match kind.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", kind.strip_prefix('+').unwrap_or(kind)),
    };
    let is_number = |digits: &str| {
        !digits.is_empty() && digits.len() < 16 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match digits.split_once('.') {
        None if is_number(digits) => match digits.trim_start_matches('0') {
            "" => Some("0".to_owned()),
            // Python has no whole numbers with zeros in front.
            rest if rest.len() == digits.len() => Some(format!("{sign}{digits}")),
            _ => None,
        },
        Some((whole, part)) if is_number(whole) && is_number(part) => {
            let value: f64 = format!("{sign}{digits}").parse().ok()?;
            (value == 0.0 || (1e-4..1e16).contains(&value.abs())).then(|| format!("{value:?}"))
        }
        _ => None,
    }
}

fn text(kind: &str) -> Option<String> {
    let quote = kind.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    let inner = kind[1..].strip_suffix(quote)?;
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(next) = chars.next() {
        match next {
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                same @ ('\\' | '\'' | '"') => same,
                _ => return None,
            }),
            next if next == quote => return None,
            next => text.push(next),
        }
    }
    Some(text)
}

/// Names with dots between: letters, digits, `_` and `-`, no digit in front.
pub(super) fn is_path(kind: &str) -> bool {
    kind.split('.').all(|name| {
        let first = name.chars().next();
        first.is_some_and(|first| first == '_' || first.is_alphabetic())
            && name.chars().all(|c| c == '_' || c == '-' || c.is_alphanumeric())
            && !name.ends_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        let table = [
            ("True", Some("True")),
            ("true", None),
            ("None", Some("None")),
            ("5", Some("5")),
            ("-5", Some("-5")),
            ("+5", Some("5")),
            ("-0", Some("0")),
            ("007", None),
            ("000", Some("0")),
            ("1.50", Some("1.5")),
            ("1.0", Some("1.0")),
            ("1.", None),
            ("'a'", Some("a")),
            ("\"a\"", Some("a")),
            ("''", Some("")),
            ("'", None),
            ("'a\"", None),
            ("'a''b'", None),
            (r"'a\'b'", Some("a'b")),
            (r"'a\x41'", None),
            ("user_id", None),
        ];
        for (kind, expected) in table {
            assert_eq!(literal(kind).as_deref(), expected, "{kind}");
        }
    }

    #[test]
    fn paths() {
        for good in ["user_id", "token.project.id", "a-b", "_x", "x1"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", ".", "a.", "1a", "a[0]", "[1]", "%(a)s", "a-", "(a"] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
