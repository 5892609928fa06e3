//! Which certificates of a server are taken.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

/// Takes what `Trust` says, and has the server prove that it holds the key of its certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Whose certificates are taken.
    pub trust: Trust,
    /// The algorithms.
    pub provider: Arc<CryptoProvider>,
}

/// Whose certificates are taken.
#[derive(Debug)]
pub(super) enum Trust {
    /// Everybody's.
    Anybody,
    /// Those that authorities have signed, and those that are given themselves: `openssl req -x509` makes certificates that
    /// are their own authority, which a server must not show by the book, and many do.
    Given {
        /// The book.
        authorities: Arc<WebPkiServerVerifier>,
        /// The certificates of the authorities.
        certificates: Vec<CertificateDer<'static>>,
    },
}

/// Whether a server shows the certificate of an authority as its own. Its period of validity has been found right then.
pub(super) fn is_authority(error: &CertificateError) -> bool {
    // The library has no variant for it.
    matches!(error, CertificateError::Other(OtherError(error)) if error.to_string().contains("CaUsedAsEndEntity"))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Given {
            authorities,
            certificates,
        } = &self.trust
        else {
            return Ok(ServerCertVerified::assertion());
        };
        match authorities.verify_server_cert(end_entity, intermediates, name, ocsp_response, now) {
            Err(Error::InvalidCertificate(error))
                if is_authority(&error) && certificates.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
