//! Why a handshake fails, in words that name cause and remedy.

use std::{fmt, io};

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error};

use super::verifier::is_authority;

/// Where a private authority is named.
const CA: &str = "set server.ca_path (benchmark.target.tls.caSecret) to the authority's certificate, or insecure_skip_verify (tls.insecureSkipVerify) to trust anybody";

/// Where our own certificate is named.
const IDENTITY: &str = "set server.cert_path and server.key_path to a certificate that the server accepts, and its key";

/// A handshake that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFailure {
    words: String,
    is_final: bool,
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<io::Error> for TlsFailure {
    fn from(error: io::Error) -> Self {
        Self::passing(format!(
            "the connection was lost in the middle of the handshake: {error}"
        ))
    }
}

impl TlsFailure {
    /// Whether waiting does not help: config or certificate has to change.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// The server answers a handshake in plain HTTP.
    pub(in crate::http) fn plain_http() -> Self {
        Self::final_(
            "the server speaks plain HTTP on this port: write server.base_url (benchmark.target.baseUrl) as http://, or name the port that speaks TLS",
        )
    }

    /// The server hangs up.
    pub(in crate::http) fn hung_up() -> Self {
        Self::passing(
            "the server closed the connection in the middle of the handshake: does it speak TLS on this port?",
        )
    }

    /// What the library's error means when it talks to `name`, trusts those that `trust` names, and has a certificate of its
    /// own to show or not.
    pub(super) fn of(
        error: &Error,
        name: &ServerName<'_>,
        trust: &str,
        has_identity: bool,
    ) -> Self {
        let name = name.to_str();
        match error {
            Error::InvalidCertificate(error) => Self::final_(certificate(error, &name, trust)),
            Error::NoCertificatesPresented => Self::final_("the server shows no certificate"),
            Error::InvalidMessage(_) => Self::final_(format!(
                "the server does not answer in TLS ({error}): is this the right port?"
            )),
            Error::NoApplicationProtocol => Self::final_("the server does not speak HTTP/1.1"),
            Error::PeerIncompatible(_) => Self::final_(format!(
                "no version or cipher of TLS 1.2 and 1.3 is common to both: {error}"
            )),
            Error::AlertReceived(alert) => Self::alert(*alert, &name, has_identity),
            other => Self::passing(other.to_string()),
        }
    }

    fn alert(alert: AlertDescription, name: &str, has_identity: bool) -> Self {
        use AlertDescription as Alert;
        match alert {
            Alert::CertificateRequired => Self::final_(format!(
                "the server asks for a client certificate: {IDENTITY}"
            )),
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied => {
                let what = if has_identity {
                    "does not accept the client certificate"
                } else {
                    "asks for a client certificate"
                };
                Self::final_(format!(
                    "the server {what} (alert {}): {IDENTITY}",
                    said(alert)
                ))
            }
            Alert::UnrecognisedName => Self::passing(format!(
                "the server knows no host `{name}` (alert {}): use a name that it serves in server.base_url",
                said(alert)
            )),
            // Before TLS 1.3 a missing client certificate can look like this, too.
            Alert::HandshakeFailure if !has_identity => Self::passing(format!(
                "the server refuses the handshake (alert {}): no version or cipher is common to both, or it asks for a client certificate ({IDENTITY})",
                said(alert)
            )),
            other => Self::passing(format!("the server ends TLS with alert {}", said(other))),
        }
    }

    fn final_(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            is_final: true,
        }
    }

    fn passing(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            is_final: false,
        }
    }
}

fn said(alert: AlertDescription) -> String {
    format!("{} {alert:?}", u8::from(alert))
}

fn certificate(error: &CertificateError, name: &str, trust: &str) -> String {
    use CertificateError as Bad;
    match error {
        Bad::UnknownIssuer => {
            format!("the server's certificate is signed by nobody of {trust}: {CA}")
        }
        Bad::BadSignature => format!(
            "the server's certificate is not signed by the one of this name of {trust}, but by one of this name with another key: {CA}"
        ),
        Bad::Expired => "the server's certificate has expired: renew it".to_owned(),
        Bad::ExpiredContext { time, not_after } => format!(
            "the server's certificate has expired, on {} (it is {} here): renew it",
            day(*not_after),
            day(*time)
        ),
        Bad::NotValidYet => {
            "the server's certificate is not valid yet: is the clock right?".to_owned()
        }
        Bad::NotValidYetContext { time, not_before } => format!(
            "the server's certificate is valid from {} only (it is {} here): is the clock right?",
            day(*not_before),
            day(*time)
        ),
        Bad::NotValidForName => format!(
            "the server's certificate is not for `{name}`: use a name that it is for in server.base_url"
        ),
        Bad::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
            "the server's certificate is not for `{name}`, it names no host at all: give it a subjectAltName"
        ),
        Bad::NotValidForNameContext { presented, .. } => format!(
            "the server's certificate is not for `{name}`, but for {}: use one of these in server.base_url",
            presented.join(", ")
        ),
        other if is_authority(other) => {
            format!("the server's certificate is its own authority, and not one of {trust}: {CA}")
        }
        other => format!("the server's certificate is not acceptable: {other}"),
    }
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "an unknown day".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: &Error, has_identity: bool) -> TlsFailure {
        let name = ServerName::try_from("llm.example").unwrap();
        TlsFailure::of(error, &name, "the authorities in /ca.crt", has_identity)
    }

    #[test]
    fn what_has_to_be_changed_is_not_waited_for() {
        let alert = Error::AlertReceived;
        for (error, is_final) in [
            (
                Error::InvalidCertificate(CertificateError::UnknownIssuer),
                true,
            ),
            (alert(AlertDescription::CertificateRequired), true),
            (alert(AlertDescription::InternalError), false),
            (alert(AlertDescription::UnrecognisedName), false),
            (Error::DecryptError, false),
        ] {
            assert_eq!(of(&error, false).is_final(), is_final, "{error}");
        }
        assert!(TlsFailure::plain_http().is_final() && !TlsFailure::hung_up().is_final());
    }

    #[test]
    fn an_alert_about_a_certificate_is_about_ours() {
        let error = Error::AlertReceived(AlertDescription::BadCertificate);
        assert!(
            of(&error, false)
                .to_string()
                .contains("asks for a client certificate")
        );
        assert!(
            of(&error, true)
                .to_string()
                .contains("does not accept the client certificate")
        );
        assert!(
            of(&error, true)
                .to_string()
                .contains("alert 42 BadCertificate")
        );
    }

    #[test]
    fn instants_are_written_out() {
        let since = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let expired = CertificateError::ExpiredContext {
            time: since(1_700_000_000),
            not_after: since(1_600_000_000),
        };
        let said = of(&Error::InvalidCertificate(expired), false).to_string();
        assert!(
            said.contains("on 2020-09-13T12:26:40Z (it is 2023-11-14T22:13:20Z here)"),
            "{said}"
        );
    }
}
