//! Keeps passwords out of what is shown.

/// The text with every `user:password@` of a URL in it shown as `user:***@`; several hosts with
/// passwords of their own, as in a transport URL, too.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        // A password may hold '/' that its writer forgot to encode: rather hide too much.
        let blank = after.find(char::is_whitespace).unwrap_or(after.len());
        let slash = after[..blank].find('/').unwrap_or(blank);
        let end = if after[..slash].contains('@') { slash } else { blank };
        let url = &after[..end];
        shown.push_str(&hosts(url).map(hide).collect::<Vec<_>>().join(","));
        rest = &after[end..];
    }
    shown.push_str(rest);
    shown
}

/// Splits at the commas that stand behind a host; one in a password is none of them.
fn hosts(url: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(url);
    std::iter::from_fn(move || {
        let from = rest?;
        let after = from.find('@').unwrap_or(from.len());
        let end = from[after..].find(',').map_or(from.len(), |comma| after + comma);
        rest = from.get(end + 1..);
        Some(&from[..end])
    })
}

fn hide(host: &str) -> String {
    match host.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => format!("{user}@{host}"),
        },
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn passwords_in_urls() {
        let table = [
            ("plain", "plain"),
            ("http://host/a@b", "http://host/a@b"),
            ("mysql://u:p@h/db?x", "mysql://u:***@h/db?x"),
            ("mysql://u:p@ss@h/db", "mysql://u:***@h/db"),
            ("rabbit://u:p@h1:1,u:q@h2:2/v", "rabbit://u:***@h1:1,u:***@h2:2/v"),
            ("a=http://u:p@h/ b=x://v:q@i", "a=http://u:***@h/ b=x://v:***@i"),
            ("mysql://u:a/b@h/db", "mysql://u:***@h/db"),
            ("mysql://u:a,b@h/db", "mysql://u:***@h/db"),
            ("rabbit://u:p@h1,h2,h3/v", "rabbit://u:***@h1,h2,h3/v"),
            ("x://u@h", "x://u@h"),
        ];
        for (text, expected) in table {
            assert_eq!(redacted(text), expected);
        }
    }
}
