//! Who may do what: the rules of oslo.policy, with defaults in code and an operator's
//! `policy.yaml` on top.
//!
//! ```
//! use oslo_policy::{Credentials, Enforcer, Operation, PolicyRule};
//!
//! const RULES: &[PolicyRule] = &[
//!     PolicyRule::helper("project_reader", "role:reader and project_id:%(project_id)s"),
//!     PolicyRule {
//!         name: "backup:plans:show",
//!         check_str: "role:admin or rule:project_reader",
//!         description: "Show a plan.",
//!         operations: &[Operation { method: "GET", path: "/v1/plans/{plan_id}" }],
//!         scope_types: &["project"],
//!     },
//! ];
//!
//! # fn main() -> Result<(), oslo_policy::PolicyError> {
//! let enforcer = Enforcer::new(RULES, None)?;
//! let reader = Credentials {
//!     project_id: Some("p1".into()),
//!     roles: vec!["reader".into()],
//!     ..Credentials::default()
//! };
//! assert!(enforcer.enforce("backup:plans:show", &[("project_id", "p1")], &reader).is_ok());
//! assert!(enforcer.enforce("backup:plans:show", &[("project_id", "p2")], &reader).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # The language
//! - `role:name`: the caller has the role, in any case of letters.
//! - `rule:name`: another rule holds.
//! - `attribute:text`: the caller's attribute is the text; `a.b.c` looks into nested ones, and of
//!   a list one item is enough.
//! - `'text':%(key)s`, `True:%(key)s`, `None:%(key)s`, `5:%(key)s`: the target's value is just that.
//! - `%(key)s` behind a colon stands for the target's value, `%%` for a percent sign.
//! - `@` always, `!` never, nothing at all always; `not`, `and`, `or` in this order of strength,
//!   parentheses.
//! - lists of lists, the old way: one of the outer, all of the inner.
//!
//! # Invariants
//! - Every doubt is a no: for what cannot be parsed, a check that is not supported (`http:`) and a
//!   rule that does not exist, neither it nor its opposite holds: `not` does not turn it into a
//!   yes. What is beside it in an `or` still counts. A rule that leads back to itself refuses as
//!   soon as the circle is come to.
//! - Rules are parsed once, and changed as a whole: a call sees the old ones or the new ones.
//! - A policy file that cannot be read leaves the rules in force that were.
//!
//! Where this is stricter than oslo.policy: `not` in front of what is broken, a rule without text
//! (`"name":` with nothing behind, which YAML reads as null, and there holds always), a `!` without
//! quotes (which YAML reads as an empty text, and there holds always too), a caller's attribute that is not set
//! compared with a target's that is not set either, rules in a circle even where they would not be
//! gone round. It is never more lenient; a test compares the two.
//!
//! This crate must not know any rule of the programs that use it.

mod check;
mod credentials;
mod enforcer;
mod error;
mod file;
mod rules;
mod sample;
mod target;
mod yaml;

pub use credentials::Credentials;
pub use enforcer::{Enforcer, Options};
pub use error::{Defect, Denied, PolicyError, Reason};
pub use rules::{Operation, PolicyRule};
pub use sample::sample;
pub use target::Target;
