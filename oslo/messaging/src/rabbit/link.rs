//! One connection to a broker, from its login to its end.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_rs::Runtime;
use futures_util::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::types::ShortString;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{
    AsyncTcpStream, BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Event,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;

use super::RabbitOptions;
use super::tls::TlsError;
use super::wire::{Cut, Kit, connect};

/// How many messages are on their way to the broker at once. Each has a channel for itself: lapin
/// cannot tell for certain to which of several a returned message belongs.
const CHANNELS: usize = 32;
/// The largest frame. lapin's two buffers hold 32 of them and are filled with zeros at the start:
/// with the broker's usual 128 KiB that is 8 MiB of memory a connection. Some brokers take no less
/// than this. Longer messages are sent in several frames.
const FRAME_BYTES: u32 = 8 << 10;
/// How often a connection is looked at that tells nothing by itself.
const LOOK: Duration = Duration::from_millis(500);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why there is no connection, or why it failed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nothing listens there, or the name is unknown.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Something listens and says nothing.
    #[error("{address} does not answer within {} ms", after.as_millis())]
    Silent {
        /// Host and port.
        address: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// TLS cannot even be tried.
    #[error("TLS cannot be set up")]
    Tls {
        /// The cause.
        #[source]
        source: TlsError,
    },
    /// The two sides do not agree about TLS, or the certificate is not to be trusted.
    #[error("the TLS handshake with {address} failed")]
    Handshake {
        /// Host and port.
        address: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The broker does not want us: login, virtual host or permission.
    #[error("the broker refused: {reason}")]
    Refused {
        /// The broker's words.
        reason: String,
    },
    /// The connection or a channel of it broke, or the broker ended it.
    #[error("the connection to the broker broke")]
    Broke {
        /// The cause.
        #[source]
        source: lapin::Error,
    },
    /// The broker takes nothing until it has room again.
    #[error("the broker is short of memory or disk space and takes no messages")]
    Blocked,
    /// Not connected, and nothing more is known.
    #[error("there is no connection to the broker yet")]
    Missing,
    /// A name that the protocol cannot carry.
    #[error("a name of more than 255 bytes: {start}...")]
    Name {
        /// Its first characters.
        start: String,
    },
    /// A word of the broker that did not come.
    #[error("the broker did not confirm in time")]
    Unconfirmed,
}

impl LinkError {
    /// Whether waiting helps as long as nobody changes a setting.
    pub(super) fn refused(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Name { .. })
    }
}

impl From<lapin::Error> for LinkError {
    fn from(source: lapin::Error) -> Self {
        if let lapin::ErrorKind::ProtocolError(error) = source.kind() {
            let refused = matches!(
                error.kind(),
                AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)
                    | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED | AMQPHardError::INVALIDPATH)
            );
            if refused {
                return Self::Refused { reason: error.get_message().to_string() };
            }
        }
        Self::Broke { source }
    }
}

/// Whether a queue or exchange exists already and is different.
pub(super) fn differs(error: &lapin::Error) -> bool {
    matches!(
        error.kind(),
        lapin::ErrorKind::ProtocolError(error)
            if matches!(error.kind(), AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED))
    )
}

/// What the broker did with a message.
pub(super) enum Fate {
    /// Every queue that it was for has it.
    Taken,
    /// It was for no queue at all.
    Unroutable,
    /// A queue has no room for it.
    Refused,
}

/// One declaration at a time: a quorum queue that is declared by two at the same moment answers one
/// of them with an internal error, or refuses its first message.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// A connection that is logged in.
pub(super) struct Link {
    /// Different for each connection of this process.
    pub(super) number: u64,
    /// Host and port.
    pub(super) address: String,
    connection: Connection,
    cut: Cut,
    /// What was declared over this connection.
    declared: Mutex<HashSet<String>>,
    /// See [`Turn`].
    declaring: Turn,
    /// Channels with confirms and with nothing on its way.
    idle: Mutex<Vec<Channel>>,
    sending: Semaphore,
    suspected: Notify,
    /// Nothing that was begun here will come to an end by itself.
    over: watch::Sender<bool>,
}

