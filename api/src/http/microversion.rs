use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::ApiError;

/// The type that the service has in the catalog, and by which clients ask for its version.
pub(crate) const SERVICE_TYPE: &str = "instance-backup";

/// Where a client asks for a microversion, and learns which it got.
pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("openstack-api-version");

/// A version `1.N` of the API's contract. What each brought is in `docs/API.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Microversion(u16);

impl Microversion {
    /// Backups, restores, jobs. What a client gets that asks for none.
    pub(crate) const V1_0: Self = Self(0);
    /// Plans, quotas, usage; services, agents and drivers; `links`, `fields` and `sort`.
    pub(crate) const V1_1: Self = Self(1);
    /// The oldest that is served.
    pub(crate) const MIN: Self = Self::V1_0;
    /// The newest.
    pub(crate) const MAX: Self = Self::V1_1;

    /// The version that a request asks for: [`Microversion::MIN`] where it asks for none.
    ///
    /// The header names a service and a version, `instance-backup 1.1` or `instance-backup
    /// latest`. It may come more than once and name several services with commas between them;
    /// those of other services are not ours to judge.
    pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut asked: Option<&str> = None;
        for value in headers.get_all(VERSION_HEADER) {
            let value = value.to_str().map_err(|_| malformed("holds more than printable ASCII"))?;
            for entry in value.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
                let mut words = entry.split_ascii_whitespace();
                let (service, version) = (words.next().unwrap_or_default(), words.next());
                if !service.eq_ignore_ascii_case(SERVICE_TYPE) {
                    if version.is_none() {
                        return Err(malformed("needs a service and a version"));
                    }
                    continue;
                }
                let version = version.filter(|_| words.next().is_none());
                let version = version.ok_or_else(|| malformed("needs one version"))?;
                if asked.replace(version).is_some_and(|before| before != version) {
                    return Err(malformed("asks for two versions"));
                }
            }
        }
        asked.map_or(Ok(Self::MIN), Self::parse)
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self::MAX);
        }
        let number = |text: &str| {
            let plain = !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'));
            plain.then(|| text.to_owned())
        };
        let parts = text.split_once('.').map(|(major, minor)| (number(major), number(minor)));
        let Some((Some(major), Some(minor))) = parts else {
            return Err(malformed("is not of the form 1.N"));
        };
        let known = (major == "1").then(|| minor.parse().ok().map(Self)).flatten();
        known
            .filter(|version| (Self::MIN..=Self::MAX).contains(version))
            .ok_or_else(|| ApiError::Version { asked: text.chars().take(20).collect() })
    }

    /// The value of the header in answers.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{SERVICE_TYPE} {self}")).ok()
    }
}

fn malformed(reason: &str) -> ApiError {
    ApiError::field("OpenStack-API-Version", format!("{reason}: send {SERVICE_TYPE} 1.N"))
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(values: &[&str]) -> Result<Microversion, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(VERSION_HEADER, HeaderValue::from_str(value).unwrap());
        }
        Microversion::negotiate(&headers).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn the_asked_version_is_given_or_refused() {
        let (v0, v1) = (Ok(Microversion::V1_0), Ok(Microversion::V1_1));
        for (values, expected) in [
            (&[][..], v0),
            (&[""], v0),
            (&["instance-backup 1.0"], v0),
            (&["instance-backup 1.1"], v1),
            (&["  Instance-Backup   1.1 "], v1),
            (&["instance-backup latest"], v1),
            (&["instance-backup LATEST"], v1),
            (&["compute 2.90"], v0),
            (&["compute 2.90, instance-backup 1.1"], v1),
            (&["compute 2.90", "instance-backup 1.1"], v1),
            (&["instance-backup 1.1,instance-backup 1.1"], v1),
            (&["compute latest,, instance-backup 1.1,"], v1),
            (&["instance-backup 1.2"], Err(406)),
            (&["instance-backup 2.0"], Err(406)),
            (&["instance-backup 0.9"], Err(406)),
            (&["instance-backup 1.99999999999999999999"], Err(406)),
            (&["instance-backup"], Err(400)),
            (&["1.1"], Err(400)),
            (&["instance-backup 1"], Err(400)),
            (&["instance-backup 1.01"], Err(400)),
            (&["instance-backup 1.1.1"], Err(400)),
            (&["instance-backup 1.-1"], Err(400)),
            (&["instance-backup +1.1"], Err(400)),
            (&["instance-backup 1.x"], Err(400)),
            (&["instance-backup 1.1 1.0"], Err(400)),
            (&["instance-backup 1.0", "instance-backup 1.1"], Err(400)),
            (&["instance-backup: 1.1"], v0),
        ] {
            assert_eq!(ask(values), expected, "{values:?}");
        }
    }
}
