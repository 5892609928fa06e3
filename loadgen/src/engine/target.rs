//! Where requests go.

use std::io;
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
    #[error("cannot resolve {host}: {error}")]
    Resolve {
        /// The host of the base URL.
        host: String,
        /// What the resolver says.
        error: io::Error,
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
        let fail = |error| TargetError::Resolve {
            host: self.host.clone(),
            error,
        };
        let found = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(fail)?;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            Err(fail(io::Error::other("the name has no address")))
        } else {
            Ok(addresses)
        }
    }
}

/// The addresses of a target, dealt in turn to new connections. One that refuses is not passed over for the next: that the
/// request met it is what is measured.
#[derive(Debug)]
pub struct Addresses {
    source: Source,
    next: AtomicUsize,
}

#[derive(Debug)]
enum Source {
    Known(Vec<SocketAddr>),
    /// Resolved anew for each connection; what answered before time zero says which families of addresses are used.
    Resolved {
        target: Target,
        answered: Vec<SocketAddr>,
    },
}

impl Addresses {
    /// Deals `all` in turn; it must not be empty.
    #[must_use]
    pub fn once(all: Vec<SocketAddr>) -> Self {
        Self {
            source: Source::Known(all),
            next: AtomicUsize::new(0),
        }
    }

    /// Resolves `target` for each connection and deals what it resolves to. A name may stand for addresses of a family that
    /// the server does not use (`localhost`): those of a family in which none has `answered` are left out.
    #[must_use]
    pub fn per_connection(target: Target, answered: Vec<SocketAddr>) -> Self {
        Self {
            source: Source::Resolved { target, answered },
            next: AtomicUsize::new(0),
        }
    }

    /// The next address. Resolving blocks a thread of its own, not this one.
    ///
    /// # Errors
    /// [`TargetError::Resolve`].
    pub async fn next(&self) -> Result<SocketAddr, TargetError> {
        match &self.source {
            Source::Known(all) => Ok(self.deal(all)),
            Source::Resolved { target, answered } => {
                Ok(self.deal(&usable(target.resolve().await?, answered)))
            }
        }
    }

    fn deal(&self, all: &[SocketAddr]) -> SocketAddr {
        all[self.next.fetch_add(1, Ordering::Relaxed) % all.len()]
    }
}

/// The addresses of the families that are used; all, where there is none of these any more. In an order of their own: a
/// resolver that turns its answers round would undo our turns.
fn usable(mut found: Vec<SocketAddr>, answered: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_used = |address: &SocketAddr| {
        let mut answered = answered.iter();
        answered.any(|other| other.is_ipv4() == address.is_ipv4())
    };
    if found.iter().any(is_used) {
        found.retain(is_used);
    }
    found.sort_unstable();
    found
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

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn dealt(addresses: &Addresses, count: usize) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let next = || async { addresses.next().await.unwrap().to_string() };
        let runtime = runtime.unwrap();
        (0..count).map(|_| runtime.block_on(next())).collect()
    }

    #[test]
    fn addresses_are_dealt_in_turn() {
        let two = Addresses::once(addresses(&["127.0.0.1:1", "127.0.0.2:1"]));
        assert_eq!(
            dealt(&two, 3),
            ["127.0.0.1:1", "127.0.0.2:1", "127.0.0.1:1"]
        );
    }

    #[test]
    fn resolving_anew_uses_the_families_in_which_something_answered() {
        let found = || addresses(&["[::1]:1", "127.0.0.2:1", "127.0.0.1:1"]);
        let v4 = addresses(&["127.0.0.1:1", "127.0.0.2:1"]);
        assert_eq!(usable(found(), &addresses(&["127.0.0.9:1"])), v4);
        assert_eq!(
            usable(addresses(&["[::1]:1"]), &v4),
            addresses(&["[::1]:1"])
        );
        assert_eq!(usable(found(), &found()).len(), 3);
        let target = Target::parse("http://127.0.0.1:7").unwrap();
        let addresses = Addresses::per_connection(target, v4);
        assert_eq!(dealt(&addresses, 2), ["127.0.0.1:7", "127.0.0.1:7"]);
    }
}
