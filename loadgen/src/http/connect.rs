//! Making connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use super::stream::Stream;
use super::tls::{Tls, TlsFailure};
use crate::eventloop::{Handle, Socket};

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The system says so: nobody listens there, no route leads there, or this machine is at its limits (see
    /// [`ConnectError::is_ours`]).
    #[error("cannot connect to {address}: {error}")]
    Io {
        /// The server's address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// Not in time. The server, or something before it, drops packets or is overloaded.
    #[error("no {what} with {address} within {} s", (limit.as_secs_f64() * 1e3).round() / 1e3)]
    TimedOut {
        /// The server's address.
        address: SocketAddr,
        /// What did not come about.
        what: &'static str,
        /// The limit, or what resolving the name has left of it.
        limit: Duration,
    },
    /// The TLS handshake failed; its message names cause and remedy.
    #[error("no TLS with {address}: {failure}")]
    Tls {
        /// The server's address.
        address: SocketAddr,
        /// Why.
        failure: TlsFailure,
    },
}

impl ConnectError {
    /// Whether it says that this machine is at its limits, and nothing of the server.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Io { error, .. } if is_ours(error))
    }

    /// Whether it is no use to try again later.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Tls { failure, .. } if failure.is_final())
    }
}

/// Opens a connection to `address` without Nagle's delay, and over TLS where it is given. `limit` holds for all of it.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(
    handle: &Handle,
    address: SocketAddr,
    tls: Option<&Tls>,
    limit: Duration,
) -> Result<Stream, ConnectError> {
    let system = |error| ConnectError::Io { address, error };
    let mut what = "connection";
    let connecting = async {
        let socket = Socket::connect(handle, address).await.map_err(system)?;
        let Some(tls) = tls else {
            return Ok(Stream::plain(socket));
        };
        what = "TLS";
        let secured = Stream::secure(socket, tls).await;
        secured.map_err(|failure| ConnectError::Tls { address, failure })
    };
    let connected = handle.timeout(limit, connecting).await;
    connected.unwrap_or_else(|| {
        Err(ConnectError::TimedOut {
            address,
            what,
            limit,
        })
    })
}

/// Whether an error says that this machine is at its limits, and nothing of the server: no file descriptors, no ports, no
/// memory left.
#[must_use]
pub fn is_ours(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let Some(code) = error.raw_os_error() else {
        return false;
    };
    [
        Errno::MFILE,
        Errno::NFILE,
        Errno::ADDRNOTAVAIL,
        Errno::NOBUFS,
        Errno::NOMEM,
    ]
    .contains(&Errno::from_raw_os_error(code))
}