impl Link {
    /// Connects to a host of the URL and logs in. Takes at most twice the connect timeout.
    pub(super) async fn open(
        options: &RabbitOptions,
        host: usize,
        purpose: &str,
        declaring: Turn,
    ) -> Result<Arc<Self>, LinkError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let host = &options.url.hosts[host % options.url.hosts.len()];
        let address = host.address(options.tls.is_some());
        let after = options.connect_timeout;
        let silent = || LinkError::Silent { address: address.clone(), after };
        let connected = timeout(after, connect(host, options.tls.as_ref())).await;
        let (wire, cut) = connected.map_err(|_| silent())??;
        short(&options.url.virtual_host)?;
        let uri = AMQPUri {
            scheme: AMQPScheme::AMQP,
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo {
                    username: host.user.clone(),
                    password: host.password.clone(),
                },
                host: host.host.clone(),
                port: host.port_or_usual(options.tls.is_some()),
            },
            vhost: options.url.virtual_host.clone(),
            query: AMQPQueryString {
                heartbeat: Some(options.heartbeat.as_secs().min(u64::from(u16::MAX)) as u16),
                frame_max: Some(FRAME_BYTES),
                ..AMQPQueryString::default()
            },
        };
        let properties = ConnectionProperties::default()
            .with_connection_name(format!("{} ({purpose})", options.connection_name).into());
        let wire = Mutex::new(Some(wire));
        let take = async move |_, _| {
            let wire = wire.lock().take();
            let wire = wire.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
            Ok(AsyncTcpStream::Plain(wire))
        };
        let login = Connection::connector(uri, Runtime::new(Kit::current()), take, properties);
        let connection = timeout(after, login).await.map_err(|_| silent())??;
        Ok(Arc::new(Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            address,
            connection,
            cut,
            declared: Mutex::default(),
            declaring,
            idle: Mutex::default(),
            sending: Semaphore::new(CHANNELS),
            suspected: Notify::new(),
            over: watch::Sender::new(false),
        }))
    }

    pub(super) fn alive(&self) -> bool {
        self.connection.status().connected()
    }

    /// Whether the broker has asked for silence.
    pub(super) fn blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Something failed here: whoever watches the connection is to look now.
    pub(super) fn suspect(&self) {
        self.suspected.notify_one();
    }

    /// Waits for the end of the connection and tells why, where it is known.
    pub(super) async fn lost(&self) -> Option<LinkError> {
        let mut events = std::pin::pin!(self.connection.events_listener().fuse());
        let mut cause = None;
        while self.alive() {
            tokio::select! {
                Some(event) = events.next() => match event {
                    Event::Error(error) => cause = Some(LinkError::from(error)),
                    Event::ConnectionBlocked(reason) => {
                        tracing::warn!(broker = self.address, reason, "the broker is blocked");
                    }
                    Event::ConnectionUnblocked => {
                        tracing::info!(broker = self.address, "the broker takes messages again");
                    }
                    _ => {}
                },
                () = self.suspected.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        cause
    }

    /// Says goodbye, if the broker listens, and ends the connection.
    pub(super) async fn end(&self) {
        if self.alive() {
            let _ = timeout(GOODBYE, self.connection.close(200, "OK".into())).await;
        }
        self.cut.now();
        self.over.send_replace(true);
    }

    /// Ends when the connection has.
    pub(super) async fn died(&self) {
        // The sender is ours: this cannot fail.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// Does something over this connection, and gives up when it dies. lapin forgets some of those
    /// who wait for an answer when a connection breaks.
    pub(super) async fn guard<T>(
        &self,
        work: impl Future<Output = Result<T, LinkError>>,
    ) -> Result<T, LinkError> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.died() => Err(LinkError::Missing),
        }
    }

    /// A new channel.
    pub(super) async fn channel(&self) -> Result<Channel, LinkError> {
        Ok(self.connection.create_channel().await?)
    }

    /// Waits for the turn to declare.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.declaring.lock().await
    }

    pub(super) fn has_declared(&self, name: &str) -> bool {
        self.declared.lock().contains(name)
    }

    pub(super) fn note_declared(&self, name: String) {
        self.declared.lock().insert(name);
    }

    pub(super) fn forget_declared(&self, name: &str) {
        self.declared.lock().remove(name);
    }

    /// Sends a message and waits for the broker's word. When this is dropped, or fails, it is
    /// unknown whether the broker has it.
    pub(super) async fn publish(
        &self,
        exchange: &str,
        key: &str,
        mandatory: bool,
        properties: BasicProperties,
        body: &[u8],
    ) -> Result<Fate, LinkError> {
        let Ok(_permit) = self.sending.acquire().await else { return Err(LinkError::Missing) };
        let channel = match self.idle_channel() {
            Some(channel) => channel,
            None => {
                let channel = self.channel().await?;
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                channel
            }
        };
        let options = BasicPublishOptions { mandatory, ..BasicPublishOptions::default() };
        let (exchange, key) = (short(exchange)?, short(key)?);
        let confirm =
            channel.basic_publish(exchange, key, options, body, properties).await?.await?;
        // A channel that did not get here is dropped, and closes.
        self.idle.lock().push(channel);
        Ok(match confirm {
            Confirmation::Ack(None) | Confirmation::NotRequested => Fate::Taken,
            Confirmation::Ack(Some(_)) => Fate::Unroutable,
            Confirmation::Nack(_) => Fate::Refused,
        })
    }

    fn idle_channel(&self) -> Option<Channel> {
        let mut idle = self.idle.lock();
        while let Some(channel) = idle.pop() {
            if channel.status().connected() {
                return Some(channel);
            }
        }
        None
    }
}

/// A name on the wire.
pub(super) fn short(text: &str) -> Result<ShortString, LinkError> {
    let start = || text.chars().take(40).collect();
    ShortString::try_new(text).map_err(|_| LinkError::Name { start: start() })
}
