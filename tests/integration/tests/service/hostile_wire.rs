//! Connections that do not speak HTTP, or hardly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use firn_integration_tests::{Answer, Content, Ground, Service, alive, exchange, nothing_left};

/// What is no request: answered with 4xx or not at all.
#[test]
fn bytes_that_are_no_request() {
    let ground = Ground::new();
    let service = Service::start(&ground);
    let long_header = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(2 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(20_000));
    let long_line = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(2 << 20));
    let garbage: Vec<Vec<u8>> = vec![
        Content::Random(1).bytes(100_000),
        vec![0; 100_000],
        b"\r\n\r\n\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        b"POST /v1/restores HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(),
        b"POST /v1/restores HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n"
            .to_vec(),
        b"POST /v1/restores HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"
            .to_vec(),
        b"POST /v1/restores HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nbad\r\n0\r\n\r\n"
            .to_vec(),
        b"POST /v1/restores HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            .to_vec(),
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nBad Header\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n".to_vec(),
        long_header.into_bytes(),
        many_headers.into_bytes(),
        long_line.into_bytes(),
    ];
    for bytes in garbage {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        // To be closed without a word is an answer too.
        let answer = half_closed(&service, &bytes);
        if let Some(answer) = Answer::parse(&answer) {
            let allowed = (400..500).contains(&answer.status) || shown.contains("elsewhere");
            assert!(allowed, "{shown:?}: {}", answer.status);
        }
    }
    lives(&service);
    nothing_left(&ground, &service);
}

/// Sends, says that no more comes, and reads.
fn half_closed(service: &Service, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn lives(service: &Service) {
    assert!(alive(service.pid()));
    assert!(!service.log().contains("panicked"), "a panic");
    let healthy = exchange(
        service.address(),
        b"GET /healthcheck HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(Answer::parse(&healthy.unwrap()).unwrap().status, 200);
}

/// Clients that send a byte now and then hold nothing up, and are hung up on in the end.
#[test]
fn slow_clients() {
    let ground = Ground::new();
    let service = Service::start(&ground);
    let connect = || TcpStream::connect(service.address()).unwrap();
    let mut silent: Vec<_> = (0..200).map(|_| connect()).collect();
    let mut slow: Vec<_> = (0..200).map(|_| connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /v1/jobs HTTP/1.1\r\nX-Slow: ").unwrap();
    }
    // A body that never comes.
    let mut body = connect();
    body.write_all(
        b"POST /v1/restores HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
          Content-Length: 1000\r\n\r\n{",
    )
    .unwrap();
    let begin = Instant::now();
    for _ in 0..20 {
        for stream in &mut slow {
            let _ = stream.write_all(b"z");
        }
        lives(&service);
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "others wait: {:?}", begin.elapsed());

    let closed = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let mut byte = [0; 512];
        !matches!(stream.read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    assert!(closed(&mut slow[0]), "a request that never ends is kept for ever");
    drop((slow, std::mem::take(&mut silent)));

    assert!(closed(&mut body), "a body that never comes is waited for for ever");
    lives(&service);
    nothing_left(&ground, &service);
}
