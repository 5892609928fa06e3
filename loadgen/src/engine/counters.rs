//! What the progress line shows while the run goes on.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts over all workers. They are for people to watch; reports are made from the records.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests sent, or tried to be.
    pub sent: AtomicU64,
    /// Requests that have ended.
    pub ended: AtomicU64,
    /// Requests that ended and did not succeed.
    pub failed: AtomicU64,
    /// Output tokens of requests that have ended.
    pub tokens: AtomicU64,
    /// Sum of the TTFT of requests that have ended with one, in nanoseconds.
    pub ttft_sum_ns: AtomicU64,
    /// How many those are.
    pub ttft_count: AtomicU64,
    /// Connections opened.
    pub connections: AtomicU64,
    /// Sockets that this machine could not give.
    pub socket_errors: AtomicU64,
    in_flight: AtomicU64,
    in_flight_max: AtomicU64,
}

impl Counters {
    /// Adds to one of the counters.
    pub fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// Reads one of the counters.
    #[must_use]
    pub fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    /// One more request is in flight.
    pub fn take_off(&self) {
        Self::add(&self.sent, 1);
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.in_flight_max.fetch_max(now, Ordering::Relaxed);
    }

    /// One request fewer is in flight.
    pub fn land(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        Self::add(&self.ended, 1);
    }

    /// Requests in flight.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        Self::read(&self.in_flight)
    }

    /// The most requests in flight at once since the last call.
    #[must_use]
    pub fn take_in_flight_max(&self) -> u64 {
        self.in_flight_max.swap(self.in_flight(), Ordering::Relaxed)
    }
}
