//! TLS: who is trusted, and who we are.
//!
//! The session itself is rustls' `ClientConnection`, driven by [`super::stream`] without a socket in between: each read is
//! stamped before its bytes are decrypted, which no wrapper that reads by itself would let us do.

mod failure;
mod roots;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use bench_contract::config::Server;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Error};
use thiserror::Error as ThisError;

pub use failure::TlsFailure;
use roots::{Roots, certificates};
use verifier::{Trust, Verifier};

/// Why TLS cannot be set up.
#[derive(Debug, ThisError)]
pub enum TlsError {
    /// A file that the config names is not there, or holds no certificate or key. Check the path, and in a pod the mounted
    /// Secret.
    #[error("cannot use server.{key} {path}: {reason}")]
    File {
        /// The key of the config.
        key: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The host of the base URL is neither a DNS name nor an address, so that no certificate could be for it.
    #[error(
        "no certificate can be for the host `{0}` of server.base_url: use a DNS name or an address"
    )]
    Name(String),
    /// Certificate and key do not fit together, or are of a kind that is not known here.
    #[error("cannot use server.cert_path with server.key_path: {0}")]
    Identity(Error),
    /// The library refuses its own defaults.
    #[error("cannot set up TLS: {0}")]
    Library(Error),
}

/// How TLS is spoken to one server.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    /// Whom a certificate has to be signed by, for messages.
    trust: Arc<str>,
    has_identity: bool,
}

/// [`Tls`], and what people should know about it.
#[derive(Debug)]
pub struct TlsSetup {
    /// How TLS is spoken.
    pub tls: Tls,
    /// Lines for people.
    pub notices: Vec<String>,
}

impl Tls {
    /// Reads the files that `server` names. `host` is the host of its base URL.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn set_up(host: &str, server: &Server) -> Result<TlsSetup, TlsError> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Library)?;
        let mut notices = Vec::new();
        let (trust, trusted) = if server.insecure_skip_verify {
            notices.push(
                "warning: the server's certificate is not checked (server.insecure_skip_verify)"
                    .to_owned(),
            );
            (Trust::Anybody, "anybody".to_owned())
        } else {
            let roots = Roots::find(server.ca_path.as_deref())?;
            notices.extend(roots.notice);
            let store = Arc::new(roots.store);
            let authorities = WebPkiServerVerifier::builder_with_provider(store, provider.clone())
                .build()
                .map_err(|error| TlsError::Library(Error::General(error.to_string())))?;
            let certificates = roots.given;
            let trust = Trust::Given {
                authorities,
                certificates,
            };
            (trust, roots.from)
        };
        let verifier = Arc::new(Verifier { trust, provider });
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match (&server.cert_path, &server.key_path) {
            (Some(certificate), Some(key)) => {
                let chain = certificates("cert_path", certificate)?;
                builder
                    .with_client_auth_cert(chain, private_key(key)?)
                    .map_err(TlsError::Identity)?
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A new connection stands for a new user, who has no session to resume.
        config.resumption = Resumption::disabled();
        let tls = Self {
            config: Arc::new(config),
            name,
            trust: trusted.into(),
            has_identity: server.cert_path.is_some() && server.key_path.is_some(),
        };
        Ok(TlsSetup { tls, notices })
    }

    /// A new session.
    ///
    /// # Errors
    /// When the library refuses to begin one.
    pub(super) fn session(&self) -> Result<ClientConnection, TlsFailure> {
        let session = ClientConnection::new(self.config.clone(), self.name.clone());
        let mut session = session.map_err(|error| self.failure(&error))?;
        // A request is encrypted as a whole; the socket says how fast it goes.
        session.set_buffer_limit(None);
        Ok(session)
    }

    /// What a failed handshake means, and what helps.
    pub(super) fn failure(&self, error: &Error) -> TlsFailure {
        TlsFailure::of(error, &self.name, &self.trust, self.has_identity)
    }
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file_error("key_path", path, &error))
}

fn file_error(key: &'static str, path: &str, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::NoItemsFound if key == "key_path" => {
            "it holds no private key in PEM".to_owned()
        }
        pem::Error::NoItemsFound => "it holds no certificate in PEM".to_owned(),
        pem::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    TlsError::File {
        key,
        path: Path::new(path).display().to_string(),
        reason,
    }
}
