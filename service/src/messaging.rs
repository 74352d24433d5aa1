use std::path::PathBuf;
use std::sync::Arc;

use oslo_config::{Config, ConfigError, Group};
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
        /// Quorum queues, replicated where the broker is a cluster.
        pub rabbit_quorum_queue: bool = true;
    }
}

oslo_config::options! {
    /// Notifications: what happened, for telemetry and audit.
    pub struct NotificationConfig in "oslo_messaging_notifications" {
        /// messagingv2, or noop for none. Whoever turns them on has to read them.
        pub driver: String = "noop", choices ["messagingv2", "noop"];
        /// Topics; each gets every notification.
        pub topics: Vec<String> = ["notifications"];
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
    /// The URL.
    #[error("transport_url in [DEFAULT] cannot be used")]
    Url {
        /// What is wrong.
        #[from]
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
        [TransportOptions::group(), RabbitConfig::group(), NotificationConfig::group()]
    }

    /// Begins to connect, and goes on without end: a broker that is away delays, and fails nothing
    /// but what needs it at once. `publisher` names the process in notifications: `service.host`.
    /// Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When the options make no sense.
    pub fn start(config: &Config, publisher: &str) -> Result<Self, MessagingSetupError> {
        let options: TransportOptions = config.get()?;
        let transport = RabbitMq::start(rabbit_options(&options, &config.get()?)?)?;
        let notifications: NotificationConfig = config.get()?;
        let notifier: Arc<dyn Notifier> = match notifications.driver.as_str() {
            "messagingv2" => {
                let mut notifier = NotifierOptions::new(options.control_exchange, publisher);
                notifier.topics = notifications.topics;
                Arc::new(RabbitNotifier::new(transport.clone(), notifier))
            }
            _ => Arc::new(NoNotifier),
        };
        Ok(Self { transport: Arc::new(transport), notifier })
    }
}

/// What stands in the URL's query wins over the group.
fn rabbit_options(
    options: &TransportOptions,
    group: &RabbitConfig,
) -> Result<RabbitOptions, MessagingSetupError> {
    let mut url: oslo_messaging::TransportUrl =
        options.transport_url.parse().map_err(RabbitOptionsError::from)?;
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
    Ok(RabbitOptions::from_url(url)?)
}
