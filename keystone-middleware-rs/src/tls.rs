//! TLS towards the cloud: rustls with ring, chosen here so that no process-wide default matters.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{HttpOptions, OptionsError};

/// The client side for these options: `cafile` alone if it is set, else what the system trusts.
pub(crate) fn client_config(options: &HttpOptions) -> Result<ClientConfig, OptionsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|source| OptionsError::ClientCertificate { source: Some(source) })?;
    let builder = match options.insecure {
        true => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAll { provider }))
        }
        false => builder.with_root_certificates(roots(options.cafile.as_deref())?),
    };
    match (&options.certfile, &options.keyfile) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certfile), keyfile) => {
            let chain = certificates("certfile", certfile)?;
            // As in keystoneauth, the key may stand in the file of the certificate.
            let keyfile = keyfile.as_ref().unwrap_or(certfile);
            let key = PrivateKeyDer::from_pem_file(keyfile)
                .map_err(|source| file("keyfile", keyfile, source))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|source| OptionsError::ClientCertificate { source: Some(source) })
        }
        (None, Some(_)) => Err(OptionsError::ClientCertificate { source: None }),
    }
}

fn roots(cafile: Option<&Path>) -> Result<RootCertStore, OptionsError> {
    let mut roots = RootCertStore::empty();
    match cafile {
        Some(path) => {
            for certificate in certificates("cafile", path)? {
                roots.add(certificate).map_err(|source| file("cafile", path, source))?;
            }
        }
        // None at all is no error yet: most clouds inside a network are plain HTTP, and a TLS
        // connection will say that it trusts nobody.
        None => {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
        }
    }
    Ok(roots)
}

fn certificates(
    option: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, OptionsError> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| file(option, path, source))?;
    match read.is_empty() {
        true => Err(file(option, path, std::io::Error::other("no certificate in it"))),
        false => Ok(read),
    }
}

fn file(
    option: &'static str,
    path: &Path,
    source: impl std::error::Error + Send + Sync + 'static,
) -> OptionsError {
    OptionsError::File { option, path: path.to_owned(), source: Box::new(source) }
}

/// `insecure`: encrypted, and with whoever answers.
#[derive(Debug)]
struct AcceptAll {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
