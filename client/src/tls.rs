//! Whom to believe that a `wss` address is who it says.

#[cfg(feature = "tls")]
use std::sync::{Arc, LazyLock};

#[cfg(feature = "tls")]
use rustls::{
    ClientConfig, RootCertStore, crypto,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Which authorities vouch for servers. By default those of the operating system.
#[derive(Clone, Default)]
pub struct Tls {
    #[cfg(feature = "tls")]
    own: Option<Arc<ClientConfig>>,
}

/// A private authority cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the certificate of an authority: {0}")]
pub struct TlsError(pub String);

#[cfg(feature = "tls")]
impl Tls {
    /// Only the authorities whose certificates stand in `pem`, and not those of the system.
    ///
    /// # Errors
    /// [`TlsError`] when there is none, or one that cannot be read.
    pub fn with_authorities(pem: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| TlsError(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| TlsError(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(TlsError("there is none".to_owned()));
        }
        Ok(Self {
            own: Some(Arc::new(client_config(roots))),
        })
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        /// Read once: it is some hundred files, and a process may have many clients.
        static SYSTEM: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            for error in found.errors {
                tracing::warn!(%error, "some of the system's authorities cannot be read");
            }
            roots.add_parsable_certificates(found.certs);
            Arc::new(client_config(roots))
        });
        self.own.clone().unwrap_or_else(|| Arc::clone(&SYSTEM))
    }
}

#[cfg(feature = "tls")]
fn client_config(roots: RootCertStore) -> ClientConfig {
    // The provider is named, so that it is the same whatever else is in the process.
    ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows these versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
