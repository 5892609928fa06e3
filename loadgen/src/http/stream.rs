//! A connection: a socket, and over TLS a session beside it.
//!
//! Reads and writes of the socket are the same for both. TLS turns bytes into bytes before a write ([`Stream::seal`]) and
//! after a read ([`Stream::open`]), so that a read can be stamped before anything is decrypted: the records that one read
//! completes share its stamp.

use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::task::Poll;

use rustix::net::{RecvFlags, recv};
use rustls::ClientConnection;

use super::tls::{Tls, TlsFailure};
use crate::eventloop::Socket;

/// Bytes that one read of a handshake can bring.
const HANDSHAKE_READ: usize = 16 * 1024;

/// A connection over which requests go.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    session: Option<Box<Session>>,
}

#[derive(Debug)]
struct Session {
    tls: Tls,
    rustls: ClientConnection,
}

/// How a connection goes on after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// More can come.
    Open,
    /// The server has ended it, as it should.
    Closed,
    /// It has ended without TLS' `close_notify`: what came may not be all.
    Cut,
}

/// Why a TLS session cannot go on.
#[derive(Debug)]
pub enum SessionError {
    /// The server has refused us. In TLS 1.3 it says so only after we are through with the handshake.
    Refused(TlsFailure),
    /// What came is not what the session agreed on.
    Broken(rustls::Error),
}

impl Stream {
    /// A connection without TLS.
    #[must_use]
    pub(super) fn plain(socket: Socket) -> Self {
        Self {
            socket,
            session: None,
        }
    }

    /// Speaks TLS over `socket`, up to the last flight of the handshake, which travels with the first request.
    ///
    /// # Errors
    /// Why the handshake failed.
    pub(super) async fn secure(socket: Socket, tls: &Tls) -> Result<Self, TlsFailure> {
        let mut session = tls.session()?;
        let mut buffer = vec![0; HANDSHAKE_READ];
        let mut is_first = true;
        while session.is_handshaking() {
            if session.wants_write() {
                let flight = waiting(&mut session);
                write_all(&socket, &flight).await?;
                continue;
            }
            let count = socket.read(&mut buffer).await?;
            let mut wire = &buffer[..count];
            if wire.is_empty() {
                return Err(TlsFailure::hung_up());
            }
            if is_first && wire.starts_with(b"HTTP/") {
                return Err(TlsFailure::plain_http());
            }
            is_first = false;
            while !wire.is_empty() {
                let taken = session.read_tls(&mut wire)?;
                if let Err(error) = session.process_new_packets() {
                    // Tells the server why, if it can still be told.
                    let _ = socket.try_write(&waiting(&mut session));
                    return Err(tls.failure(&error));
                }
                if taken == 0 {
                    return Err(TlsFailure::hung_up());
                }
            }
        }
        let session = Session {
            tls: tls.clone(),
            rustls: session,
        };
        Ok(Self {
            socket,
            session: Some(Box::new(session)),
        })
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What has to be written to the socket instead of `request`; `None` where it is `request` itself.
    pub fn seal(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        let session = &mut self.session.as_mut()?.rustls;
        // Writing to memory cannot fail.
        let _ = session.writer().write_all(request);
        Some(waiting(session))
    }

    /// Reads from the socket, once.
    pub fn poll_read(&self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_read(buffer)
    }

    /// Hands on what the bytes of one read mean; none of them is the end of the connection.
    ///
    /// # Errors
    /// [`SessionError`]. What was handed on before is right all the same.
    pub fn open(&mut self, wire: &[u8], mut take: impl FnMut(&[u8])) -> Result<Way, SessionError> {
        match &mut self.session {
            None if wire.is_empty() => Ok(Way::Closed),
            None => {
                take(wire);
                Ok(Way::Open)
            }
            Some(session) => {
                let way = session.open(wire, take)?;
                if session.rustls.wants_write() {
                    // An answer to a change of keys. What does not go now goes before the next request.
                    answer(&self.socket, &mut session.rustls);
                }
                Ok(way)
            }
        }
    }

    /// Whether the connection is open and quiet, the only state in which a request may be sent over it: closed it reads 0,
    /// and bytes would belong to no request. Asks the kernel: what the event loop knows may be older than the server's close.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let peek = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = recv(self.socket.as_fd(), &mut [0u8; 1], peek);
        matches!(peeked, Err(error) if error == rustix::io::Errno::AGAIN)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(session) = &mut self.session {
            session.rustls.send_close_notify();
            answer(&self.socket, &mut session.rustls);
        }
    }
}

impl Session {
    fn open(&mut self, mut wire: &[u8], mut take: impl FnMut(&[u8])) -> Result<Way, SessionError> {
        if wire.is_empty() {
            return Ok(Way::Cut);
        }
        while !wire.is_empty() {
            // It takes a part at a time, and nothing more after the server's end.
            let taken = self
                .rustls
                .read_tls(&mut wire)
                .map_err(|error| SessionError::Broken(rustls::Error::General(error.to_string())))?;
            let state = self.rustls.process_new_packets();
            while let Ok(bytes @ [_, ..]) = self.rustls.reader().fill_buf() {
                let count = bytes.len();
                take(bytes);
                self.rustls.reader().consume(count);
            }
            match state {
                Err(error @ rustls::Error::AlertReceived(_)) => {
                    return Err(SessionError::Refused(self.tls.failure(&error)));
                }
                Err(error) => return Err(SessionError::Broken(error)),
                Ok(state) if state.peer_has_closed() || taken == 0 => return Ok(Way::Closed),
                Ok(_) => {}
            }
        }
        Ok(Way::Open)
    }
}

/// Hands all of `bytes` to the socket.
///
/// # Errors
/// The socket's.
pub(super) async fn write_all(socket: &Socket, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        socket.writable().await;
        match socket.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Everything that a session has to send.
fn waiting(session: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    while session.wants_write() && session.write_tls(&mut bytes).is_ok() {}
    bytes
}

/// Sends what a session has to say by itself, as far as the socket takes it.
fn answer(socket: &Socket, session: &mut ClientConnection) {
    struct Now<'a>(&'a Socket);
    impl Write for Now<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.try_write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    while session.wants_write()
        && session
            .write_tls(&mut Now(socket))
            .is_ok_and(|count| count > 0)
    {}
}
