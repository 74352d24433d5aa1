//! The sample policy file, made of the defaults.

use std::fmt::Write as _;

use crate::rules::PolicyRule;

/// Where descriptions are wrapped.
const WIDTH: usize = 76;

/// The text of a sample `policy.yaml`: every rule with its description, calls and scopes, its
/// default commented out. The same rules give the same text, so that a test can compare a
/// committed file with it (`oslo_config::committed_sample_is_current` does for any text).
#[must_use]
pub fn sample(rules: &[PolicyRule]) -> String {
    rules.iter().map(rule).collect::<Vec<_>>().join("\n")
}

fn rule(rule: &PolicyRule) -> String {
    let mut text = String::new();
    for paragraph in rule.description.split("\n\n") {
        wrapped(&mut text, paragraph);
    }
    for operation in rule.operations {
        _ = writeln!(text, "# {:<6} {}", operation.method, operation.path);
    }
    if !rule.scope_types.is_empty() {
        _ = writeln!(text, "# Intended scope(s): {}", rule.scope_types.join(", "));
    }
    _ = writeln!(text, "#{}: {}", quoted(rule.name), quoted(rule.check_str));
    text
}

fn wrapped(text: &mut String, paragraph: &str) {
    let mut line = String::from("#");
    for word in paragraph.split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.len() > 1 {
        _ = writeln!(text, "{line}");
    }
}

/// The text in double quotes, as YAML and JSON take it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
