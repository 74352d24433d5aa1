use std::path::PathBuf;
use std::sync::Arc;

use oslo_config::{Config, ConfigError, Group, Options};
use oslo_messaging::{
    NoNotifier, Notifier, NotifierOptions, RabbitMq, RabbitNotifier, RabbitOptions,
    RabbitOptionsError, RabbitTlsError, Transport,
};

oslo_config::options! {
    /// The message bus.
    pub struct TransportOptions in "DEFAULT" {
        /// Brokers and login: rabbit://user:password@host:port,user:password@host2:port/vhost.
        /// Parts are percent-encoded; options of [oslo_messaging_rabbit] may stand in its query.
        pub transport_url: String = "rabbit://guest:guest@127.0.0.1:5672/", secret;
        /// Exchange of the notifications.
        pub control_exchange: String = "firn";
    }
}

oslo_config::options! {
    /// RabbitMQ.
    pub struct RabbitConfig in "oslo_messaging_rabbit" {
        /// Speak TLS.
        pub ssl: bool = false;
        /// Authorities to trust, PEM. Without it, the system's.
        pub ssl_ca_file: Option<PathBuf>;
        /// Our certificate and its chain, PEM.
        pub ssl_cert_file: Option<PathBuf>;
        /// Its key, PEM.
        pub ssl_key_file: Option<PathBuf>;
        /// Seconds of silence, doubled, after which a connection is dead.
        pub heartbeat_timeout_threshold: u64 = 30, min 1, max 3600;
        /// Seconds before brokers are tried again; doubles at each failure.
        pub rabbit_retry_interval: u64 = 1, min 1, max 3600;
        /// Longest such wait, in seconds.
        pub rabbit_interval_max: u64 = 30, min 1, max 3600;
        /// Quorum queues, replicated where the broker is a cluster. Those of notifications are
        /// declared as listeners declare them: see quorum_queues in [oslo_messaging_notifications].
        pub rabbit_quorum_queue: bool = true;
        /// Whether exchange and queues of notifications survive a restart of the broker. Listeners
        /// must have the same. Firn's own queues do always.
        pub amqp_durable_queues: bool = false;
    }
}

oslo_config::options! {
    /// Notifications: what happened, for telemetry and audit.
    pub struct NotificationConfig in "oslo_messaging_notifications" {
        /// messagingv2, or noop for none. Whoever turns them on has to read them.
        pub driver: String = "noop", choices ["messagingv2", "noop"];
        /// Topics; each gets every notification.
        pub topics: Vec<String> = ["notifications"];
        /// Brokers and login for notifications, written like transport_url in [DEFAULT], which is
        /// used without this one. [oslo_messaging_rabbit] counts for both.
        pub transport_url: Option<String>, secret;
        /// Make the queues of notifications quorum queues, durable whatever amqp_durable_queues
        /// says. Only where every listener has rabbit_quorum_queue = true: a queue that is
        /// declared in two ways is refused to whoever comes second.
        pub quorum_queues: bool = false;
    }
}

/// Why the bus cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum MessagingSetupError {
    /// Of the configuration as such.
    #[error("the configuration of the message bus cannot be read")]
    Config {
        /// What is wrong.
        #[from]
        source: ConfigError,
    },
    /// A URL.
    #[error("transport_url in [{group}] cannot be used")]
    Url {
        /// Whose.
        group: &'static str,
        /// What is wrong.
        #[source]
        source: RabbitOptionsError,
    },
    /// The certificates.
    #[error("the certificates of [oslo_messaging_rabbit] cannot be used")]
    Tls {
        /// What is wrong.
        #[from]
        source: RabbitTlsError,
    },
}

/// The bus: questions and queues, and notifications.
pub struct Messaging {
    /// Questions and queues.
    pub transport: Arc<dyn Transport>,
    /// Notifications, where they are turned on.
    pub notifier: Arc<dyn Notifier>,
}

impl Messaging {
    /// The groups of options that [`Messaging::start`] reads.
    pub fn groups() -> [Group; 3] {
        [
            TransportOptions::group(),
            RabbitConfig::group().shared(),
            NotificationConfig::group().shared(),
        ]
    }

    /// Begins to connect, and goes on without end: a broker that is away delays, and fails nothing
    /// but what needs it at once. `publisher` names the process in notifications: `service.host`.
    /// Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When the options make no sense.
    pub fn start(config: &Config, publisher: &str) -> Result<Self, MessagingSetupError> {
        let options: TransportOptions = config.get()?;
        let group: RabbitConfig = config.get()?;
        let transport = connect(TransportOptions::GROUP, &options.transport_url, &group)?;
        let notifications: NotificationConfig = config.get()?;
        let notifier: Arc<dyn Notifier> = match notifications.driver.as_str() {
            "messagingv2" => {
                let exchange = options.control_exchange;
                let told = notifier_options(exchange, publisher, &group, &notifications);
                Arc::new(match &notifications.transport_url {
                    Some(url) => {
                        let own = connect(NotificationConfig::GROUP, url, &group)?;
                        RabbitNotifier::over_own(own, told)
                    }
                    None => RabbitNotifier::new(transport.clone(), told),
                })
            }
            _ => Arc::new(NoNotifier),
        };
        Ok(Self { transport: Arc::new(transport), notifier })
    }

