use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// Port of a broker without TLS, and with.
const PORTS: (u16, u16) = (5672, 5671);
/// What RabbitMQ's own default account is called, and its password.
const GUEST: &str = "guest";

/// Where brokers are and how to log in, as oslo.messaging writes it:
/// `rabbit://user:password@host:5672,user:password@host2:5672/virtual_host?option=value`.
///
/// Parts are percent-encoded; an IPv6 address stands in brackets. Without hosts it is this
/// machine, without a user the broker's guest, without a virtual host (or with an empty one)
/// `/`. The scheme is `rabbit`, `kombu` or `amqp`, or with TLS `rabbits` or `amqps`.
///
/// Neither `Debug` nor `Display` shows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct TransportUrl {
    /// Brokers, in the order in which they are tried. At least one.
    pub hosts: Vec<TransportHost>,
    /// The virtual host.
    pub virtual_host: String,
    /// Whether the scheme itself asks for TLS.
    pub tls: bool,
    /// Options of the driver, in their order. An option given twice is here twice.
    pub query: Vec<(String, String)>,
}

/// One broker of a [`TransportUrl`].
#[derive(Clone, PartialEq, Eq)]
pub struct TransportHost {
    /// Name or address, without brackets.
    pub host: String,
    /// Port; `None` for the usual one.
    pub port: Option<u16>,
    /// User.
    pub user: String,
    /// Password. Never shown.
    pub password: String,
}

/// Why a text is no transport URL. Nothing of the text is repeated: a URL that is torn at the
/// wrong place shows its password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportUrlError {
    /// No `scheme://`.
    #[error("the transport URL must begin with rabbit://")]
    NoScheme,
    /// Another kind of transport.
    #[error("the transport URL's scheme {scheme:?} is not known: use rabbit:// or rabbits://")]
    Scheme {
        /// What it says.
        scheme: String,
    },
    /// A host without a name, or a port that is none.
    #[error(
        "host {position} of the transport URL has no valid name or port; in user and password \
         write / as %2F, @ as %40, : as %3A, comma as %2C and ? as %3F"
    )]
    Host {
        /// Which one, from 1.
        position: usize,
    },
    /// Percent-encoding of what is no UTF-8.
    #[error("the transport URL's percent-encoded bytes are no UTF-8")]
    Encoding,
}

impl TransportHost {
    /// Host and port as people write them.
    pub(super) fn address(&self, tls: bool) -> String {
        let port = self.port_or_usual(tls);
        match self.host.contains(':') {
            true => format!("[{}]:{port}", self.host),
            false => format!("{}:{port}", self.host),
        }
    }

    pub(super) fn port_or_usual(&self, tls: bool) -> u16 {
        self.port.unwrap_or(if tls { PORTS.1 } else { PORTS.0 })
    }

    fn parse(text: &str) -> Result<Option<Self>, TransportUrlError> {
        let (login, address) = match text.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, text),
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
        {
            Some((user, password)) => (decode(user)?, decode(password)?),
            None => (GUEST.to_owned(), GUEST.to_owned()),
        };
        let Some((host, port)) = host_and_port(address) else { return Ok(None) };
        Ok(Some(Self { host: host.to_owned(), port, user, password }))
    }
}

/// `None` where either is not what it must be.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        match rest {
            "" => (host, None),
            rest => (host, Some(rest.strip_prefix(':')?)),
        }
    } else if text.matches(':').count() > 1 {
        // An IPv6 address without brackets has no port.
        (text, None)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return None;
    }
    match port {
        None => Some((host, None)),
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => None,
        Some(port) => port.parse().ok().filter(|port| *port > 0).map(|port| (host, Some(port))),
    }
}

fn decode(text: &str) -> Result<String, TransportUrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| TransportUrlError::Encoding)
}

impl FromStr for TransportUrl {
    type Err = TransportUrlError;

