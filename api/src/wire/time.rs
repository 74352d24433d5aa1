//! Times of long lists. chrono's own way hands the serializer one character after the other.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// In RFC 3339, as chrono writes it, too.
pub(super) fn text<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// The same, or `null`.
pub(super) fn optional_text<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::Serializer;

    use super::*;

    #[test]
    fn it_is_what_chrono_writes() {
        for text in
            ["2026-11-30T20:39:59Z", "2026-11-30T20:39:59.5Z", "1969-01-01T00:00:00.000001Z"]
        {
            let time: DateTime<Utc> = text.parse().unwrap();
            let mut written = Vec::new();
            super::text(&time, &mut Serializer::new(&mut written)).unwrap();
            optional_text(&Some(time), &mut Serializer::new(&mut written)).unwrap();
            optional_text(&None, &mut Serializer::new(&mut written)).unwrap();
            let theirs = serde_json::to_string(&time).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), format!("{theirs}{theirs}null"));
        }
    }
}
