//! From text, or the old lists, to a [`Check`].

use super::Check;
use crate::yaml::Node;

/// Deepest nesting of parentheses and `not`.
const DEPTH: usize = 64;

/// What was understood of a rule, and what was not. A rule with complaints still works as far as
/// it is understood.
pub(crate) struct Parsed {
    pub(crate) check: Check,
    pub(crate) complaints: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    Quoted,
    Check(&'a str),
}

/// Words are separated by blanks; parentheses stick to the words they stand at.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for word in text.split(crate::yaml::is_space).filter(|word| !word.is_empty()) {
        let inner = word.trim_start_matches('(');
        tokens.extend(std::iter::repeat_n(Token::Open, word.len() - inner.len()));
        let clean = inner.trim_end_matches(')');
        let quoted = |quote| inner.len() >= 2 && inner.starts_with(quote) && inner.ends_with(quote);
        if clean.eq_ignore_ascii_case("and") {
            tokens.push(Token::And);
        } else if clean.eq_ignore_ascii_case("or") {
            tokens.push(Token::Or);
        } else if clean.eq_ignore_ascii_case("not") {
            tokens.push(Token::Not);
        } else if quoted('"') || quoted('\'') {
            tokens.push(Token::Quoted);
        } else if !clean.is_empty() {
            tokens.push(Token::Check(clean));
        }
        tokens.extend(std::iter::repeat_n(Token::Close, inner.len() - clean.len()));
    }
    tokens
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
    depth: usize,
    complaints: Vec<String>,
}

/// Parses the language's text.
pub(crate) fn parse_text(text: &str) -> Parsed {
    if text.is_empty() {
        return Parsed { check: Check::Always, complaints: Vec::new() };
    }
    let tokens = tokens(text).into_iter().peekable();
    let mut parser = Parser { tokens, depth: 0, complaints: Vec::new() };
    let parsed = parser.any().and_then(|check| match parser.tokens.next() {
        None => Ok(check),
        Some(Token::Close) => Err("a ')' without its '('".to_owned()),
        Some(token) => Err(format!("'and' or 'or' is missing before {}", name(Some(&token)))),
    });
    match parsed {
        Ok(check) => Parsed { check, complaints: parser.complaints },
        Err(message) => Parsed {
            check: Check::Broken,
            complaints: vec![format!("'{text}' cannot be understood: {message}")],
        },
    }
}

fn name(token: Option<&Token<'_>>) -> String {
    match token {
        None => "the end".to_owned(),
        Some(Token::Open) => "'('".to_owned(),
        Some(Token::Close) => "')'".to_owned(),
        Some(Token::And) => "'and'".to_owned(),
        Some(Token::Or) => "'or'".to_owned(),
        Some(Token::Not) => "'not'".to_owned(),
        Some(Token::Quoted) => "a text in quotes".to_owned(),
        Some(Token::Check(text)) => format!("'{text}'"),
    }
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Check, String> {
        self.chain(&Token::Or, Self::all, Check::Any)
    }

    fn all(&mut self) -> Result<Check, String> {
        self.chain(&Token::And, Self::one, Check::All)
    }

    fn chain(
        &mut self,
        between: &Token<'_>,
        item: fn(&mut Self) -> Result<Check, String>,
        join: fn(Vec<Check>) -> Check,
    ) -> Result<Check, String> {
        let first = item(self)?;
        let mut checks = vec![first];
        while self.tokens.next_if(|token| token == between).is_some() {
            checks.push(item(self)?);
        }
        Ok(match checks.len() {
            1 => checks.swap_remove(0),
            _ => join(checks),
        })
    }

    fn one(&mut self) -> Result<Check, String> {
        if self.depth == DEPTH {
            return Err(format!("nested deeper than {DEPTH}"));
        }
        self.depth += 1;
        let check = match self.tokens.next() {
            Some(Token::Not) => Check::Not(Box::new(self.one()?)),
            Some(Token::Open) => {
                let check = self.any()?;
                match self.tokens.next() {
                    Some(Token::Close) => check,
                    token => return Err(format!("')' is missing before {}", name(token.as_ref()))),
                }
            }
            Some(Token::Check(text)) => simple(text, &mut self.complaints),
            token => return Err(format!("a check is missing before {}", name(token.as_ref()))),
        };
        self.depth -= 1;
        Ok(check)
    }
}

fn simple(text: &str, complaints: &mut Vec<String>) -> Check {
    Check::simple(text).unwrap_or_else(|message| {
        complaints.push(message);
        Check::Broken
    })
}

