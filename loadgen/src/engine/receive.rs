//! What comes back for one request: each read of its socket stamped, its bytes fed to the reply, until that ends.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};
use std::time::Duration;

use bench_contract::{Outcome, Seconds};

use super::counters::Counters;
use super::flight::Flight;
use super::reply::{End, Reply, State};
use super::turns;
use crate::eventloop::Sleep;
use crate::http::connect::is_ours;
use crate::http::stream::{SessionError, Stream, Way};

/// How long the last chunk of a body may take after the last event: without it, the connection cannot be used again.
const DONE_GRACE: Duration = Duration::from_secs(1);

/// What may be behind a connection that ends before it has answered, where an earlier request has left it. The request is
/// not sent again: nobody knows what the server did with it.
const IDLED: &str = " (it had idled, and the server may have closed it just then: a longer keep-alive there, or api.connections: fresh, avoids that)";

/// Reads after which others get their turn: a server can send faster than its bytes are parsed.
const READS_AT_ONCE: usize = 16;

/// Goes on from a request whose bytes are on their way, in a task of its own.
pub(super) fn receive(mut flight: Flight, stream: Stream, send_error: Option<io::Error>) {
    flight.written();
    let handle = flight.local.handle.clone();
    let mut receiver = Receiver::new(flight, stream, send_error);
    handle.spawn(async move {
        let (mut end, reusable) = poll_fn(|_| receiver.poll_end()).await;
        // The connection first, so that the server sees that nobody waits any more.
        let Receiver {
            stream, mut flight, ..
        } = receiver;
        if reusable && flight.local.shared.reuse {
            flight.local.pool.put(stream, flight.local.now());
        } else {
            drop(stream);
        }
        if let (true, Outcome::Reset, None, Some(error)) = (
            flight.reused,
            end.outcome,
            flight.trace.status,
            &mut end.error,
        ) {
            error.push_str(IDLED);
        }
        flight.end = Some(end);
        turns::land(flight);
    });
}

/// Reads until the reply ends, or a limit ends it.
///
/// It is polled for every read, mostly on a core that was asleep, and is a plain structure for that: `async` functions that
/// wait in each other spread their state over kilobytes.
struct Receiver {
    stream: Stream,
    reply: Reply,
    flight: Flight,
    send_error: Option<io::Error>,
    /// When the next read has to have come, and which.
    next: Option<(Sleep, Duration, &'static str)>,
    /// When the client gives up, and how long after the request was sent that is.
    cancel: Option<(Sleep, Duration)>,
    /// When the request has taken too long.
    over: Sleep,
}

impl Receiver {
    fn new(flight: Flight, stream: Stream, send_error: Option<io::Error>) -> Self {
        let (shared, handle) = (&flight.local.shared, &flight.local.handle);
        let first = shared.limits.first_byte.map(Seconds::to_duration);
        Self {
            reply: if flight.wants_text() {
                Reply::new(shared.api, shared.streaming).keeping_text()
            } else {
                Reply::new(shared.api, shared.streaming)
            },
            next: first.map(|limit| (handle.sleep(limit), limit, "no byte of a reply")),
            cancel: flight
                .cancel_at()
                .map(|(at, after)| (handle.until(at), after)),
            over: handle.until(flight.over_at()),
            stream,
            flight,
            send_error,
        }
    }

    /// One read of the socket, stamped before anything else happens, and parsed. Over TLS a read that completes no record of
    /// the reply is followed by the next.
    fn poll_read(&mut self) -> Poll<Result<State, Lost>> {
        let Self {
            stream,
            reply,
            flight,
            ..
        } = self;
        let mut scratch = flight.local.scratch.borrow_mut();
        let trace = &mut flight.trace;
        loop {
            let count = ready!(stream.poll_read(&mut scratch)).map_err(Lost::Socket)?;
            let at = flight.local.now();
            let mut state = None;
            let way = stream.open(&scratch[..count], |bytes| {
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
    }

    /// How the reply ends, once it does, and whether the connection may carry another request.
    fn poll_end(&mut self) -> Poll<(End, bool)> {
        for _ in 0..READS_AT_ONCE {
            match self.poll_read() {
                Poll::Ready(Ok(State::Going)) => self.expect_more(),
                Poll::Ready(Ok(State::Ended { end, reusable })) => {
                    return Poll::Ready((end, reusable && self.send_error.is_none()));
                }
                // After the last event nothing is missing, however the connection ends or does not.
                Poll::Ready(Err(_)) if self.reply.is_done() => {
                    return Poll::Ready((self.end_of_connection(), false));
                }
                Poll::Ready(Err(lost)) => {
                    let end = lost.end(&self.flight, self.send_error.take());
                    return Poll::Ready((end, false));
                }
                Poll::Pending => return self.poll_limits().map(|end| (end, false)),
            }
        }
        self.flight.local.handle.poll_again();
        self.poll_limits().map(|end| (end, false))
    }

    /// Sets the limit of the next read.
    fn expect_more(&mut self) {
        let (shared, handle) = (&self.flight.local.shared, &self.flight.local.handle);
        let limit = if self.reply.is_done() {
            Some((DONE_GRACE, "the end of the reply"))
        } else {
            let idle = shared.limits.idle.map(Seconds::to_duration);
            idle.map(|limit| (limit, "nothing more of the reply"))
        };
        self.next = limit.map(|(limit, what)| (handle.sleep(limit), limit, what));
    }

    /// The end that a limit brings.
    fn poll_limits(&mut self) -> Poll<End> {
        if let Some((sleep, limit, what)) = &mut self.next
            && sleep.poll_until().is_ready()
        {
            if self.reply.is_done() {
                return Poll::Ready(self.end_of_connection());
            }
            let message = format!("{what} within {} s", limit.as_secs_f64());
            return Poll::Ready(End::failed(Outcome::Timeout, message));
        }
        if let Some((sleep, after)) = &mut self.cancel
            && sleep.poll_until().is_ready()
        {
            let message = format!("given up {} s after it was sent", after.as_secs_f64());
            return Poll::Ready(End::failed(Outcome::Cancelled, message));
        }
        ready!(self.over.poll_until());
        Poll::Ready(self.flight.over())
    }

    /// The end of a connection over which nothing more has to come.
    fn end_of_connection(&mut self) -> End {
        let now = self.flight.local.now();
        match self.reply.closed(now, &mut self.flight.trace) {
            State::Ended { end, .. } => end,
            State::Going => End::ok(),
        }
    }
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
