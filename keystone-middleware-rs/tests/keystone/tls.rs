//! Keystone behind TLS, with a certificate authority of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keystone_middleware_rs::{
    AuthError, AuthTokenOptions, Interface, Method, OptionsError, Validator,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::cloud::{Cloud, User, get};

/// Certificates of one test, as files.
struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Authority {
    fn new() -> Self {
        let name = format!("keystone-middleware-rs-{}", uuid::Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.join(name))
    }

    fn certificate(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(self.folder.join("key.pem"), key.serialize_pem()).unwrap();
        (certificate, key)
    }

    /// Encrypts what goes to Keystone; counts connections that were agreed on.
    async fn proxy(&self, keystone: SocketAddr, ask_clients: bool) -> (u16, Arc<AtomicUsize>) {
        let (certificate, key) = self.certificate("127.0.0.1");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if ask_clients {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let agreed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&agreed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    count.fetch_add(1, Ordering::SeqCst);
                    let mut server = TcpStream::connect(keystone).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        (port, agreed)
    }
}

struct Behind {
    cloud: Cloud,
    service: User,
    port: u16,
    agreed: Arc<AtomicUsize>,
    region: String,
    endpoint: String,
}

impl Behind {
    /// A proxy, and a region whose Keystone is reached through it.
    async fn new(authority: &Authority, ask_clients: bool) -> Self {
        let port = firn_ground::shared("keystone")["port"].as_u64().unwrap();
        let keystone = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        let (port, agreed) = authority.proxy(keystone, ask_clients).await;
        let cloud = Cloud::shared();
        let region = format!("tls-{port}-{}", uuid::Uuid::new_v4().simple());
        cloud.create("region", json!({ "id": region })).await;
        let services = cloud.call(Method::GET, "services?type=identity", None);
        let services: serde_json::Value = services.await.json().unwrap();
        let body = json!({"service_id": services["services"][0]["id"], "interface": "admin",
                          "region_id": region, "url": format!("https://127.0.0.1:{port}/v3")});
        let endpoint = cloud.create("endpoint", body).await;
        let service = cloud.user(&["service"]).await;
        let endpoint = endpoint["id"].as_str().unwrap().to_owned();
        Self { cloud, service, port, agreed, region, endpoint }
    }

    fn options(&self) -> AuthTokenOptions {
        AuthTokenOptions {
            auth_url: format!("https://127.0.0.1:{}", self.port),
            region_name: Some(self.region.clone()),
            interface: Interface::Admin,
            http_request_max_retries: 0,
            ..self.cloud.options(&self.service)
        }
    }

    /// Other tests find endpoints in the same catalog.
    async fn leave(self) {
        for path in [format!("endpoints/{}", self.endpoint), format!("regions/{}", self.region)] {
            self.cloud.call(Method::DELETE, &path, None).await;
        }
    }

    async fn authenticate(&self, options: &AuthTokenOptions) -> Result<(), AuthError> {
        let token = self.cloud.token(&self.cloud.user(&["member"]).await).await;
        let validator = Validator::new(options).unwrap();
        validator.authenticate(get(&token)).await.map(|_| ())
    }
}

#[tokio::test]
async fn keystone_is_believed_only_with_a_trusted_certificate() {
    let authority = Authority::new();
    let behind = Behind::new(&authority, false).await;
    let trusting = AuthTokenOptions { cafile: authority.path("ca.pem"), ..behind.options() };
    behind.authenticate(&trusting).await.unwrap();
    assert!(behind.agreed.load(Ordering::SeqCst) > 0, "it went through the proxy");

    let unknown = behind.authenticate(&behind.options()).await.unwrap_err();
    assert_eq!(unknown.status(), 503, "{unknown:?}");
    let other = Authority::new();
    let wrong = AuthTokenOptions { cafile: other.path("ca.pem"), ..behind.options() };
    assert_eq!(behind.authenticate(&wrong).await.unwrap_err().status(), 503);

    let insecure = AuthTokenOptions { insecure: true, ..behind.options() };
    behind.authenticate(&insecure).await.unwrap();
    behind.leave().await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let behind = Behind::new(&authority, false).await;
    let options = AuthTokenOptions {
        auth_url: format!("https://localhost:{}", behind.port),
        cafile: authority.path("ca.pem"),
        ..behind.options()
    };
    assert_eq!(behind.authenticate(&options).await.unwrap_err().status(), 503);
    behind.leave().await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_wanted() {
    let authority = Authority::new();
    let behind = Behind::new(&authority, true).await;
    let without = AuthTokenOptions { cafile: authority.path("ca.pem"), ..behind.options() };
    assert_eq!(behind.authenticate(&without).await.unwrap_err().status(), 503);
    authority.certificate("firn");
    let with = AuthTokenOptions {
        certfile: authority.path("cert.pem"),
        keyfile: authority.path("key.pem"),
        ..without
    };
    behind.authenticate(&with).await.unwrap();
    behind.leave().await;
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    authority.certificate("firn");
    std::fs::write(authority.folder.join("empty.pem"), "nothing").unwrap();
    let options = AuthTokenOptions {
        auth_url: "https://127.0.0.1".to_owned(),
        user_id: Some("u".to_owned()),
        password: Some("p".into()),
        project_id: Some("p".to_owned()),
        ..AuthTokenOptions::default()
    };
    let file = |options: &AuthTokenOptions| match Validator::new(options).unwrap_err() {
        OptionsError::File { option, .. } => option,
        error => panic!("{error:?}"),
    };
    for name in ["absent.pem", "empty.pem"] {
        let cafile = authority.path(name);
        assert_eq!(file(&AuthTokenOptions { cafile, ..options.clone() }), "cafile");
        let certfile = authority.path(name);
        assert_eq!(file(&AuthTokenOptions { certfile, ..options.clone() }), "certfile");
    }
    let certfile = authority.path("cert.pem");
    assert_eq!(file(&AuthTokenOptions { certfile, ..options.clone() }), "keyfile");
    let keyfile = authority.path("key.pem");
    let error = Validator::new(&AuthTokenOptions { keyfile, ..options }).unwrap_err();
    assert!(matches!(error, OptionsError::ClientCertificate { .. }));
}
