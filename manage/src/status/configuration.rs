use firn_db::DatabaseOptions;
use oslo_config::{Group, Problem, ProblemKind, Severity};

use super::{Check, Finding};

const NAME: &str = "Configuration";

/// The groups that are looked at here; the services look at their own when they start.
pub(super) fn groups() -> Vec<Group> {
    vec![DatabaseOptions::group(), Group::open("storage", &[])]
}

pub(super) fn check(problems: &[Problem]) -> Check {
    // One file serves several programs: what is not ours is no mistake.
    let ours = |problem: &&Problem| match problem.kind {
        ProblemKind::UnknownGroup => false,
        ProblemKind::UnknownOption => problem.severity == Severity::Error,
        _ => true,
    };
    let said: Vec<_> = problems.iter().filter(ours).map(ToString::to_string).collect();
    let errors = problems.iter().any(|problem| problem.severity == Severity::Error);
    Check::of(NAME, if errors { Finding::Failure } else { Finding::Warning }, &said)
}
