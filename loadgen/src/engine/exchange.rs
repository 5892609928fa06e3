//! One request on its way to the server: a connection, and its bytes on it.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bench_contract::Outcome;

use super::composer::Body;
use super::counters::Counters;
use super::flight::{Flight, Local};
use super::receive::receive;
use super::reply::End;
use crate::http::connect::{ConnectError, connect};
use crate::http::stream::Stream;

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
pub(super) fn launch(local: &Rc<Local>, body: Body) {
    let mut flight = Flight::dispatch(local, body);
    let idle = if local.shared.reuse {
        local.pool.take(local.now())
    } else {
        None
    };
    let Some(stream) = idle else {
        local.handle.spawn(begin(flight, None));
        return;
    };
    flight.reused = true;
    let mut begun = Begun::new(stream, &flight);
    match begun.write(&mut flight) {
        Ok(()) if begun.rest(&flight).is_empty() => receive(flight, begun.stream, None),
        // What fails now fails again in the task, which says so.
        _ => local.handle.spawn(begin(flight, Some(begun))),
    }
}

/// Connects, where that has to be, and writes.
async fn begin(mut flight: Flight, begun: Option<Begun>) {
    let (over_at, handle) = (flight.over_at(), flight.local.handle.clone());
    let begun = connect_and_write(&mut flight, begun);
    match handle.timeout_at(over_at, begun).await {
        Some(Ok((stream, send_error))) => receive(flight, stream, send_error),
        Some(Err(end)) => flight.end = Some(end),
        None => flight.end = Some(flight.over()),
    }
}

async fn connect_and_write(
    flight: &mut Flight,
    begun: Option<Begun>,
) -> Result<(Stream, Option<io::Error>), End> {
    let mut begun = match begun {
        Some(begun) => begun,
        None => Begun::new(open(flight).await?, flight),
    };
    let send_error = write(flight, &mut begun).await.err();
    Ok((begun.stream, send_error))
}

async fn open(flight: &mut Flight) -> Result<Stream, End> {
    let shared = &flight.local.shared;
    let limit = shared.limits.connect.to_duration();
    let begun = flight.local.now();
    let handle = &flight.local.handle;
    let address = match handle.timeout(limit, shared.addresses.next()).await {
        Some(Ok(address)) => address,
        Some(Err(error)) => return Err(End::failed(Outcome::ConnectError, error.to_string())),
        None => {
            let message = format!("no address of the server within {} s", limit.as_secs_f64());
            return Err(End::failed(Outcome::Timeout, message));
        }
    };
    let resolved = Duration::from_nanos(flight.local.now() - begun);
    let limit = limit.saturating_sub(resolved);
    let opened = connect(handle, address, shared.tls.as_ref(), limit).await;
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
        begun.stream.socket().writable().await;
        match begun.write(flight) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// How long requests that are in flight may go on once the run is asked to stop.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(20);
