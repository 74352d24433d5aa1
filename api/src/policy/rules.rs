use oslo_policy::Operation;

use crate::routes;

/// Who may do a thing where no policy says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever may read in the project.
    Reader,
    /// Whoever may change things in the project.
    Member,
    /// Administrators, in every project.
    Admin,
}

impl Access {
    /// The same in the language of policy files.
    pub const fn check(self) -> &'static str {
        match self {
            Self::Reader => "rule:admin_required or rule:project_reader",
            Self::Member => "rule:admin_required or rule:project_member",
            Self::Admin => "rule:admin_required",
        }
    }
}

/// The rules that the defaults are made of.
const ROLES: [oslo_policy::PolicyRule; 3] = [
    oslo_policy::PolicyRule {
        description: "An administrator, of whichever project.",
        ..oslo_policy::PolicyRule::helper("admin_required", "role:admin")
    },
    oslo_policy::PolicyRule {
        description: "Somebody who may read in the project.",
        ..oslo_policy::PolicyRule::helper(
            "project_reader",
            "(role:reader or role:member or role:manager) and project_id:%(project_id)s",
        )
    },
    oslo_policy::PolicyRule {
        description: "Somebody who may change things in the project.",
        ..oslo_policy::PolicyRule::helper(
            "project_member",
            "(role:member or role:manager) and project_id:%(project_id)s",
        )
    },
];

/// See where the disks of an instance lie.
pub(crate) const SHOW_LOCATION: &str = "instance-backup:instances:show_location";
/// Restore to files on a conductor's machine.
pub(crate) const FILE_RESTORE: &str = "instance-backup:restores:create_file";

/// Rules that are asked besides that of the route.
const EXTRA: [PolicyRule; 2] = [
    PolicyRule {
        name: SHOW_LOCATION,
        access: Access::Admin,
        description: "May see where the disks of an instance lie.",
        operations: &[Operation { method: "GET", path: "/v1/instances/{id}" }],
    },
    PolicyRule {
        name: FILE_RESTORE,
        access: Access::Admin,
        description: "May restore to files on a conductor's machine.",
        operations: &[Operation { method: "POST", path: "/v1/restores" }],
    },
];

/// One rule of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// `instance-backup:<resource>:<verb>`.
    pub name: &'static str,
    /// What it allows.
    pub description: &'static str,
    /// Who may do it where no policy says otherwise.
    pub access: Access,
    /// What asks for it.
    pub operations: &'static [Operation],
}

/// Every rule there is, by name.
pub fn policy_rules() -> Vec<PolicyRule> {
    let mut rules = routes::rules();
    rules.extend(EXTRA);
    rules.sort_by_key(|rule| rule.name);
    rules
}

/// Every rule and what the defaults are made of, as an enforcer takes them.
pub fn declared() -> Vec<oslo_policy::PolicyRule> {
    let mut rules = ROLES.to_vec();
    rules.extend(policy_rules().into_iter().map(|rule| oslo_policy::PolicyRule {
        name: rule.name,
        check_str: rule.access.check(),
        description: rule.description,
        operations: rule.operations,
        scope_types: &["project"],
    }));
    rules
}

/// The text of `policy.yaml.sample`.
pub fn sample() -> String {
    oslo_policy::sample(&declared())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_committed_sample_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/firn/policy.yaml.sample");
        let current = super::sample();
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(committed, current, "write it anew with UPDATE_SAMPLES=1");
    }
}
