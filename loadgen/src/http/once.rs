//! A single question to the server, outside the measurement.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use super::body::{Body, BodyError};
use super::connect::{ConnectError, connect};
use super::head::{HeadError, HeadReader};
use super::stream::{SessionError, Way, write_all};
use super::tls::{Tls, TlsFailure};
use crate::eventloop::Handle;

/// The most that an answer to [`get`] may take, in bytes.
const MOST: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum OnceError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection was lost.
    #[error("{0}: {1}")]
    Lost(SocketAddr, io::Error),
    /// The server ends TLS.
    #[error("no TLS with {0}: {1}")]
    Refused(SocketAddr, TlsFailure),
    /// What came is no whole answer in HTTP.
    #[error("{0}: {1}")]
    Invalid(SocketAddr, String),
    /// What came is TLS, and TLS is not spoken.
    #[error("{0}: {1}")]
    SpeaksTls(SocketAddr, HeadError),
    /// Not in time.
    #[error("no answer from {0} within {1:?}")]
    TimedOut(SocketAddr, Duration),
}

impl OnceError {
    /// Whether it is no use to ask again later.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_final(),
            Self::Refused(_, failure) => failure.is_final(),
            Self::SpeaksTls(..) => true,
            Self::Lost(..) | Self::Invalid(..) | Self::TimedOut(..) => false,
        }
    }
}

/// Sends `request` to `address` and returns the status and the body.
///
/// # Errors
/// [`OnceError`].
pub async fn get(
    handle: &Handle,
    address: SocketAddr,
    tls: Option<&Tls>,
    request: &str,
    limit: Duration,
) -> Result<(u16, Vec<u8>), OnceError> {
    get_up_to(MOST, handle, address, tls, request, limit).await
}

/// The same of a body of at most `most` bytes: of a longer one, the rest is not read.
///
/// # Errors
/// [`OnceError`].
pub async fn get_up_to(
    most: usize,
    handle: &Handle,
    address: SocketAddr,
    tls: Option<&Tls>,
    request: &str,
    limit: Duration,
) -> Result<(u16, Vec<u8>), OnceError> {
    let asking = ask(most, handle, address, tls, request, limit);
    let answer = handle.timeout(limit, asking).await;
    answer.unwrap_or(Err(OnceError::TimedOut(address, limit)))
}

async fn ask(
    most: usize,
    handle: &Handle,
    address: SocketAddr,
    tls: Option<&Tls>,
    request: &str,
    limit: Duration,
) -> Result<(u16, Vec<u8>), OnceError> {
    let mut stream = connect(handle, address, tls, limit).await?;
    let sealed = stream.seal(request.as_bytes());
    // Not the end when it fails: a server that answers early closes early, and its answer says why.
    let wire = sealed.as_deref().unwrap_or(request.as_bytes());
    let _ = write_all(stream.socket(), wire).await;
    let mut answer = Answer {
        most,
        ..Answer::default()
    };
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = poll_fn(|_| stream.poll_read(&mut buffer)).await;
        let count = read.map_err(|error| OnceError::Lost(address, error))?;
        let mut fed = Ok(());
        let way = stream.open(&buffer[..count], |bytes| {
            if fed.is_ok() {
                fed = answer.feed(bytes);
            }
        });
        fed.map_err(|error| error.at(address))?;
        let way = way.map_err(|error| match error {
            SessionError::Refused(failure) => OnceError::Refused(address, failure),
            SessionError::Broken(error) => OnceError::Invalid(address, error.to_string()),
        })?;
        if answer.is_whole(way) {
            return Ok((answer.status, answer.kept));
        }
        if way != Way::Open {
            let cut = "the connection was closed in the middle of the answer";
            return Err(OnceError::Invalid(address, cut.to_owned()));
        }
    }
}

/// Why bytes are no answer.
enum NoAnswer {
    Head(HeadError),
    Body(BodyError),
}

impl NoAnswer {
    fn at(self, address: SocketAddr) -> OnceError {
        match self {
            Self::Head(error @ HeadError::Tls) => OnceError::SpeaksTls(address, error),
            Self::Head(error) => OnceError::Invalid(address, error.to_string()),
            Self::Body(error) => OnceError::Invalid(address, error.to_string()),
        }
    }
}

/// An answer as it comes.
#[derive(Default)]
struct Answer {
    reader: HeadReader,
    body: Option<Body>,
    status: u16,
    kept: Vec<u8>,
    most: usize,
}

impl Answer {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), NoAnswer> {
        if self.body.is_none() {
            let Some((head, used)) = self.reader.feed(bytes).map_err(NoAnswer::Head)? else {
                return Ok(());
            };
            self.status = head.status;
            self.body = Some(Body::new(head.framing));
            bytes = &bytes[used..];
        }
        let (Some(body), kept) = (&mut self.body, &mut self.kept) else {
            return Ok(());
        };
        let decoded = body.decode(bytes, |part| {
            kept.extend_from_slice(part);
            Ok::<(), BodyError>(())
        });
        decoded.map(drop).map_err(NoAnswer::Body)
    }

    /// Whether nothing of it is missing, or no more of it is wanted.
    fn is_whole(&self, way: Way) -> bool {
        self.body.as_ref().is_some_and(|body| {
            body.is_done()
                || (way == Way::Closed && body.may_close())
                || self.kept.len() > self.most
        })
    }
}
