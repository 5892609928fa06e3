//! Certificate authorities that are trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use super::{TlsError, file_error};

/// Trusted authorities.
pub(super) struct Roots {
    /// Their certificates.
    pub store: RootCertStore,
    /// Those of them that the user names.
    pub given: Vec<CertificateDer<'static>>,
    /// Where they come from, for messages.
    pub from: String,
    /// What people should know about it.
    pub notice: Option<String>,
}

impl Roots {
    /// Those of the file `ca_path` alone; without one, the platform's (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others);
    /// where there are none, as in a container without `ca-certificates`, Mozilla's of the time of this build.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub(super) fn find(ca_path: Option<&str>) -> Result<Self, TlsError> {
        if let Some(path) = ca_path {
            return Self::of_file(path);
        }
        let mut store = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (added, _) = store.add_parsable_certificates(found.certs);
        if added > 0 {
            return Ok(Self {
                store,
                given: Vec::new(),
                from: format!("the {added} authorities that this system trusts"),
                notice: None,
            });
        }
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let why = found
            .errors
            .first()
            .map_or_else(String::new, |error| format!(" ({error})"));
        Ok(Self {
            from: format!("the {} public authorities of this build", store.len()),
            store,
            given: Vec::new(),
            notice: Some(format!(
                "this system has no CA certificates{why}: the public ones of this build are trusted; for others set server.ca_path (benchmark.target.tls.caSecret)"
            )),
        })
    }

    fn of_file(path: &str) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        let given = certificates("ca_path", path)?;
        for certificate in &given {
            let added = store.add(certificate.clone());
            added.map_err(|error| TlsError::File {
                key: "ca_path",
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        }
        Ok(Self {
            store,
            given,
            from: format!("the authorities in {path}"),
            notice: None,
        })
    }
}

/// The certificates of a PEM file, at least one; `key` is the config's key that names it.
pub(super) fn certificates(
    key: &'static str,
    path: &str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| file_error(key, path, &error))?;
    if certificates.is_empty() {
        return Err(file_error(key, path, &pem::Error::NoItemsFound));
    }
    Ok(certificates)
}
