use super::parts::Parts;

/// What the client is given, and whether the connection must be encrypted.
pub(super) fn client_url(parts: &Parts) -> Result<(String, bool), String> {
    check(parts)?;
    let mut kept = Vec::new();
    let mut mode = None;
    for (key, value) in &parts.parameters {
        match (key.as_str(), value.as_str()) {
            // We always speak utf8mb4, of which `utf8` is a part.
            ("charset", "utf8" | "utf8mb3" | "utf8mb4") => {}
            ("charset", _) => return Err("charset must be utf8mb4".to_owned()),
            // SQLAlchemy's, not the database's.
            ("plugin", _) => {}
            ("unix_socket" | "ssl_ca" | "ssl_cert" | "ssl_key", _) => {
                kept.push((key.clone(), value.clone()));
            }
            ("ssl_mode", value) => mode = mode.max(Some(Mode::parse(value)?)),
            ("ssl_verify_cert", value) if yes(key, value)? => {
                mode = mode.max(Some(Mode::VerifyCa));
            }
            ("ssl_verify_identity" | "ssl_check_hostname", value) if yes(key, value)? => {
                mode = mode.max(Some(Mode::VerifyIdentity));
            }
            ("ssl_verify_cert" | "ssl_verify_identity" | "ssl_check_hostname", _) => {}
            _ => return Err(format!("the parameter {key} is not known")),
        }
    }
    let files = kept.iter().any(|(key, _)| key.starts_with("ssl_"));
    let tls = files || mode.is_some_and(|mode| mode >= Mode::Required);
    if let Some(mode) = mode {
        kept.extend(mode.parameters(&kept)?);
    }
    let local = parts.hosts == "localhost" || parts.hosts.starts_with("localhost:");
    let socket = kept.iter().any(|(key, _)| key == "unix_socket");
    let url = if local && !socket {
        // The C client takes this name for "by a socket", wherever it believes that to be.
        let hosts = parts.hosts.replacen("localhost", "127.0.0.1", 1);
        Parts { hosts, ..parts.clone() }.url("mysql", &kept)
    } else {
        parts.url("mysql", &kept)
    };
    Ok((url, tls))
}

fn check(parts: &Parts) -> Result<(), String> {
    if parts.hosts.is_empty() {
        return Err("it names no host".to_owned());
    }
    let port = match parts.hosts.rsplit_once(']') {
        Some((_, after)) => after.strip_prefix(':'),
        None => parts.hosts.split_once(':').map(|(_, port)| port),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("the port is not a number up to 65535".to_owned());
    }
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-$".contains(character);
    if parts.database.is_empty() || !parts.database.chars().all(plain) {
        return Err("after the host comes the name of a database, of letters, digits, _ - $".into());
    }
    Ok(())
}

fn yes(key: &str, value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(format!("{key} must be true or false")),
    }
}

/// How much is asked of encryption, from nothing upward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Disabled,
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

impl Mode {
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "disabled" => Ok(Self::Disabled),
            "preferred" => Ok(Self::Preferred),
            "required" => Ok(Self::Required),
            "verify_ca" => Ok(Self::VerifyCa),
            "verify_identity" => Ok(Self::VerifyIdentity),
            _ => Err("ssl_mode must be disabled, preferred, required, verify_ca or \
                      verify_identity"
                .to_owned()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Preferred => "preferred",
            Self::Required => "required",
            Self::VerifyCa => "verify_ca",
            Self::VerifyIdentity => "verify_identity",
        }
    }

    /// What brings it about with the client library that we are built against.
    fn parameters(self, given: &[(String, String)]) -> Result<Vec<(String, String)>, String> {
        if mysqlclient_sys::SUPPORTS_MYSQL_SSL_MODE {
            return Ok(vec![("ssl_mode".to_owned(), self.name().to_owned())]);
        }
        let ca = given.iter().any(|(key, _)| key == "ssl_ca");
        match self {
            Self::Disabled | Self::Preferred => Ok(Vec::new()),
            Self::Required | Self::VerifyCa if ca => Ok(Vec::new()),
            Self::Required | Self::VerifyCa => {
                Err("the MariaDB client needs ssl_ca, too, to encrypt and verify".to_owned())
            }
            Self::VerifyIdentity => Err("the MariaDB client checks the server's certificate \
                                         against ssl_ca, and cannot be asked for its host name"
                .to_owned()),
        }
    }
}
