//! The bytes to and from a broker. lapin gets a stream that is connected already, so that
//! addresses, deadlines and TLS are ours, and so that it can be cut from outside: lapin's own
//! thread ends with its socket and not before.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_rs::Tokio;
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use futures_util::io::{AsyncRead, AsyncWrite};
use futures_util::{Stream, TryFutureExt};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::link::LinkError;
use super::tls::server_name;
use super::{RabbitTls, TransportHost};

/// A connection, with or without TLS.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Ends a [`Wire`] in whoever's hands it is, at the latest when it is dropped.
pub(super) struct Cut(std::net::TcpStream);

impl Cut {
    pub(super) fn now(&self) {
        // It may be over already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.now();
    }
}

/// Connects to a host, at any of its addresses.
pub(super) async fn connect(
    host: &TransportHost,
    tls: Option<&RabbitTls>,
) -> Result<(Wire, Cut), LinkError> {
    let address = host.address(tls.is_some());
    let unreachable = |source| LinkError::Unreachable { address: address.clone(), source };
    let port = host.port_or_usual(tls.is_some());
    let found = tokio::net::lookup_host((host.host.as_str(), port)).await.map_err(unreachable)?;
    let stream = reach(found.collect()).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let cut = Cut(stream.as_fd().try_clone_to_owned().map_err(unreachable)?.into());
    let Some(tls) = tls else { return Ok((Wire::Plain(stream), cut)) };
    let client = tls.client().map_err(|source| LinkError::Tls { source })?;
    let name = server_name(&host.host).map_err(|source| LinkError::Tls { source })?;
    let stream = TlsConnector::from(client)
        .connect(name, stream)
        .await
        .map_err(|source| LinkError::Handshake { address: address.clone(), source })?;
    Ok((Wire::Tls(Box::new(stream)), cut))
}

async fn reach(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

macro_rules! either {
    ($self:expr, $stream:ident => $do:expr) => {
        match $self.get_mut() {
            Wire::Plain(stream) => {
                let $stream = Pin::new(stream);
                $do
            }
            Wire::Tls(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $do
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        either!(self, stream => stream.poll_read(cx, &mut buffer))
            .map_ok(|()| buffer.filled().len())
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, parts))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}

/// The tokio runtime that we are on, with our own streams.
#[derive(Clone, Debug)]
pub(super) struct Kit(Tokio);

impl Kit {
    pub(super) fn current() -> Self {
        Self(Tokio::current())
    }
}

impl RuntimeKit for Kit {}

impl Executor for Kit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        future: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(work)
    }
}

impl Reactor for Kit {
    type TcpStream = Wire;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(duration)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Wire>> + Send + 'static {
        TcpStream::connect(address).map_ok(Wire::Plain)
    }
}
