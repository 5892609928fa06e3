//! One request on its socket: write, stamp every read, feed the bytes to the reply.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use bench_contract::Outcome;
use tokio::io::ReadBuf;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::composer::Body;
use super::counters::Counters;
use super::flight::{Flight, Local};
use super::reply::{End, Reply, State};
use crate::http::connect::{ConnectError, connect, is_ours};
use crate::http::stream::{SessionError, Stream, Way};

/// How long the last chunk of a body may take after `[DONE]`: without it, the connection cannot be used again.
const DONE_GRACE: Duration = Duration::from_secs(1);

/// What may be behind a connection that ends before it has answered, where an earlier request has left it. The request is
/// not sent again: nobody knows what the server did with it.
const IDLED: &str = " (it had idled, and the server may have closed it just then: a longer keep-alive there, or api.connections: fresh, avoids that)";

/// A connection, and what of the request is on its way over it.
struct Begun {
    stream: Stream,
    /// What goes over the wire where it is not the request itself.
    sealed: Option<Vec<u8>>,
    /// Bytes of it that the socket has taken.
    written: usize,
}

impl Begun {
    fn new(mut stream: Stream, flight: &Flight) -> Self {
        Self {
            sealed: stream.seal(flight.bytes()),
            stream,
            written: 0,
        }
    }

    /// What the socket has still to take.
    fn rest<'a>(&'a self, flight: &'a Flight) -> &'a [u8] {
        &self.sealed.as_deref().unwrap_or(flight.bytes())[self.written..]
    }

    /// Hands the socket as much as it takes now.
    fn write(&mut self, flight: &mut Flight) -> io::Result<()> {
        let now = flight.local.now();
        let count = self.stream.socket().try_write(self.rest(flight))?;
        flight.sent_ns.get_or_insert(now);
        self.written += count;
        Ok(())
    }
}

/// Dispatches a request. On an idle connection its first bytes are on their way before this returns; the rest is a task.
pub(super) fn launch(local: &Rc<Local>, body: Body, flights: &mut JoinSet<()>) {
    let mut flight = Flight::dispatch(local, body);
    let idle = if local.shared.reuse {
        local.pool.take(local.now())
    } else {
        None
    };
    let begun = idle.map(|stream| {
        flight.reused = true;
        let mut begun = Begun::new(stream, &flight);
        // What fails now fails again in the task, which says so.
        let _ = begun.write(&mut flight);
        begun
    });
    flights.spawn_local(fly(flight, begun));
}

async fn fly(mut flight: Flight, begun: Option<Begun>) {
    let limit = flight.local.shared.total_limit;
    let mut end = match timeout(limit, exchange(&mut flight, begun)).await {
        Ok(Ok(end) | Err(end)) => end,
        Err(_) => End::failed(
            Outcome::Timeout,
            format!("not ended within {} s", limit.as_secs_f64()),
        ),
    };
    if let (true, Outcome::Reset, None, Some(error)) = (
        flight.reused,
        end.outcome,
        flight.trace.status,
        &mut end.error,
    ) {
        error.push_str(IDLED);
    }
    flight.end = Some(end);
}

/// Both sides are ends; `Err` is the one that comes early.
async fn exchange(flight: &mut Flight, begun: Option<Begun>) -> Result<End, End> {
    let mut begun = match begun {
        Some(begun) => begun,
        None => Begun::new(open(flight).await?, flight),
    };
    let send_error = write(flight, &mut begun).await.err();
    flight.written();
    let Some((left, after)) = flight.cancel_in() else {
        return receive(flight, begun.stream, send_error).await;
    };
    // Given up with all that belongs to it, the connection first, so that the server sees that nobody waits any more.
    timeout(left, receive(flight, begun.stream, send_error))
        .await
        .unwrap_or_else(|_| {
            Err(End::failed(
                Outcome::Cancelled,
                format!("given up {} s after it was sent", after.as_secs_f64()),
            ))
        })
}

/// Reads what comes back, until it ends.
async fn receive(
    flight: &mut Flight,
    mut stream: Stream,
    send_error: Option<io::Error>,
) -> Result<End, End> {
    let shared = flight.local.shared.clone();
    let mut reply = Reply::new(shared.api, shared.streaming);
    let mut limit = shared
        .limits
        .first_byte
        .map(|limit| (limit.to_duration(), "no byte of a reply"));
    loop {
        let read = read(flight, &mut stream, &mut reply);
        let read = match limit {
            None => Some(read.await),
            Some((limit, _)) => timeout(limit, read).await.ok(),
        };
        match read {
            Some(Ok(State::Going)) if reply.is_done() => {
                limit = Some((DONE_GRACE, "the end of the reply"));
            }
            Some(Ok(State::Going)) => {
                limit = shared
                    .limits
                    .idle
                    .map(|limit| (limit.to_duration(), "nothing more of the reply"));
            }
            Some(Ok(State::Ended { end, reusable })) => {
                if reusable && shared.reuse && send_error.is_none() {
                    flight.local.pool.put(stream, flight.local.now());
                }
                return Ok(end);
            }
            // After [DONE] nothing is missing, however the connection ends or does not.
            Some(Err(_)) | None if reply.is_done() => {
                let now = flight.local.now();
                return match reply.closed(now, &mut flight.trace) {
                    State::Ended { end, .. } => Ok(end),
                    State::Going => Ok(End::ok()),
                };
            }
            Some(Err(lost)) => return Err(lost.end(flight, send_error)),
            None => {
                let (limit, what) = limit.unwrap_or_default();
                let message = format!("{what} within {} s", limit.as_secs_f64());
                return Err(End::failed(Outcome::Timeout, message));
            }
        }
    }
}

