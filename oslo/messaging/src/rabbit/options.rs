use std::path::PathBuf;
use std::time::Duration;

use crate::{TransportUrl, TransportUrlError};

/// How to reach RabbitMQ and what its queues are to be like. The names in brackets are those of
/// oslo.messaging's options; they may stand in the URL's query, where they win.
#[derive(Clone, Debug)]
pub struct RabbitOptions {
    /// Brokers and logins.
    pub url: TransportUrl,
    /// TLS, or `None` for plain TCP (`ssl`, and a URL that begins with `rabbits`).
    pub tls: Option<RabbitTls>,
    /// A connection on which nothing comes for twice as long is dead
    /// (`heartbeat_timeout_threshold`). Whole seconds.
    pub heartbeat: Duration,
    /// How long one broker may take to accept a connection, TLS included, and as long again for
    /// its login.
    pub connect_timeout: Duration,
    /// How long publishing waits in all: for a connection, and for the broker's word that it has
    /// the message.
    pub publish_timeout: Duration,
    /// The first wait before brokers are tried again (`rabbit_retry_interval`). It doubles at each
    /// failure and is cut short by up to a half at random. A connection that was there and ended
    /// soon makes it no longer than twice this.
    pub retry_interval: Duration,
    /// The longest such wait (`rabbit_interval_max`).
    pub retry_interval_max: Duration,
    /// Quorum queues, replicated where the broker is a cluster (`rabbit_quorum_queue`). Without,
    /// queues are durable classic ones: those do not count deliveries, so that an `attempt` is 1 or
    /// 2 and `delivery_limit` has no effect.
    pub quorum_queues: bool,
    /// After so many deliveries that were given up, a message goes to the dead letters.
    pub delivery_limit: u32,
    /// How many messages a queue holds; more are refused as `Full`, and in the dead letters the
    /// oldest give way.
    pub queue_length: u32,
    /// Whether the queues of calls are durable. They are not by default: a call has no use for a
    /// broker's restart. Needed where the broker refuses queues that are neither durable nor
    /// exclusive.
    pub durable_call_queues: bool,
    /// What the broker's list of connections shows.
    pub connection_name: String,
}

/// TLS to a broker. The broker's certificate must be valid for the host's name in the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RabbitTls {
    /// Authorities to trust, PEM (`ssl_ca_file`); the system's without it.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its chain, PEM (`ssl_cert_file`).
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM (`ssl_key_file`).
    pub key_file: Option<PathBuf>,
}

/// Why options cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RabbitOptionsError {
    /// The URL itself.
    #[error("the transport URL cannot be used")]
    Url {
        /// What is wrong.
        #[from]
        source: TransportUrlError,
    },
    /// An option in the URL's query.
    #[error("the option {name} in the transport URL needs {expected}")]
    Value {
        /// The option.
        name: String,
        /// What would be right.
        expected: &'static str,
    },
}

impl RabbitOptions {
    /// The usual values for a URL, and what its query says. Options of oslo.messaging that have no
    /// meaning here are passed over.
    pub fn new(url: &str) -> Result<Self, RabbitOptionsError> {
        Self::from_url(url.parse()?)
    }

    /// As [`new`](Self::new), from a URL that is parsed already.
    pub fn from_url(url: TransportUrl) -> Result<Self, RabbitOptionsError> {
        let mut options = Self {
            tls: url.tls.then(RabbitTls::default),
            heartbeat: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            publish_timeout: Duration::from_secs(10),
            retry_interval: Duration::from_secs(1),
            retry_interval_max: Duration::from_secs(30),
            quorum_queues: true,
            delivery_limit: 20,
            queue_length: 100_000,
            durable_call_queues: false,
            connection_name: format!("oslo-messaging-rs:{}", std::process::id()),
            url,
        };
        for (name, value) in options.url.query.clone() {
            options.set(&name, &value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), RabbitOptionsError> {
        let wrong = |expected| RabbitOptionsError::Value { name: name.to_owned(), expected };
        let flag = || match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(wrong("true or false")),
        };
        let seconds = || match value.parse() {
            Ok(seconds) if seconds <= 3600 => Ok(Duration::from_secs(seconds)),
            _ => Err(wrong("whole seconds, at most 3600")),
        };
        match name {
            "ssl" if flag()? => _ = self.tls.get_or_insert_default(),
            "ssl" => self.tls = None,
            "ssl_ca_file" => self.file(value, |tls| &mut tls.ca_file),
            "ssl_cert_file" => self.file(value, |tls| &mut tls.cert_file),
            "ssl_key_file" => self.file(value, |tls| &mut tls.key_file),
            "heartbeat_timeout_threshold" => self.heartbeat = seconds()?,
            "rabbit_retry_interval" => self.retry_interval = seconds()?,
            "rabbit_interval_max" => self.retry_interval_max = seconds()?,
            "rabbit_quorum_queue" => self.quorum_queues = flag()?,
            _ => {}
        }
        Ok(())
    }

    /// A file is of no use without TLS; with `ssl` after it in the query it stays.
    fn file(&mut self, value: &str, slot: impl FnOnce(&mut RabbitTls) -> &mut Option<PathBuf>) {
        let wanted = self.tls.is_some() || self.url.query.iter().any(|(name, _)| name == "ssl");
        if wanted && !value.is_empty() {
            *slot(self.tls.get_or_insert_default()) = Some(PathBuf::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_a_url_wins() {
        let options = RabbitOptions::new(
            "rabbit://h/?heartbeat_timeout_threshold=5&rabbit_quorum_queue=False\
             &rabbit_retry_interval=2&rabbit_interval_max=9&rpc_conn_pool_size=3",
        )
        .unwrap();
        assert_eq!(options.heartbeat, Duration::from_secs(5));
        assert_eq!(options.retry_interval, Duration::from_secs(2));
        assert_eq!(options.retry_interval_max, Duration::from_secs(9));
        assert!(!options.quorum_queues && options.tls.is_none());
        for bad in ["ssl=maybe", "heartbeat_timeout_threshold=x", "rabbit_retry_interval=-1"] {
            let error = RabbitOptions::new(&format!("rabbit://h/?{bad}")).unwrap_err();
            let name = bad.split('=').next().unwrap();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn tls_by_scheme_or_by_option() {
        let tls = |url: &str| RabbitOptions::new(url).unwrap().tls;
        assert_eq!(tls("rabbit://h/"), None);
        assert_eq!(tls("rabbit://h/?ssl=0"), None);
        assert_eq!(tls("rabbit://h/?ssl=true"), Some(RabbitTls::default()));
        assert_eq!(tls("rabbits://h/"), Some(RabbitTls::default()));
        let files = "ssl_ca_file=/ca&ssl_cert_file=/cert&ssl_key_file=/key";
        let expected = RabbitTls {
            ca_file: Some("/ca".into()),
            cert_file: Some("/cert".into()),
            key_file: Some("/key".into()),
        };
        assert_eq!(tls(&format!("rabbit://h/?ssl=1&{files}")), Some(expected.clone()));
        assert_eq!(tls(&format!("rabbit://h/?{files}&ssl=1")), Some(expected.clone()));
        assert_eq!(tls(&format!("rabbits://h/?{files}")), Some(expected));
        assert_eq!(tls(&format!("rabbit://h/?{files}")), None);
        assert_eq!(tls(&format!("rabbit://h/?{files}&ssl=0")), None);
    }
}
