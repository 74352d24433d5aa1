//! Who may do what: every rule has a name, a default and the routes it guards.
//!
//! A rule is asked about a caller and a target, the project and the user that a thing belongs to.
//! The defaults follow the roles that all of OpenStack agreed on: a reader reads what is the own
//! project's, a member (or manager) changes it, an administrator does everything everywhere. An
//! operator's `policy.yaml` changes single rules, in the language of oslo.policy.

mod enforcer;
mod rules;

pub use enforcer::OsloPolicy;
pub use rules::{Access, PolicyRule, declared, policy_rules, sample};
pub(crate) use rules::{FILE_RESTORE, SHOW_LOCATION};

use crate::Principal;

/// What a rule is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The project that it belongs to: `%(project_id)s`.
    pub project_id: &'a str,
    /// The user that it belongs to, `%(user_id)s`: of a plan its owner, of anything else the
    /// caller.
    pub user_id: &'a str,
}

impl<'a> Target<'a> {
    /// Something of nobody's: who may do it to this may do it to anybody's.
    pub(crate) const NOBODYS: Self = Self { project_id: "", user_id: "" };

    /// Something of the caller's own.
    pub(crate) fn own(caller: &'a Principal) -> Self {
        Self { project_id: &caller.project_id.0, user_id: &caller.user_id }
    }
}

/// Decides what callers may do.
pub trait Policy: Send + Sync {
    /// Whether the rule of that name lets the caller do it to the target. A rule that is not
    /// known lets nobody.
    fn allows(&self, rule: &str, caller: &Principal, target: Target<'_>) -> bool;
}