/// Parses a rule of a policy file: text, or lists of texts.
pub(crate) fn parse_list(node: &Node) -> Parsed {
    match node {
        Node::Text(text) => parse_text(text),
        Node::Null => broken("has no value; write \"\" for always, or \"!\" for never"),
        Node::Map => broken("is a table, not a rule"),
        Node::List(items) if items.is_empty() => parse_text(""),
        Node::List(items) => {
            let mut complaints = Vec::new();
            let any: Vec<_> =
                items.iter().filter_map(|item| all_of(item, &mut complaints)).collect();
            let check = match any.len() {
                0 => Check::Never,
                _ => Check::Any(any),
            };
            Parsed { check, complaints }
        }
    }
}

/// An inner list, or a text of the outer one; `None` for an empty list, which counts for nothing.
fn all_of(item: &Node, complaints: &mut Vec<String>) -> Option<Check> {
    let texts = match item {
        Node::List(items) if items.is_empty() => return None,
        Node::Text(text) if text.is_empty() => return None,
        Node::List(items) => items.as_slice(),
        item => std::slice::from_ref(item),
    };
    let checks = texts.iter().map(|node| match node {
        Node::Text(text) => simple(text, complaints),
        _ => {
            complaints.push("has something in its lists that is no text".to_owned());
            Check::Broken
        }
    });
    Some(Check::All(checks.collect()))
}

fn broken(message: &str) -> Parsed {
    Parsed { check: Check::Broken, complaints: vec![message.to_owned()] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The check with all its parentheses.
    fn shown(check: &Check) -> String {
        let joined = |checks: &[Check], by: &str| {
            format!("({})", checks.iter().map(shown).collect::<Vec<_>>().join(by))
        };
        match check {
            Check::Always => "@".to_owned(),
            Check::Never => "!".to_owned(),
            Check::Not(check) => format!("not {}", shown(check)),
            Check::All(checks) => joined(checks, " and "),
            Check::Any(checks) => joined(checks, " or "),
            Check::Broken => "?".to_owned(),
            check => format!("{check:?}"),
        }
    }

    fn parsed(text: &str) -> String {
        shown(&parse_text(text).check)
    }

    #[test]
    fn strength_of_operators() {
        let table = [
            ("", "@"),
            ("@", "@"),
            ("not @ and !", "(not @ and !)"),
            ("@ or ! and @", "(@ or (! and @))"),
            ("@ and ! or @", "((@ and !) or @)"),
            ("(@ or !) and @", "((@ or !) and @)"),
            ("not (@ or !)", "not (@ or !)"),
            ("not not @", "not not @"),
            ("( ( @ ) )", "@"),
            ("@ AND Not !", "(@ and not !)"),
            ("@ and not ! or not @ and @", "((@ and not !) or (not @ and @))"),
            ("@ or nonsense", "(@ or ?)"),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_broken_and_says_why() {
        let table = [
            (" ", "a check is missing before the end"),
            ("(@", "')' is missing before the end"),
            ("@)", "a ')' without its '('"),
            ("()", "a check is missing before ')'"),
            ("@ !", "'and' or 'or' is missing before '!'"),
            ("@ and", "a check is missing before the end"),
            ("and @", "a check is missing before 'and'"),
            ("not", "a check is missing before the end"),
            ("'quoted'", "a check is missing before a text in quotes"),
        ];
        for (text, expected) in table {
            let Parsed { check, complaints } = parse_text(text);
            assert_eq!(check, Check::Broken, "{text}");
            assert!(complaints[0].contains(expected), "{text}: {complaints:?}");
        }
        for (text, expected) in [
            ("http://x/%(y)s", "asks another server"),
            ("nonsense", "there is no ':'"),
            ("1a:x", "neither an attribute nor a literal"),
            ("a:%(x)d", "'%'"),
        ] {
            let complaints = parse_text(text).complaints;
            assert!(complaints[0].contains(expected), "{text}: {complaints:?}");
        }
        let deep = format!("{}@{}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(parsed(&deep), "?");
        assert_eq!(parsed(&format!("{}@", "not ".repeat(100_000))), "?");
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_parser(text in "(\\PC|[()@!:%'\" ]|not |and |or )*") {
            let parsed = parse_text(&text);
            prop_assert!(parsed.check != Check::Broken || !parsed.complaints.is_empty());
        }
    }
}
