//! From what the catalog says to the versioned base URL of an API.

use serde::Deserialize;

use super::Microversion;

/// The base URL of an API's version: `http://nova/v2.1` from `http://nova`, `http://nova/v2.1` and
/// `http://cinder/v3/PROJECT` alike, which is how catalogs have been written over time.
pub(super) fn versioned(url: &str, project_id: &str, version: &str) -> String {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix(project_id).map_or(url, |url| url.trim_end_matches('/'));
    let (parent, last) = url.rsplit_once('/').unwrap_or(("", url));
    match is_version(last) {
        true => format!("{parent}/{version}"),
        false => format!("{url}/{version}"),
    }
}

/// `v3`, `v2.1`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|first: char| first.is_ascii_digit())
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// The version document of an API: Nova's has one version, Cinder's a list of them.
#[derive(Debug, Deserialize)]
pub(super) struct VersionDocument {
    version: Option<VersionRange>,
    #[serde(default)]
    versions: Vec<VersionRange>,
}

/// The microversions of an API's version; an API without any leaves the texts empty.
#[derive(Debug, Deserialize)]
struct VersionRange {
    id: String,
    #[serde(default)]
    min_version: String,
    #[serde(default)]
    version: String,
}

impl VersionDocument {
    /// Oldest and newest microversion of the API's version; none where it has no microversions.
    pub(super) fn range(&self, version: &str) -> Option<(Microversion, Microversion)> {
        let major = |id: &str| id.split('.').next().unwrap_or_default().to_owned();
        let mut all = self.version.iter().chain(&self.versions);
        let range = all.find(|range| major(&range.id) == major(version))?;
        Some((range.min_version.parse().ok()?, range.version.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_form_of_an_endpoint_leads_to_the_version() {
        for (url, version, expected) in [
            ("http://h:8774/v2.1", "v2.1", "http://h:8774/v2.1"),
            ("http://h:8774/v2.1/", "v2.1", "http://h:8774/v2.1"),
            ("https://h/compute", "v2.1", "https://h/compute/v2.1"),
            ("http://h:8774/v2/p1", "v2.1", "http://h:8774/v2.1"),
            ("http://h:8776/v3/p1", "v3", "http://h:8776/v3"),
            ("http://h/volume/v3/p1/", "v3", "http://h/volume/v3"),
            ("http://h:8776/v3", "v3", "http://h:8776/v3"),
            ("http://h:9696", "v2.0", "http://h:9696/v2.0"),
            ("http://h:9696/", "v2.0", "http://h:9696/v2.0"),
            ("http://h/volumes", "v3", "http://h/volumes/v3"),
        ] {
            assert_eq!(versioned(url, "p1", version), expected, "{url}");
        }
    }

    #[test]
    fn both_forms_of_the_version_document_are_read() {
        let range = |text: &str, version| {
            let document: VersionDocument = serde_json::from_str(text).unwrap();
            document.range(version)
        };
        let nova = r#"{"version": {"id": "v2.1", "min_version": "2.1", "version": "2.93"}}"#;
        let expected = Some((Microversion::new(2, 1), Microversion::new(2, 93)));
        assert_eq!(range(nova, "v2.1"), expected);
        let cinder = r#"{"versions": [{"id": "v2.0", "min_version": "", "version": ""},
            {"id": "v3.0", "min_version": "3.0", "version": "3.70"}]}"#;
        let expected = Some((Microversion::new(3, 0), Microversion::new(3, 70)));
        assert_eq!(range(cinder, "v3"), expected);
        assert_eq!(range(r#"{"versions": []}"#, "v3"), None);
        assert_eq!(range(r#"{"version": {"id": "v2.1"}}"#, "v2.1"), None);
    }
}
