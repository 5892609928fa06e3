//! Idle connections of one worker, the last used first.

use std::cell::RefCell;

use super::stream::Stream;

/// Servers close connections that idle for long (uvicorn, which vLLM uses, after 5 s), and a request that meets the close on
/// its way is lost. Younger connections only.
const MOST_IDLE_NS: u64 = 4_000_000_000;

/// A stack of idle connections, without a cap: it never holds more than were needed at once.
#[derive(Default)]
pub struct Pool {
    idle: RefCell<Vec<(Stream, u64)>>,
}

impl Pool {
    /// Takes the connection that was used last, if it is still open and young enough at `now` (ns).
    pub fn take(&self, now: u64) -> Option<Stream> {
        let mut idle = self.idle.borrow_mut();
        while let Some((stream, since)) = idle.pop() {
            if now.saturating_sub(since) > MOST_IDLE_NS {
                // Everything below is older still.
                idle.clear();
                return None;
            }
            if stream.is_quiet() {
                return Some(stream);
            }
        }
        None
    }

    /// Puts a connection back whose reply has ended cleanly at `now` (ns).
    pub fn put(&self, stream: Stream, now: u64) {
        self.idle.borrow_mut().push((stream, now));
    }
}
