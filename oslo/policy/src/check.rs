//! One rule, parsed and evaluated.

mod eval;
mod literal;
mod parse;
mod template;

pub(crate) use eval::{Context, Verdict};
pub(crate) use parse::{Parsed, parse_list, parse_text};
pub(crate) use template::Template;

/// What a `rule:` refers to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Link {
    /// Not looked up yet.
    Name(String),
    /// The rule's place in the table.
    Index(usize),
    /// There is no such rule.
    Missing,
    /// It leads back to the rule that refers to it.
    Circle,
}

/// A parsed rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Check {
    /// `@`, and the empty rule.
    Always,
    /// `!`.
    Never,
    /// What could not be understood: neither it nor its opposite holds.
    Broken,
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Rule(Link),
    Role(Template),
    /// A caller's attribute by its path, and what it has to be.
    Attribute(Vec<String>, Template),
    /// A text, and what it has to be.
    Literal(String, Template),
}

impl Check {
    /// Calls a function on every reference to another rule.
    pub(crate) fn for_each_link(&mut self, visit: &mut dyn FnMut(&mut Link)) {
        match self {
            Self::Rule(link) => visit(link),
            Self::Not(check) => check.for_each_link(visit),
            Self::All(checks) | Self::Any(checks) => {
                checks.iter_mut().for_each(|check| check.for_each_link(visit));
            }
            _ => {}
        }
    }

    /// A check of what is written without any `not`, `and`, `or` and parentheses.
    fn simple(text: &str) -> Result<Self, String> {
        match text {
            "!" => return Ok(Self::Never),
            "@" => return Ok(Self::Always),
            _ => {}
        }
        let Some((kind, matched)) = text.split_once(':') else {
            return Err(format!("'{text}' is no check: there is no ':' in it"));
        };
        match kind {
            "rule" => Ok(Self::Rule(Link::Name(matched.to_owned()))),
            "role" => Ok(Self::Role(Template::new(matched)?)),
            "http" | "https" | "remote" | "opa" => {
                Err(format!("'{kind}:' asks another server, which is not supported"))
            }
            kind => {
                let template = Template::new(matched)?;
                if let Some(text) = literal::literal(kind) {
                    return Ok(Self::Literal(text, template));
                }
                if !literal::is_path(kind) {
                    return Err(format!("'{kind}' is neither an attribute nor a literal"));
                }
                let path = kind.split('.').map(str::to_owned).collect();
                Ok(Self::Attribute(path, template))
            }
        }
    }
}
