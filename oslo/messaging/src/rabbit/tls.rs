use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::RabbitTls;

/// Why TLS cannot be set up. No key is ever shown.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that is missing, unreadable, or no PEM of what it should hold.
    #[error("{} cannot be read as PEM", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A file without a certificate in it.
    #[error("{} holds no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The system trusts nobody.
    #[error("the system has no trusted certificate authorities; set ssl_ca_file")]
    NoAuthorities,
    /// A certificate without its key, or a key without a certificate.
    #[error("ssl_cert_file and ssl_key_file must be set together")]
    Half,
    /// rustls does not take what was read.
    #[error("the TLS settings cannot be used")]
    Settings {
        /// The cause.
        #[source]
        source: rustls::Error,
    },
    /// The host's name is none that a certificate could be for.
    #[error("{host} is no name that a certificate can be for")]
    Name {
        /// The host.
        host: String,
        /// The cause.
        #[source]
        source: InvalidDnsNameError,
    },
}

impl RabbitTls {
    /// Reads the files. They are small, and read anew for each connection, so that renewed
    /// certificates are found.
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let settings = |source| TlsError::Settings { source };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(settings)?
            .with_root_certificates(self.authorities()?);
        let config = match (&self.cert_file, &self.key_file) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let chain = certificates(cert)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|source| TlsError::File { path: key.clone(), source })?;
                builder.with_client_auth_cert(chain, key).map_err(settings)?
            }
            _ => return Err(TlsError::Half),
        };
        Ok(Arc::new(config))
    }

    fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        match &self.ca_file {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|source| TlsError::Settings { source })?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err(TlsError::NoAuthorities);
                }
            }
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |source| TlsError::File { path: path.to_owned(), source };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(file)?;
    match certificates.is_empty() {
        true => Err(TlsError::NoCertificate { path: path.to_owned() }),
        false => Ok(certificates),
    }
}

/// What the broker's certificate must be valid for.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(host.to_owned())
        .map_err(|source| TlsError::Name { host: host.to_owned(), source })
}
