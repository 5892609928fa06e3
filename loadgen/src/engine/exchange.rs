//! One request on its socket: write, stamp every read, feed the bytes to the reply.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use bench_contract::Outcome;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::composer::Body;
use super::counters::Counters;
use super::flight::{Flight, Local};
use super::reply::{End, Reply, State};
use crate::http::connect::{connect, is_ours};

/// How long the last chunk of a body may take after `[DONE]`: without it, the connection cannot be used again.
const DONE_GRACE: Duration = Duration::from_secs(1);

/// Dispatches a request. On an idle connection its first bytes are on their way before this returns; the rest is a task.
pub(super) fn launch(local: &Rc<Local>, body: Body, flights: &mut JoinSet<()>) {
    let mut flight = Flight::dispatch(local, body);
    let idle = if local.shared.reuse {
        local.pool.take(local.now())
    } else {
        None
    };
    let connection = idle.map(|stream| {
        flight.reused = true;
        let sent = local.now();
        let written = stream.try_write(flight.bytes()).unwrap_or(0);
        flight.sent_ns = (written > 0).then_some(sent);
        (stream, written)
    });
    flights.spawn_local(fly(flight, connection));
}

async fn fly(mut flight: Flight, connection: Option<(TcpStream, usize)>) {
    let limit = flight.local.shared.total_limit;
    let end = match timeout(limit, exchange(&mut flight, connection)).await {
        Ok(Ok(end) | Err(end)) => end,
        Err(_) => End::failed(
            Outcome::Timeout,
            format!("not ended within {} s", limit.as_secs_f64()),
        ),
    };
    flight.end = Some(end);
}

/// Both sides are ends; `Err` is the one that comes early.
async fn exchange(flight: &mut Flight, connection: Option<(TcpStream, usize)>) -> Result<End, End> {
    let (stream, written) = match connection {
        Some(open) => open,
        None => (open(flight).await?, 0),
    };
    let send_error = write(flight, &stream, written).await.err();
    flight.written();
    let Some((left, after)) = flight.cancel_in() else {
        return receive(flight, stream, send_error).await;
    };
    // Given up with all that belongs to it, the connection first, so that the server sees that nobody waits any more.
    timeout(left, receive(flight, stream, send_error))
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
    mut stream: TcpStream,
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
        let now = flight.local.now();
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
                    flight.local.pool.put(stream, now);
                }
                return Ok(end);
            }
            // After [DONE] nothing is missing, however the connection ends or does not.
            Some(Err(_)) | None if reply.is_done() => {
                return match reply.closed(now, &mut flight.trace) {
                    State::Ended { end, .. } => Ok(end),
                    State::Going => Ok(End::ok()),
                };
            }
            Some(Err(error)) => {
                let error = send_error.as_ref().unwrap_or(&error);
                return Err(End::failed(
                    Outcome::Reset,
                    format!("connection lost: {error}"),
                ));
            }
            None => {
                let (limit, what) = limit.unwrap_or_default();
                let message = format!("{what} within {} s", limit.as_secs_f64());
                return Err(End::failed(Outcome::Timeout, message));
            }
        }
    }
}

async fn open(flight: &mut Flight) -> Result<TcpStream, End> {
    let shared = &flight.local.shared;
    let address = shared.addresses.next();
    let stream = connect(address, shared.limits.connect.to_duration())
        .await
        .map_err(|error| {
            let outcome = match error.kind() {
                _ if is_ours(&error) => {
                    Counters::add(&shared.counters.socket_errors, 1);
                    Outcome::GeneratorError
                }
                io::ErrorKind::TimedOut => Outcome::Timeout,
                _ => Outcome::ConnectError,
            };
            End::failed(outcome, format!("cannot connect to {address}: {error}"))
        })?;
    Counters::add(&shared.counters.connections, 1);
    Ok(stream)
}

/// Writes what is left of the request. A failure is not the end: a server that answers early closes early, and its answer
/// says why.
async fn write(flight: &mut Flight, stream: &TcpStream, mut written: usize) -> io::Result<()> {
    while written < flight.bytes().len() {
        stream.writable().await?;
        let now = flight.local.now();
        match stream.try_write(&flight.bytes()[written..]) {
            Ok(count) => {
                flight.sent_ns.get_or_insert(now);
                written += count;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One read of the socket, stamped and parsed before anything else happens.
async fn read(flight: &mut Flight, stream: &mut TcpStream, reply: &mut Reply) -> io::Result<State> {
    poll_fn(|context| {
        let scratch = flight.local.scratch.clone();
        let mut scratch = scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        let at = flight.local.now();
        let bytes = buffer.filled();
        Poll::Ready(Ok(if bytes.is_empty() {
            reply.closed(at, &mut flight.trace)
        } else {
            reply.feed(at, bytes, &mut flight.trace)
        }))
    })
    .await
}

/// How long requests that are in flight may go on once the run is asked to stop.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(20);
