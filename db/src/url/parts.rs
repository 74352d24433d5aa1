use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What may stand in a part of a URL as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `user:password@hosts/database?key=value`, decoded.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) user: String,
    pub(super) password: Option<String>,
    /// Host and port as written; several with commas are the client's business.
    pub(super) hosts: String,
    pub(super) database: String,
    pub(super) parameters: Vec<(String, String)>,
}

impl Parts {
    pub(super) fn parse(rest: &str) -> Result<Self, String> {
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        // Passwords are found with `@` and `/` in them, though they should be escaped; a database
        // has neither.
        let authority_from = before.rfind('@').map_or(0, |at| at + 1);
        let (host, database) =
            before[authority_from..].split_once('/').unwrap_or((&before[authority_from..], ""));
        let (user, password) = match authority_from {
            0 => ("", None),
            end => match before[..end - 1].split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (&before[..end - 1], None),
            },
        };
        if database.contains('/') {
            return Err("after the host comes the name of one database".to_owned());
        }
        Ok(Self {
            user: decoded(user)?,
            password: password.map(decoded).transpose()?,
            hosts: host.to_owned(),
            database: decoded(database)?,
            parameters: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        })
    }

    /// The URL again, with other parameters.
    pub(super) fn url(&self, scheme: &str, parameters: &[(String, String)]) -> String {
        let mut url = format!("{scheme}://");
        if !self.user.is_empty() || self.password.is_some() {
            url.push_str(&escaped(&self.user));
            if let Some(password) = &self.password {
                url.push(':');
                url.push_str(&escaped(password));
            }
            url.push('@');
        }
        url.push_str(&self.hosts);
        url.push('/');
        url.push_str(&escaped(&self.database));
        for (place, (key, value)) in parameters.iter().enumerate() {
            url.push(if place == 0 { '?' } else { '&' });
            url.push_str(&format!("{}={}", escaped(key), escaped(value)));
        }
        url
    }

    /// The texts that no message may hold, in every form that a client may quote.
    pub(super) fn secrets(&self) -> Vec<String> {
        let parameter = self.parameters.iter().find(|(key, _)| key == "password");
        let values = self.password.iter().chain(parameter.map(|(_, value)| value));
        values
            .filter(|secret| !secret.is_empty())
            .flat_map(|secret| [secret.clone(), escaped(secret)])
            .collect()
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(|text| text.into_owned()).map_err(|_| "it holds what is not UTF-8".to_owned())
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// A URL for people: without the password, and without parameters, which may hold one.
pub(super) fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(not a URL)".to_owned() };
    if scheme.starts_with("sqlite") {
        return url.to_owned();
    }
    let rest = rest.split('?').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        Some((login, place)) => match login.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{place}"),
            None => format!("{scheme}://{login}@{place}"),
        },
        None => format!("{scheme}://{rest}"),
    }
}
