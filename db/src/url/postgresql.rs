use super::parts::Parts;

/// What libpq would otherwise wait for without end: a host that does not answer, and one that
/// went away without a word.
const DEFAULTS: [(&str, &str); 6] = [
    ("connect_timeout", "10"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
    ("application_name", "firn"),
];

/// libpq reads the same URLs and knows more parameters than we do, TLS among them (`sslmode`,
/// `sslrootcert`, …); it refuses what it does not know.
pub(super) fn client_url(parts: &Parts) -> String {
    let mut parameters = parts.parameters.clone();
    for (key, value) in DEFAULTS {
        if !parameters.iter().any(|(given, _)| given == key) {
            parameters.push((key.to_owned(), value.to_owned()));
        }
    }
    parts.url("postgresql", &parameters)
}