    /// As [`Messaging::start`], for a process that has nothing to tell: it needs no connection to
    /// a broker of notifications.
    ///
    /// # Errors
    /// When the options make no sense.
    pub fn without_notifications(
        config: &Config,
    ) -> Result<Arc<dyn Transport>, MessagingSetupError> {
        let TransportOptions { transport_url, .. } = config.get()?;
        Ok(Arc::new(connect(TransportOptions::GROUP, &transport_url, &config.get()?)?))
    }
}

fn notifier_options(
    exchange: String,
    publisher: &str,
    rabbit: &RabbitConfig,
    notifications: &NotificationConfig,
) -> NotifierOptions {
    NotifierOptions {
        topics: notifications.topics.clone(),
        durable: rabbit.amqp_durable_queues,
        // Not rabbit_quorum_queue: that is on for our own queues, and off where listeners have
        // their defaults.
        quorum: notifications.quorum_queues,
        ..NotifierOptions::new(exchange, publisher)
    }
}

/// Begins to connect to a URL that stands in a group.
fn connect(
    group: &'static str,
    url: &str,
    rabbit: &RabbitConfig,
) -> Result<RabbitMq, MessagingSetupError> {
    let options =
        rabbit_options(url, rabbit).map_err(|source| MessagingSetupError::Url { group, source })?;
    Ok(RabbitMq::start(options)?)
}

/// What stands in the URL's query wins over the group.
fn rabbit_options(url: &str, group: &RabbitConfig) -> Result<RabbitOptions, RabbitOptionsError> {
    let mut url: oslo_messaging::TransportUrl = url.parse()?;
    let text = |path: &Option<PathBuf>| {
        path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    };
    let mut query = vec![
        ("ssl_ca_file", text(&group.ssl_ca_file)),
        ("ssl_cert_file", text(&group.ssl_cert_file)),
        ("ssl_key_file", text(&group.ssl_key_file)),
        ("heartbeat_timeout_threshold", group.heartbeat_timeout_threshold.to_string()),
        ("rabbit_retry_interval", group.rabbit_retry_interval.to_string()),
        ("rabbit_interval_max", group.rabbit_interval_max.to_string()),
        ("rabbit_quorum_queue", group.rabbit_quorum_queue.to_string()),
    ];
    if group.ssl {
        query.insert(0, ("ssl", "true".to_owned()));
    }
    let query = query.into_iter().map(|(name, value)| (name.to_owned(), value));
    url.query = query.chain(url.query).collect();
    RabbitOptions::from_url(url)
}

#[cfg(test)]
mod tests {
    use oslo_config::Loader;

    use super::*;

    /// What a topic's queues are to be like: durable, quorum.
    fn queues(set: &[(&str, &str, &str)]) -> (bool, bool) {
        let loader = Loader::new("firn").default_files(false).environment([]);
        let loader = set.iter().fold(loader, |loader, (group, name, value)| {
            loader.set(&format!("oslo_messaging_{group}"), name, *value)
        });
        let config = loader.load(&Messaging::groups()).unwrap();
        let (rabbit, notifications) = (config.get().unwrap(), config.get().unwrap());
        let options = notifier_options("firn".to_owned(), "x.y", &rabbit, &notifications);
        (options.durable, options.quorum)
    }

    #[test]
    fn queues_of_notifications_are_what_listeners_declare() {
        // oslo.messaging's own defaults, although our queues are quorum queues.
        assert_eq!(queues(&[]), (false, false));
        assert_eq!(queues(&[("rabbit", "rabbit_quorum_queue", "true")]), (false, false));
        assert_eq!(queues(&[("rabbit", "amqp_durable_queues", "true")]), (true, false));
        assert_eq!(queues(&[("notifications", "quorum_queues", "true")]), (false, true));
    }

    #[test]
    fn an_error_names_the_group_of_the_url_and_hides_it() {
        let rabbit = RabbitConfig::defaults().unwrap();
        let error = connect(NotificationConfig::GROUP, "rabbit://u:hush@h:x/", &rabbit).err();
        let error = format!("{:?} {0}", error.unwrap());
        let expected = "transport_url in [oslo_messaging_notifications] cannot be used";
        assert!(error.ends_with(expected) && !error.contains("hush"), "{error}");
    }
}
