//! Whether a check holds.

use serde_json::Value;

use super::{Check, Link, Template};
use crate::credentials::{Attribute, Credentials};
use crate::target::{Target, scalar};

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    No,
    /// Nobody can tell: a no in the end, but one that `not` does not turn.
    Broken,
    /// The way led into a circle: a no, whatever stands beside it or around it.
    Circle,
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Everything that a check looks at.
pub(crate) struct Context<'a> {
    pub(crate) rules: &'a [Check],
    pub(crate) target: &'a dyn Target,
    pub(crate) credentials: &'a Credentials,
}

impl Context<'_> {
    /// Whether the check holds. References are free of circles, so that this ends.
    pub(crate) fn verdict(&self, check: &Check) -> Verdict {
        match check {
            Check::Always => Verdict::Yes,
            Check::Never => Verdict::No,
            Check::Broken | Check::Rule(Link::Name(_) | Link::Missing) => Verdict::Broken,
            Check::Rule(Link::Circle) => Verdict::Circle,
            Check::Not(check) => match self.verdict(check) {
                Verdict::Yes => Verdict::No,
                Verdict::No => Verdict::Yes,
                doubt => doubt,
            },
            Check::All(checks) => self.first(checks, Verdict::No, Verdict::Yes),
            Check::Any(checks) => self.first(checks, Verdict::Yes, Verdict::No),
            Check::Rule(Link::Index(index)) => match self.rules.get(*index) {
                Some(check) => self.verdict(check),
                None => Verdict::Broken,
            },
            Check::Role(template) => self.has_role(template).into(),
            Check::Literal(text, template) => {
                template.fill(self.target).is_some_and(|wanted| wanted == text.as_str()).into()
            }
            Check::Attribute(path, template) => self.attribute_is(path, template),
        }
    }

    /// `decisive` as soon as one check comes to it, else broken if one is, else `otherwise`; a
    /// circle on the way ends it.
    fn first(&self, checks: &[Check], decisive: Verdict, otherwise: Verdict) -> Verdict {
        let mut verdict = otherwise;
        for check in checks {
            match self.verdict(check) {
                found if found == decisive || found == Verdict::Circle => return found,
                Verdict::Broken => verdict = Verdict::Broken,
                _ => {}
            }
        }
        verdict
    }

    fn has_role(&self, template: &Template) -> bool {
        let Some(wanted) = template.fill(self.target) else { return false };
        let same = |role: &String| match role.is_ascii() && wanted.is_ascii() {
            true => role.eq_ignore_ascii_case(&wanted),
            false => role.to_lowercase() == wanted.to_lowercase(),
        };
        self.credentials.roles.iter().any(same)
    }

    fn attribute_is(&self, path: &[String], template: &Template) -> Verdict {
        let Some(wanted) = template.fill(self.target) else { return Verdict::No };
        let Some((name, rest)) = path.split_first() else { return Verdict::No };
        let holds = match self.credentials.attribute(name) {
            Attribute::Missing => false,
            Attribute::Value(value) => is(value, rest, &wanted),
            _ if !rest.is_empty() => false,
            Attribute::Text(Some(text)) => text == wanted,
            // A caller without a project is no owner of things without a project.
            Attribute::Text(None) if wanted == "None" && !template.is_fixed() => {
                return Verdict::Broken;
            }
            Attribute::Text(None) => wanted == "None",
            Attribute::Bool(value) => wanted == if value { "True" } else { "False" },
            Attribute::List(items) => items.iter().any(|item| *item == wanted),
        };
        holds.into()
    }
}

/// Whether the value at a path is a text; of a list, one item is enough.
fn is(value: &Value, path: &[String], wanted: &str) -> bool {
    if let Value::Array(items) = value {
        return items.iter().any(|item| is(item, path, wanted));
    }
    match path.split_first() {
        None => scalar(value).is_some_and(|text| text == wanted),
        Some((name, rest)) => value.get(name).is_some_and(|value| is(value, rest, wanted)),
    }
}
