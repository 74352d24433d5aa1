use std::path::{Path, PathBuf};

use oslo_policy::{Credentials, Enforcer, Options, PolicyError};

use super::{Policy, Target, declared};
use crate::Principal;

/// The defaults of all rules, and an operator's file over them.
#[derive(Debug)]
pub struct OsloPolicy {
    enforcer: Enforcer,
}

impl OsloPolicy {
    /// The defaults alone.
    ///
    /// # Errors
    /// [`PolicyError::Default`]: a defect of ours, which a test finds.
    pub fn defaults() -> Result<Self, PolicyError> {
        Ok(Self { enforcer: Enforcer::new(&declared(), None)? })
    }

    /// With an operator's file and folders of files over it, which need not exist and are read
    /// again when they change.
    ///
    /// # Errors
    /// Any [`PolicyError`]: a service must not start with rules other than meant.
    pub fn with_files(file: &Path, folders: Vec<PathBuf>) -> Result<Self, PolicyError> {
        let options = Options { policy_dirs: folders, ..Options::default() };
        Ok(Self { enforcer: Enforcer::with_options(&declared(), Some(file), options)? })
    }
}

impl Policy for OsloPolicy {
    fn allows(&self, rule: &str, caller: &Principal, target: Target<'_>) -> bool {
        let credentials = Credentials {
            user_id: Some(caller.user_id.clone()),
            user_domain_id: caller.user_domain_id.clone(),
            project_id: Some(caller.project_id.0.clone()),
            project_domain_id: caller.project_domain_id.clone(),
            roles: caller.roles.clone(),
            ..Credentials::default()
        };
        let target = [("project_id", target.project_id), ("user_id", target.user_id)];
        self.enforcer.enforce(rule, &target, &credentials).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use firn_core::ProjectId;

    use super::*;
    use crate::policy::{Access, FILE_RESTORE, SHOW_LOCATION, policy_rules};

    fn caller(roles: &[&str]) -> Principal {
        Principal::new(ProjectId("p".to_owned()), "u", roles)
    }

    const OWN: Target<'_> = Target { project_id: "p", user_id: "u" };
    const OTHER: Target<'_> = Target { project_id: "q", user_id: "u" };

    #[test]
    fn roles_do_what_they_are_for() {
        let policy = OsloPolicy::defaults().unwrap();
        assert!(policy.enforcer.defects().is_empty());
        for rule in policy_rules() {
            for (roles, reads, changes, rules) in [
                (&[][..], false, false, false),
                (&["reader"], true, false, false),
                (&["Reader"], true, false, false),
                (&["member"], true, true, false),
                (&["manager"], true, true, false),
                (&["service"], false, false, false),
                (&["admin"], true, true, true),
            ] {
                let expected = match rule.access {
                    Access::Reader => reads,
                    Access::Member => changes,
                    Access::Admin => rules,
                };
                let caller = caller(roles);
                let allows = |target| policy.allows(rule.name, &caller, target);
                assert_eq!(allows(OWN), expected, "{} {roles:?}", rule.name);
                for foreign in [OTHER, Target::NOBODYS] {
                    assert_eq!(allows(foreign), rules, "{} {roles:?}", rule.name);
                }
            }
        }
        assert!(!policy.allows("instance-backup:unheard:of", &caller(&["admin"]), OWN));
        for extra in [SHOW_LOCATION, FILE_RESTORE] {
            assert!(policy.allows(extra, &caller(&["admin"]), OWN), "{extra}");
        }
    }

    #[test]
    fn an_operator_changes_single_rules() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(
            &path,
            "\"instance-backup:plans:delete\": \"user_id:%(user_id)s\"\n\
             \"instance-backup:jobs:list\": \"!\"\n",
        )
        .unwrap();
        let policy = OsloPolicy::with_files(&path, Vec::new()).unwrap();
        let mine = Target { project_id: "p", user_id: "u" };
        let theirs = Target { project_id: "p", user_id: "v" };
        let nobody = caller(&[]);
        assert!(policy.allows("instance-backup:plans:delete", &nobody, mine));
        assert!(!policy.allows("instance-backup:plans:delete", &nobody, theirs));
        assert!(!policy.allows("instance-backup:jobs:list", &caller(&["admin"]), OWN));
        assert!(policy.allows("instance-backup:jobs:show", &caller(&["reader"]), OWN));
        std::fs::write(&path, "- no table\n").unwrap();
        assert!(OsloPolicy::with_files(&path, Vec::new()).is_err());
    }
}
