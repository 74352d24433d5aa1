use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use actix_web::HttpServer;
use firn_core::ErrorKind;
use futures_util::future::{Either, join, select};

use crate::{Api, ApiConfig, ConfigError};

/// An idle connection is closed after this.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// At most that many connections a thread; further ones wait in the listen queue.
const CONNECTIONS_MAX: usize = 1024;
/// How long running requests may take to end at shutdown, in seconds. Idle connections are waited
/// for as well.
const SHUTDOWN_SECONDS: u64 = 5;

/// Why the service does not run (any more).
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It must not listen there.
    #[error("the service must not be reachable like this")]
    Config {
        /// The reason.
        #[source]
        source: ConfigError,
    },
    /// The socket cannot be used.
    #[error("the listening socket cannot be used{}", at(address))]
    Socket {
        /// Where it listens, if known.
        address: Option<SocketAddr>,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

fn at(address: &Option<SocketAddr>) -> String {
    address.map(|address| format!(" at {address}")).unwrap_or_default()
}

impl ServeError {
    /// What a caller can act on.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { source } => source.kind(),
            Self::Socket { .. } => ErrorKind::Unavailable,
        }
    }
}

/// Serves on `listener` until `shutdown` ends, then lets running requests finish.
///
/// # Errors
/// Where the address is open to other machines and callers are not told apart, and where the
/// socket fails.
pub async fn serve(
    api: Api,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address =
        listener.local_addr().map_err(|source| ServeError::Socket { address: None, source })?;
    let service = api.service();
    ApiConfig::may_listen(address, service.identity.as_ref())
        .map_err(|source| ServeError::Config { source })?;
    let failed = |source| ServeError::Socket { address: Some(address), source };

    let (workers, patience) = (service.config.workers, service.config.client_timeout);
    let server = HttpServer::new(move || api.app())
        .workers(workers.get())
        .keep_alive(KEEP_ALIVE)
        // Else the end of an answer may wait for the client's kernel to acknowledge its beginning.
        .tcp_nodelay(true)
        .client_request_timeout(patience)
        .client_disconnect_timeout(patience)
        .max_connections(CONNECTIONS_MAX)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)
        .map_err(failed)?
        .run();
    tracing::info!(%address, "serving");
    let handle = server.handle();
    let server = pin!(server);
    match select(server, pin!(shutdown)).await {
        Either::Left((ended, _)) => ended.map_err(failed),
        Either::Right(((), server)) => {
            // The order to stop is carried out by the server itself, so both go on together.
            let ((), ended) = join(handle.stop(true), server).await;
            ended.map_err(failed)
        }
    }
}
