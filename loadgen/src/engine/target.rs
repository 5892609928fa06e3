//! Where requests go.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use thiserror::Error;
use url::Url;

/// Why a target cannot be used.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The base URL is no http or https URL with a host.
    #[error("`{0}` is not a base URL: write it as http://host:8000 or https://host")]
    Url(String),
    /// The name does not resolve, now.
    #[error("cannot resolve {host}: {reason}")]
    Resolve {
        /// The host of the base URL.
        host: String,
        /// What the resolver says.
        reason: String,
    },
}

/// The parts of a base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The URL as it was given.
    pub base_url: String,
    /// `host[:port]`, for the `host` header.
    pub authority: String,
    /// Path of the URL without a trailing slash, usually empty.
    pub path: String,
    /// Name or address, without brackets.
    pub host: String,
    /// Whether TLS is spoken.
    pub is_tls: bool,
    port: u16,
}

impl Target {
    /// Takes a base URL apart.
    ///
    /// # Errors
    /// [`TargetError::Url`].
    pub fn parse(base_url: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::Url(base_url.to_owned());
        let url = Url::parse(base_url).map_err(|_| wrong())?;
        let host = url
            .host_str()
            .filter(|_| ["http", "https"].contains(&url.scheme()))
            .ok_or_else(wrong)?;
        let port = url.port_or_known_default().ok_or_else(wrong)?;
        Ok(Self {
            base_url: base_url.to_owned(),
            authority: url
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            path: url.path().trim_end_matches('/').to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            is_tls: url.scheme() == "https",
            port,
        })
    }

    /// Every address that the name resolves to, once each.
    ///
    /// # Errors
    /// [`TargetError::Resolve`].
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, TargetError> {
        let fail = |reason: String| TargetError::Resolve {
            host: self.host.clone(),
            reason,
        };
        let found = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|error| fail(error.to_string()))?;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            Err(fail("the name has no address".to_owned()))
        } else {
            Ok(addresses)
        }
    }
}

/// The addresses of a target, dealt in turn to new connections.
#[derive(Debug)]
pub struct Addresses {
    all: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Addresses {
    /// Deals `all` in turn; it must not be empty.
    #[must_use]
    pub fn new(all: Vec<SocketAddr>) -> Self {
        Self {
            all,
            next: AtomicUsize::new(0),
        }
    }

    /// The next address.
    pub fn next(&self) -> SocketAddr {
        self.all[self.next.fetch_add(1, Ordering::Relaxed) % self.all.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_comes_apart() {
        let target = Target::parse("http://qwen3-vllm.default:8000/prefix/").unwrap();
        assert_eq!(
            (target.authority.as_str(), target.path.as_str(), target.port),
            ("qwen3-vllm.default:8000", "/prefix", 8000)
        );
        let v6 = Target::parse("http://[::1]:9").unwrap();
        assert_eq!(
            (v6.authority.as_str(), v6.host.as_str()),
            ("[::1]:9", "::1")
        );
        assert_eq!(Target::parse("http://h").unwrap().port, 80);
        let tls = Target::parse("https://h").unwrap();
        assert_eq!(
            (tls.is_tls, tls.port, tls.authority.as_str()),
            (true, 443, "h")
        );
        for wrong in ["ftp://h", "h:8000", "http://", ""] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_dealt_in_turn() {
        let addresses = Addresses::new(
            ["127.0.0.1:1", "127.0.0.2:1"]
                .map(|a| a.parse().unwrap())
                .to_vec(),
        );
        let dealt: Vec<String> = (0..3).map(|_| addresses.next().ip().to_string()).collect();
        assert_eq!(dealt, ["127.0.0.1", "127.0.0.2", "127.0.0.1"]);
    }
}