    fn from_str(text: &str) -> Result<Self, TransportUrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(TransportUrlError::NoScheme)?;
        let tls = match scheme {
            "rabbit" | "kombu" | "amqp" => false,
            "rabbits" | "amqps" => true,
            // Whatever looks like no scheme may be part of a password.
            _ if scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) => {
                return Err(TransportUrlError::Scheme { scheme: scheme.to_owned() });
            }
            _ => return Err(TransportUrlError::NoScheme),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let query = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let virtual_host = match decode(path)? {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        };
        let hosts = hosts
            .split(',')
            .filter(|host| !host.is_empty())
            .enumerate()
            .map(|(index, host)| {
                TransportHost::parse(host)?.ok_or(TransportUrlError::Host { position: index + 1 })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let hosts = match hosts.is_empty() {
            false => hosts,
            true => vec![TransportHost {
                host: "localhost".to_owned(),
                port: None,
                user: GUEST.to_owned(),
                password: GUEST.to_owned(),
            }],
        };
        Ok(Self { hosts, virtual_host, tls, query })
    }
}

impl fmt::Display for TransportUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "rabbits://" } else { "rabbit://" })?;
        for (index, host) in self.hosts.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}:***@{}", host.user, host.address(self.tls))?;
        }
        write!(f, "/{}", self.virtual_host.trim_start_matches('/'))
    }
}

impl fmt::Debug for TransportUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for TransportHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***@{}:{:?}", self.user, self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> TransportUrl {
        text.parse().unwrap()
    }

    fn host(host: &str, port: Option<u16>, user: &str, password: &str) -> TransportHost {
        TransportHost {
            host: host.to_owned(),
            port,
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn several_hosts_each_with_its_login() {
        let url = parse("rabbit://a:1@h1:5673,b:2@h2/firn?ssl=1&ssl_ca_file=%2Fca.pem");
        assert_eq!(url.hosts, [host("h1", Some(5673), "a", "1"), host("h2", None, "b", "2")]);
        assert_eq!((url.virtual_host.as_str(), url.tls), ("firn", false));
        let query: Vec<_> = url.query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(query, [("ssl", "1"), ("ssl_ca_file", "/ca.pem")]);
    }

    #[test]
    fn what_is_missing_is_as_the_broker_has_it_by_default() {
        for text in ["rabbit://", "rabbit:///", "kombu://localhost", "amqp://localhost/%2F"] {
            let url = parse(text);
            assert_eq!(url.hosts, [host("localhost", None, "guest", "guest")], "{text}");
            assert_eq!(url.virtual_host, "/", "{text}");
            assert_eq!(url.hosts[0].address(url.tls), "localhost:5672");
        }
        let url = parse("rabbits://h/v");
        assert_eq!(url.hosts[0].address(url.tls), "h:5671");
        assert!(parse("amqps://h/v").tls);
    }

    #[test]
    fn logins_are_percent_decoded_and_a_plus_is_a_plus() {
        let url = parse("rabbit://us%40er:p%2Fa%3As%2Cs%25+@h/a%2Fb%20c");
        assert_eq!(url.hosts, [host("h", None, "us@er", "p/a:s,s%+")]);
        assert_eq!(url.virtual_host, "a/b c");
        // oslo.messaging lets a user hold one more `@`.
        assert_eq!(parse("rabbit://u@realm:p@h").hosts[0].user, "u@realm");
    }

    #[test]
    fn ipv6_with_and_without_brackets() {
        let url = parse("rabbit://u:p@[::1]:5673,u:p@[fe80::2],u:p@fe80::3/");
        let hosts: Vec<_> = url.hosts.iter().map(|h| (h.host.as_str(), h.port)).collect();
        assert_eq!(hosts, [("::1", Some(5673)), ("fe80::2", None), ("fe80::3", None)]);
        assert_eq!(url.hosts[1].address(false), "[fe80::2]:5672");
    }

    #[test]
    fn nothing_shows_a_password() {
        let url = parse("rabbit://user:hush@h1,user:hush@[::1]/v");
        for shown in [format!("{url}"), format!("{url:?}"), format!("{:?}", url.hosts)] {
            assert!(shown.contains("user") && !shown.contains("hush"), "{shown}");
        }
        assert_eq!(url.to_string(), "rabbit://user:***@h1:5672,user:***@[::1]:5672/v");
        for bad in [
            "user:hush@h",
            "rabbit://user:hush/more@h",
            "rabbit://user:hush,more@h",
            "user:hush@h://x",
            "redis://user:hush@h",
            "rabbit://u:%FFhush@h",
        ] {
            let error = bad.parse::<TransportUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{bad}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in ["", "rabbit", "rabbit:/h", "http://h", "rabbit://h:0", "rabbit://h:70000"] {
            assert!(bad.parse::<TransportUrl>().is_err(), "{bad:?}");
        }
        for bad in ["rabbit://h:x", "rabbit://u:p@:5672", "rabbit://[::1", "rabbit://[::1]x"] {
            let error = bad.parse::<TransportUrl>();
            assert_eq!(error, Err(TransportUrlError::Host { position: 1 }), "{bad:?}");
        }
    }
}
