//! The service on a real socket.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::harness::Harness;
use firn_api::{ApiConfig, ServeError, StandaloneIdentity, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
    _harness: Harness,
}

impl Server {
    async fn start() -> Self {
        let config = ApiConfig { client_timeout: Duration::from_secs(1), ..ApiConfig::default() };
        let harness = Harness::with(config, StandaloneIdentity::open()).await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let api = harness.api.clone();
        let task = tokio::spawn(serve(api, listener, async {
            let _ = stopped.await;
        }));
        Self { address, stop, task, _harness: harness }
    }

    /// Sends bytes as they are; all that comes back until the server closes.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        let send = async {
            // The server may refuse and close before it has read everything.
            let _ = write.write_all(bytes).await;
        };
        let receive = async {
            let _ = read.read_to_end(&mut answer).await;
        };
        let both = futures_util::future::join(send, receive);
        tokio::time::timeout(Duration::from_secs(20), both).await.expect("the server closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(20), self.task).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}

#[actix_web::test]
async fn it_serves_and_stops_when_told() {
    let server = Server::start().await;
    let request = b"GET /healthcheck HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n\r\n";
    let answer = server.exchange(request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.to_lowercase().contains("x-openstack-request-id: req-"), "{answer}");
    let address = server.address;
    let _idle = TcpStream::connect(address).await.unwrap();
    let asked = Instant::now();
    server.end().await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(TcpStream::connect(address).await.is_err(), "it listens no more");
}

#[actix_web::test]
async fn without_credentials_it_is_for_this_machine_only() {
    let harness = Harness::new().await;
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let refused = serve(harness.api.clone(), listener, std::future::pending()).await.unwrap_err();
    let ServeError::Config { source } = refused else { panic!("{refused}") };
    assert!(source.to_string().contains("without authentication"), "{source}");
}

#[actix_web::test]
async fn with_a_token_it_may_listen_everywhere() {
    let identity = StandaloneIdentity::with_token("0123456789abcdef").unwrap();
    let harness = Harness::with(ApiConfig::default(), identity).await;
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    serve(harness.api.clone(), listener, std::future::ready(())).await.unwrap();
}

#[actix_web::test]
async fn a_slow_client_is_let_go() {
    let server = Server::start().await;
    let started = Instant::now();
    let answer = server.exchange(b"GET /healthcheck HTTP/1.1\r\nHost: ").await;
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    server.end().await;
}

#[actix_web::test]
async fn what_is_no_http_is_refused_and_the_service_lives_on() {
    let server = Server::start().await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(200_000));
    let heads = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X-A: b\r\n".repeat(5_000));
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\r\n\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/restores HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/restores HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/restores HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
          Content-Length: 18446744073709551615\r\n\r\n",
        b"POST /v1/restores HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: \0\r\n\r\n",
        b"GET / HTTP/1.1\r\n: b\r\n\r\n",
        long.as_bytes(),
        heads.as_bytes(),
    ] {
        let answer = server.exchange(bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown:?}: {answer}");
    }
    let request = b"GET /healthcheck HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert!(server.exchange(request).await.starts_with("HTTP/1.1 200"));
    server.end().await;
}

#[actix_web::test]
async fn ten_mebibytes_are_refused_with_a_readable_answer() {
    let server = Server::start().await;
    let body = vec![b' '; 10 << 20];
    let head = format!(
        "POST /v1/restores HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = server.exchange(&[head.as_bytes(), &body].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("1048576 bytes"), "{answer}");

    // The same without saying how much will come.
    let mut chunked =
        b"POST /v1/restores HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for part in body.chunks(1 << 16) {
        chunked.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = server.exchange(&chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    server.end().await;
}