async fn open(flight: &mut Flight) -> Result<Stream, End> {
    let shared = &flight.local.shared;
    let limit = shared.limits.connect.to_duration();
    let begun = flight.local.now();
    let address = match timeout(limit, shared.addresses.next()).await {
        Ok(Ok(address)) => address,
        Ok(Err(error)) => return Err(End::failed(Outcome::ConnectError, error.to_string())),
        Err(_) => {
            let message = format!("no address of the server within {} s", limit.as_secs_f64());
            return Err(End::failed(Outcome::Timeout, message));
        }
    };
    let resolved = Duration::from_nanos(flight.local.now() - begun);
    let limit = limit.saturating_sub(resolved);
    let opened = connect(address, shared.tls.as_ref(), limit).await;
    let stream = opened.map_err(|error| {
        let outcome = match &error {
            error if error.is_ours() => {
                Counters::add(&shared.counters.socket_errors, 1);
                Outcome::GeneratorError
            }
            ConnectError::TimedOut { .. } => Outcome::Timeout,
            ConnectError::Io { .. } | ConnectError::Tls { .. } => Outcome::ConnectError,
        };
        End::failed(outcome, error.to_string())
    })?;
    Counters::add(&shared.counters.connections, 1);
    Ok(stream)
}

/// Writes what is left of the request. A failure is not the end: a server that answers early closes early, and its answer
/// says why.
async fn write(flight: &mut Flight, begun: &mut Begun) -> io::Result<()> {
    while !begun.rest(flight).is_empty() {
        begun.stream.socket().writable().await?;
        match begun.write(flight) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Why a reply cannot be read to its end.
enum Lost {
    Socket(io::Error),
    Session(SessionError),
}

impl Lost {
    fn end(self, flight: &Flight, send_error: Option<io::Error>) -> End {
        match self {
            // The connection was never what the server wanted it to be.
            Self::Session(SessionError::Refused(failure)) if flight.trace.status.is_none() => {
                End::failed(Outcome::ConnectError, format!("no TLS: {failure}"))
            }
            Self::Session(SessionError::Refused(failure)) => {
                End::failed(Outcome::Reset, format!("connection lost: {failure}"))
            }
            Self::Session(SessionError::Broken(error)) => {
                End::failed(Outcome::ProtocolError, format!("not valid TLS: {error}"))
            }
            Self::Socket(error) => {
                let error = send_error.unwrap_or(error);
                let outcome = if is_ours(&error) {
                    Counters::add(&flight.local.shared.counters.socket_errors, 1);
                    Outcome::GeneratorError
                } else {
                    Outcome::Reset
                };
                End::failed(outcome, format!("connection lost: {error}"))
            }
        }
    }
}

/// One read of the socket, stamped before anything else happens, and parsed. Over TLS a read that completes no record of the
/// reply is followed by the next.
async fn read(flight: &mut Flight, stream: &mut Stream, reply: &mut Reply) -> Result<State, Lost> {
    poll_fn(|context| {
        let scratch = flight.local.scratch.clone();
        let mut scratch = scratch.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(stream.poll_read(context, &mut buffer)).map_err(Lost::Socket)?;
            let at = flight.local.now();
            let trace = &mut flight.trace;
            let mut state = None;
            let way = stream.open(buffer.filled(), |bytes| {
                state = Some(match state.take() {
                    None | Some(State::Going) => reply.feed(at, bytes, trace),
                    // More than the reply: no request may follow on this connection.
                    Some(State::Ended { end, .. }) => State::Ended {
                        end,
                        reusable: false,
                    },
                });
            });
            return Poll::Ready(match (state, way) {
                (Some(ended @ State::Ended { .. }), Ok(Way::Open)) => Ok(ended),
                (Some(State::Ended { end, .. }), _) => Ok(State::Ended {
                    end,
                    reusable: false,
                }),
                (_, Ok(Way::Closed)) => Ok(reply.closed(at, trace)),
                (_, Ok(Way::Cut)) => Ok(reply.cut(at, trace)),
                (_, Err(error)) => Err(Lost::Session(error)),
                (Some(State::Going), Ok(Way::Open)) => Ok(State::Going),
                (None, Ok(Way::Open)) => continue,
            });
        }
    })
    .await
}

/// How long requests that are in flight may go on once the run is asked to stop.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(20);
