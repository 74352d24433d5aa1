//! Logging in: what is refused, TLS, and which of several brokers is taken.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use firn_ground::Server;
use oslo_messaging::{MessagingError, RabbitMq, RabbitOptions, Transport};

use crate::harness::{chain, connect, message, number, options, shared_options, take, unique};
use crate::proxy::Proxy;

/// A round trip through a queue of the transport.
async fn works(transport: &RabbitMq) {
    let queue = unique("works");
    transport.publish(&queue, message(7)).await.unwrap();
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    let delivery = take(&mut consumer).await;
    assert_eq!(number(&delivery.envelope), 7);
    delivery.ack().await.unwrap();
}

async fn refused(options: RabbitOptions, says: &str) {
    let begun = Instant::now();
    let error = RabbitMq::connect(options.clone()).await.err().expect("it is refused");
    assert!(matches!(error, MessagingError::Refused { .. }), "{}", chain(&error));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let text = chain(&error);
    assert!(text.contains(says), "{text}");
    assert!(!text.contains("hush"), "{text}");

    // One that does not wait for its connection says the same when it is used.
    let mut options = options;
    options.publish_timeout = Duration::from_secs(2);
    let transport = RabbitMq::start(options).unwrap();
    let error = transport.publish("never", message(1)).await.unwrap_err();
    assert!(chain(&error).contains(says), "{}", chain(&error));
    let error = transport.call("never", message(1), Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error, MessagingError::Refused { .. }), "{}", chain(&error));
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_at_once_and_never_shown() {
    let broker = firn_ground::shared("rabbitmq");
    let url =
        format!("rabbit://{}:hush@127.0.0.1:{}/", broker["user"].as_str().unwrap(), broker["port"]);
    refused(options(&url), "ACCESS_REFUSED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_virtual_host_is_told_at_once() {
    let broker = firn_ground::shared("rabbitmq");
    let url = format!("{}missing", broker["url"].as_str().unwrap());
    refused(options(&url), "vhost missing not found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_in_time() {
    // Bound and not listening: nobody else gets the port meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let mut options = options(&format!("rabbit://u:hush@127.0.0.1:{port}/"));
    options.publish_timeout = Duration::from_secs(1);
    let begun = Instant::now();
    let error = RabbitMq::connect(options.clone()).await.err().expect("nobody is there");
    assert!(matches!(error, MessagingError::Broker { .. }) && error.retryable());
    assert!(chain(&error).contains(&format!("127.0.0.1:{port} cannot be reached")));

    let transport = RabbitMq::start(options).unwrap();
    let short = Duration::from_secs(1);
    for error in [
        transport.publish("q", message(1)).await.unwrap_err(),
        transport.call("t", message(1), short).await.unwrap_err(),
        transport.consume("q", 1).await.err().unwrap(),
        transport.serve("t", 1).await.err().unwrap(),
    ] {
        assert!(matches!(error, MessagingError::Broker { .. }), "{}", chain(&error));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_says_nothing_is_told_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut options = options(&format!("rabbit://u:hush@127.0.0.1:{port}/"));
    options.connect_timeout = Duration::from_millis(500);
    let begun = Instant::now();
    let error = RabbitMq::connect(options).await.err().expect("nobody answers");
    assert!(chain(&error).contains("does not answer within 500 ms"), "{}", chain(&error));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_broker_takes_over() {
    let broker = firn_ground::shared("rabbitmq");
    let port = u16::try_from(broker["port"].as_u64().unwrap()).unwrap();
    let (one, two) = (Proxy::start(port).await, Proxy::start(port).await);
    one.shut();
    let login =
        format!("{}:{}", broker["user"].as_str().unwrap(), broker["password"].as_str().unwrap());
    let url = format!("rabbit://{login}@127.0.0.1:{},{login}@127.0.0.1:{}/", one.port, two.port);
    let mut options = options(&url);
    options.connect_timeout = Duration::from_secs(2);
    let transport = connect(options).await;
    works(&transport).await;
    // And back, when the second goes in its turn.
    one.open();
    two.shut();
    works(&transport).await;
    transport.close().await;
}

/// An authority, and a certificate for 127.0.0.1 that it signed.
fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl").args(arguments).current_dir(folder).output();
        let done = done.expect("openssl is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    for (name, subject) in [("ca", "/CN=test authority"), ("other", "/CN=other authority")] {
        let (key_file, file) = (format!("{name}.key"), format!("{name}.pem"));
        let made = ["-keyout", &key_file, "-out", &file, "-subj", subject, "-days", "2"];
        openssl(&[&["req", "-x509"][..], &key, &made].concat());
    }
    let request = ["-keyout", "broker.key", "-out", "broker.csr", "-subj", "/CN=broker"];
    openssl(&[&["req"][..], &key, &request].concat());
    std::fs::write(folder.join("san"), "subjectAltName = IP:127.0.0.1, DNS:localhost\n").unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "broker.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-extfile",
        "san",
        "-out",
        "broker.pem",
        "-days",
        "2",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_an_authority_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let settings = [
        format!("cafile={}", file("ca.pem")),
        format!("certfile={}", file("broker.pem")),
        format!("keyfile={}", file("broker.key")),
    ];
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let server = Server::start_with("rabbitmq", &settings);
    let port = &server.info()["tls_port"];
    let login = format!("{}:{}", server.text("user"), server.text("password"));
    let url = |host: &str, query: &str| format!("rabbit://{login}@{host}:{port}/?ssl=1&{query}");

    let ca = format!("ssl_ca_file={}", file("ca.pem"));
    for host in ["127.0.0.1", "localhost"] {
        let transport = connect(options(&url(host, &ca))).await;
        works(&transport).await;
        transport.close().await;
    }
    // The broker does not ask for a certificate of ours, and takes no harm from one.
    let ours =
        format!("{ca}&ssl_cert_file={}&ssl_key_file={}", file("broker.pem"), file("broker.key"));
    works(&connect(options(&url("127.0.0.1", &ours))).await).await;

    let error = |url: String| async move {
        let error = RabbitMq::connect(options(&url)).await.err().expect("it is not trusted");
        chain(&error)
    };
    let other = format!("ssl_ca_file={}", file("other.pem"));
    assert!(error(url("127.0.0.1", &other)).await.contains("TLS handshake"));
    // Trusted, but for another name.
    assert!(error(url("127.0.0.2", &ca)).await.contains("127.0.0.2"));
    assert!(error(url("127.0.0.1", "ssl_ca_file=/nowhere.pem")).await.contains("/nowhere.pem"));
    let half = format!("{ca}&ssl_cert_file={}", file("broker.pem"));
    assert!(error(url("127.0.0.1", &half)).await.contains("must be set together"));
    // TLS to a port without, and the other way round.
    let plain = format!("rabbit://{login}@127.0.0.1:{}/?ssl=1&{ca}", server.info()["port"]);
    assert!(error(plain).await.contains("TLS handshake"));
    let mut bare = options(&format!("rabbit://{login}@127.0.0.1:{port}/"));
    bare.connect_timeout = Duration::from_secs(1);
    assert!(RabbitMq::connect(bare).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_made_with_other_settings_is_used_as_it_is() {
    let queue = unique("settings");
    let before = connect(shared_options()).await;
    before.publish(&queue, message(1)).await.unwrap();
    let mut options = shared_options();
    options.delivery_limit = 3;
    options.queue_length = 5;
    let after = connect(options).await;
    after.publish(&queue, message(2)).await.unwrap();
    let mut consumer = after.consume(&queue, 1).await.unwrap();
    for expected in [1, 2] {
        let delivery = take(&mut consumer).await;
        assert_eq!(number(&delivery.envelope), expected);
        delivery.ack().await.unwrap();
    }
}
