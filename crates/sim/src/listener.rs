//! The listening socket.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, accept_with, bind, getsockname, listen, socket_with,
    sockopt,
};

/// Connections that the kernel completes before they are accepted.
const BACKLOG: i32 = 4096;

/// Binds and listens. Returns the socket and its address, in which a port 0 has become the chosen one.
pub(crate) fn open(listen_on: &str) -> io::Result<(OwnedFd, SocketAddr)> {
    let addresses = listen_on.to_socket_addrs().map_err(|e| {
        io::Error::new(
            e.kind(),
            format!("--listen {listen_on}: {e}; write HOST:PORT, for example 127.0.0.1:8000, or port 0 for a free one"),
        )
    })?;
    let mut last = None;
    for address in addresses {
        match open_one(address) {
            Ok(socket) => {
                let address = SocketAddr::try_from(getsockname(&socket)?)?;
                return Ok((socket, address));
            }
            Err(e) => last = Some(e),
        }
    }
    let e = io::Error::from(last.unwrap_or(Errno::ADDRNOTAVAIL));
    let remedy = match e.kind() {
        io::ErrorKind::AddrInUse => {
            "another process listens there; stop it, or give another port with --listen (port 0 takes a free one)"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need privileges; give a higher one with --listen"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; use 127.0.0.1 or 0.0.0.0 with --listen"
        }
        _ => "give another address with --listen",
    };
    Err(io::Error::new(
        e.kind(),
        format!("cannot listen on {listen_on}: {e}; {remedy}"),
    ))
}

fn open_one(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    // Accepted sockets inherit it, which saves a call per connection.
    sockopt::set_tcp_nodelay(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// The outcome of asking for one more connection.
#[derive(Debug)]
pub(crate) enum Accepted {
    Connection(OwnedFd),
    /// None is waiting.
    None,
    /// The process or the machine is out of descriptors or memory.
    Exhausted(Errno),
}

/// Accepts one connection.
pub(crate) fn accept(socket: &OwnedFd) -> Accepted {
    loop {
        match accept_with(socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(fd) => return Accepted::Connection(fd),
            Err(Errno::AGAIN) => return Accepted::None,
            Err(e @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                return Accepted::Exhausted(e);
            }
            // Errors of a connection that died in the backlog: the next one may be well.
            Err(_) => {}
        }
    }
}
