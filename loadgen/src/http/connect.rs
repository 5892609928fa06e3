//! Making connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

/// Opens a connection to `address` without Nagle's delay.
///
/// # Errors
/// The system's, or `TimedOut` after `limit`.
pub async fn connect(address: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_nodelay(true)?;
    tokio::time::timeout(limit, socket.connect(address))
        .await
        .unwrap_or_else(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no connection to {address} within {limit:?}"),
            ))
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
