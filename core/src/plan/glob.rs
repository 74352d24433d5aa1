/// A shell pattern over whole names: `*` any text, `?` one character, `[a-z]` one of a set,
/// `[!a-z]` none of it, `\` takes the next character as it is. Case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    AnyText,
    AnyCharacter,
    Character(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// `[` without its end.
    #[error("the [ at character {position} has no ]")]
    OpenSet {
        /// Counted from 1.
        position: usize,
    },
    /// A range whose end comes before its beginning.
    #[error("the range {first}-{last} is backwards")]
    Backwards {
        /// Its beginning.
        first: char,
        /// Its end.
        last: char,
    },
    /// A `\` at the end.
    #[error("a \\ at the end takes nothing as it is")]
    Dangling,
}

impl Glob {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let text: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let part = match text[at] {
                // Several in a row are one.
                '*' if parts.last() == Some(&Part::AnyText) => {
                    at += 1;
                    continue;
                }
                '*' => Part::AnyText,
                '?' => Part::AnyCharacter,
                '\\' => {
                    at += 1;
                    Part::Character(*text.get(at).ok_or(GlobError::Dangling)?)
                }
                '[' => {
                    let (part, end) = set(&text, at)?;
                    at = end;
                    part
                }
                plain => Part::Character(plain),
            };
            parts.push(part);
            at += 1;
        }
        Ok(Self(parts))
    }

    /// Whether the whole of `name` is meant.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Where to go on when what follows the last `*` did not fit: the `*` takes one more.
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() {
            match self.0.get(part) {
                Some(Part::AnyText) => {
                    retry = Some((part + 1, at));
                    part += 1;
                    continue;
                }
                Some(single) if single.takes(name[at]) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let Some((after, from)) = retry else { return false };
            retry = Some((after, from + 1));
            (part, at) = (after, from + 1);
        }
        self.0[part..].iter().all(|rest| *rest == Part::AnyText)
    }
}

impl Part {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::AnyText => false,
            Self::AnyCharacter => true,
            Self::Character(plain) => *plain == character,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&character)) != *negated
            }
        }
    }
}

/// The set that opens at `open`, and where its `]` is. A `]` that comes first belongs to it.
fn set(text: &[char], open: usize) -> Result<(Part, usize), GlobError> {
    let unclosed = GlobError::OpenSet { position: open + 1 };
    let mut at = open + 1;
    let negated = text.get(at) == Some(&'!');
    if negated {
        at += 1;
    }
    let start = at;
    let mut ranges = Vec::new();
    loop {
        let first = *text.get(at).ok_or_else(|| unclosed.clone())?;
        if first == ']' && at > start {
            return Ok((Part::Set { negated, ranges }, at));
        }
        match (text.get(at + 1), text.get(at + 2)) {
            (Some('-'), Some(&last)) if last != ']' => {
                if last < first {
                    return Err(GlobError::Backwards { first, last });
                }
                ranges.push((first, last));
                at += 3;
            }
            _ => {
                ranges.push((first, first));
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by trying everything.
    fn slow(parts: &[Part], name: &[char]) -> bool {
        match parts.split_first() {
            None => name.is_empty(),
            Some((Part::AnyText, rest)) => (0..=name.len()).any(|taken| slow(rest, &name[taken..])),
            Some((single, rest)) => name
                .split_first()
                .is_some_and(|(first, others)| single.takes(*first) && slow(rest, others)),
        }
    }

    #[test]
    fn patterns_mean_what_a_shell_means() {
        for (pattern, yes, no) in [
            ("web-*", &["web-", "web-1", "web-*"][..], &["web", "xweb-1", "Web-1"][..]),
            ("*", &["", "anything"], &[]),
            ("", &[""], &["a"]),
            ("web", &["web"], &["web1", "we"]),
            ("w?b", &["web", "wäb"], &["wb", "weeb"]),
            ("db[0-9]", &["db0", "db9"], &["db", "dba", "db10"]),
            ("db[!0-9]", &["dba"], &["db1", "db"]),
            ("[]a]", &["]", "a"], &["b", ""]),
            ("[a-]", &["a", "-"], &["b"]),
            ("a\\*b", &["a*b"], &["axb"]),
            ("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "a"]),
            ("**a", &["a", "ba"], &["ab"]),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            for name in yes {
                assert!(glob.matches(name), "{pattern} should match {name:?}");
            }
            for name in no {
                assert!(!glob.matches(name), "{pattern} should not match {name:?}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(Glob::parse("a[b"), Err(GlobError::OpenSet { position: 2 }));
        assert_eq!(Glob::parse("[]"), Err(GlobError::OpenSet { position: 1 }));
        assert_eq!(Glob::parse("[z-a]"), Err(GlobError::Backwards { first: 'z', last: 'a' }));
        assert_eq!(Glob::parse("a\\"), Err(GlobError::Dangling));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let glob = Glob::parse(&"*a".repeat(100)).unwrap();
        assert!(!glob.matches(&"a".repeat(99)));
        assert!(!glob.matches(&("a".repeat(5000) + "b")));
    }

    proptest! {
        #[test]
        fn agrees_with_the_slow_way(pattern in "[ab*?]{0,8}", name in "[abc]{0,8}") {
            let glob = Glob::parse(&pattern).unwrap();
            let characters: Vec<char> = name.chars().collect();
            prop_assert_eq!(glob.matches(&name), slow(&glob.0, &characters));
        }

        #[test]
        fn nothing_panics(pattern in "[\\[\\]!a*?\\\\-]{0,10}", name in "[\\[\\]!a*-]{0,10}") {
            if let Ok(glob) = Glob::parse(&pattern) {
                glob.matches(&name);
            }
        }
    }
}
