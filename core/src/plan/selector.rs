use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Glob, PlanError};
use crate::InstanceId;

/// Which instances of its project a plan protects. Exactly one of the forms is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// These.
    Ids(BTreeSet<InstanceId>),
    /// Those whose name fits a shell pattern; see [`Glob`].
    NamePattern(String),
    /// Those that carry this metadata.
    Metadata(MetadataTag),
    /// Every instance of the project, also those that are made later: `{"all": true}`.
    #[serde(with = "only_true")]
    All,
}

/// A key of an instance's metadata with the value it must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataTag {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

/// What a selector looks at.
#[derive(Clone, Copy, Debug)]
pub struct InstanceFacts<'a> {
    /// Its id.
    pub id: InstanceId,
    /// Its name.
    pub name: &'a str,
    /// Its metadata, as its owner set it.
    pub metadata: &'a BTreeMap<String, String>,
}

impl Selector {
    /// The most instances that can be named one by one.
    pub const MAX_IDS: usize = 1000;

    /// Whether an instance is meant. A pattern that cannot be read means none.
    pub fn matches(&self, instance: &InstanceFacts<'_>) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&instance.id),
            Self::NamePattern(pattern) => {
                Glob::parse(pattern).is_ok_and(|glob| glob.matches(instance.name))
            }
            Self::Metadata(tag) => instance.metadata.get(&tag.key) == Some(&tag.value),
            Self::All => true,
        }
    }

    pub(super) fn validate(&self) -> Result<(), PlanError> {
        let text = |field: &'static str, text: &str, least: usize| {
            let characters = text.chars().count();
            if (least..=255).contains(&characters) {
                return Ok(());
            }
            Err(PlanError::new(field, format!("must have {least} to 255 characters")))
        };
        match self {
            Self::Ids(ids) if ids.is_empty() => {
                Err(PlanError::new("instances.ids", "name at least one instance"))
            }
            Self::Ids(ids) if ids.len() > Self::MAX_IDS => Err(PlanError::new(
                "instances.ids",
                format!("at most {} instances can be named: use a pattern", Self::MAX_IDS),
            )),
            Self::Ids(_) | Self::All => Ok(()),
            Self::NamePattern(pattern) => {
                text("instances.name_pattern", pattern, 1)?;
                Glob::parse(pattern)
                    .map(drop)
                    .map_err(|error| PlanError::new("instances.name_pattern", error.to_string()))
            }
            Self::Metadata(tag) => {
                text("instances.metadata.key", &tag.key, 1)?;
                text("instances.metadata.value", &tag.value, 0)
            }
        }
    }
}

/// The value of `{"all": true}`.
mod only_true {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bool(true)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
        match bool::deserialize(from)? {
            true => Ok(()),
            false => Err(D::Error::custom("all must be true; leave it out to choose otherwise")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_forms_are_those_of_the_api() {
        let id = InstanceId::new();
        for (selector, form) in [
            (Selector::Ids([id].into()), json!({ "ids": [id] })),
            (Selector::NamePattern("web-*".into()), json!({ "name_pattern": "web-*" })),
            (
                Selector::Metadata(MetadataTag { key: "backup".into(), value: "daily".into() }),
                json!({ "metadata": { "key": "backup", "value": "daily" } }),
            ),
            (Selector::All, json!({ "all": true })),
        ] {
            assert_eq!(serde_json::to_value(&selector).unwrap(), form);
            assert_eq!(serde_json::from_value::<Selector>(form).unwrap(), selector);
        }
        for bad in [
            json!({}),
            json!({ "all": false }),
            json!({ "all": true, "ids": [] }),
            json!({ "names": ["a"] }),
            json!({ "metadata": { "key": "a" } }),
            json!({ "metadata": { "key": "a", "value": "b", "c": 1 } }),
            json!("all"),
            json!(null),
        ] {
            assert!(serde_json::from_value::<Selector>(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_form_chooses_by_its_fact() {
        let metadata: BTreeMap<_, _> = [("backup".to_owned(), "daily".to_owned())].into();
        let id = InstanceId::new();
        let facts = InstanceFacts { id, name: "web-1", metadata: &metadata };
        let tag = |key: &str, value: &str| {
            Selector::Metadata(MetadataTag { key: key.into(), value: value.into() })
        };
        for (selector, expected) in [
            (Selector::All, true),
            (Selector::Ids([id, InstanceId::new()].into()), true),
            (Selector::Ids([InstanceId::new()].into()), false),
            (Selector::NamePattern("web-*".into()), true),
            (Selector::NamePattern("db-*".into()), false),
            (Selector::NamePattern("[".into()), false),
            (tag("backup", "daily"), true),
            (tag("backup", "weekly"), false),
            (tag("Backup", "daily"), false),
        ] {
            assert_eq!(selector.matches(&facts), expected, "{selector:?}");
        }
    }

    #[test]
    fn errors_name_the_field() {
        let tag =
            |key: &str, value: String| Selector::Metadata(MetadataTag { key: key.into(), value });
        let many = (0..=Selector::MAX_IDS).map(|_| InstanceId::new()).collect();
        for (selector, field) in [
            (Selector::Ids([].into()), "instances.ids"),
            (Selector::Ids(many), "instances.ids"),
            (Selector::NamePattern(String::new()), "instances.name_pattern"),
            (Selector::NamePattern("[a".into()), "instances.name_pattern"),
            (Selector::NamePattern("x".repeat(256)), "instances.name_pattern"),
            (tag("", "a".into()), "instances.metadata.key"),
            (tag("a", "x".repeat(256)), "instances.metadata.value"),
        ] {
            assert_eq!(selector.validate().unwrap_err().field, field);
        }
        assert_eq!(tag("a", String::new()).validate(), Ok(()));
        assert_eq!(Selector::All.validate(), Ok(()));
    }
}
