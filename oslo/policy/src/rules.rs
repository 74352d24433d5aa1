//! Rules that a program declares.

/// A call that a rule guards, for the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, variable parts in braces.
    pub path: &'static str,
}

/// A rule with its default, registered in code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// The name, as in `policy.yaml`.
    pub name: &'static str,
    /// What has to hold unless the policy file says otherwise.
    pub check_str: &'static str,
    /// For the sample; empty for a rule that only others use.
    pub description: &'static str,
    /// The calls it guards, for the sample.
    pub operations: &'static [Operation],
    /// Scopes a token may have: `system`, `domain`, `project`; empty for any.
    pub scope_types: &'static [&'static str],
}

impl PolicyRule {
    /// A rule that only other rules refer to.
    #[must_use]
    pub const fn helper(name: &'static str, check_str: &'static str) -> Self {
        Self { name, check_str, description: "", operations: &[], scope_types: &[] }
    }
}
