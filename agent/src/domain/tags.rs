//! What an owner tagged a domain with, for plans that choose by it:
//!
//! ```xml
//! <metadata>
//!   <firn:tags xmlns:firn="urn:firn:domain:1"><firn:tag key="backup" value="daily"/></firn:tags>
//! </metadata>
//! ```
//!
//! libvirt keeps such an element: `virsh metadata DOMAIN urn:firn:domain:1 --key firn --set XML`.

use std::collections::BTreeMap;

use super::{DomainError, value};
use crate::xml::Element;

const NAMESPACE: &str = "urn:firn:domain:1";

/// More than that is no tag but somebody's store.
const MOST: usize = 64;
const LONGEST: usize = 255;

pub(super) fn read(root: &Element) -> Result<BTreeMap<String, String>, DomainError> {
    let ours = |element: &&Element, name: &str| {
        element.name == name && element.namespace.as_deref() == Some(NAMESPACE)
    };
    let Some(metadata) = root.child("metadata") else { return Ok(BTreeMap::new()) };
    let mut tags = BTreeMap::new();
    for list in metadata.children.iter().filter(|element| ours(element, "tags")) {
        for tag in list.children.iter().filter(|element| ours(element, "tag")) {
            let key = value::required_attribute(tag, "key", "<firn:tag>")?;
            let text = tag.attribute("value").unwrap_or_default();
            if key.chars().count() > LONGEST || text.chars().count() > LONGEST {
                let reason = "keys and values have at most 255 characters";
                return Err(DomainError::invalid("<firn:tag>", key, reason));
            }
            tags.insert(key.to_owned(), text.to_owned());
            if tags.len() > MOST {
                let reason = "there are at most 64 tags";
                return Err(DomainError::invalid("<firn:tags>", key, reason));
            }
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;

    fn tags(metadata: &str) -> Result<BTreeMap<String, String>, DomainError> {
        read(&xml::read(format!("<domain>{metadata}</domain>").as_bytes()).unwrap())
    }

    #[test]
    fn only_tags_of_our_namespace_count() {
        let found = tags(
            r#"<metadata><f:tags xmlns:f="urn:firn:domain:1"><f:tag key="backup" value="daily"/>
               <f:tag key="empty"/><f:other key="a" value="b"/></f:tags>
               <tags xmlns="urn:else"><tag key="c" value="d"/></tags></metadata>"#,
        )
        .unwrap();
        let expected = [("backup", "daily"), ("empty", "")];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert!(tags("").unwrap().is_empty());
        assert!(tags("<metadata/>").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        let wrap = |inner: &str| {
            tags(&format!(
                r#"<metadata><f:tags xmlns:f="urn:firn:domain:1">{inner}</f:tags></metadata>"#
            ))
        };
        assert!(wrap(r#"<f:tag value="x"/>"#).is_err());
        assert!(wrap(&format!(r#"<f:tag key="{}"/>"#, "k".repeat(256))).is_err());
        let many: String = (0..65).map(|n| format!(r#"<f:tag key="k{n}"/>"#)).collect();
        assert!(wrap(&many).is_err());
    }
}
