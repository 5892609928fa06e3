//! What can be seen of a run while it goes on. Reports are made from the records.

use std::sync::atomic::{AtomicU64, Ordering};

use bench_contract::{Outcome, RequestRecord};
use bench_report::TokenRead;

use super::live_histogram::LiveHistogram;

/// Counts over all workers and stages, warm-up included.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests sent, or tried to be.
    pub sent: AtomicU64,
    /// Requests that have ended, by outcome in the order of [`Outcome::ALL`].
    ended: [AtomicU64; Outcome::ALL.len()],
    cancelled_as_planned: AtomicU64,
    /// Output tokens of requests that have ended.
    pub tokens: AtomicU64,
    /// Connections opened.
    pub connections: AtomicU64,
    /// Sockets that this machine could not give.
    pub socket_errors: AtomicU64,
    in_flight: AtomicU64,
    in_flight_max: AtomicU64,
    /// `ttft` of requests that have ended with one.
    pub ttft: LiveHistogram,
    /// `chunk_gap` of requests that have ended.
    pub chunk_gap: LiveHistogram,
    /// `schedule_delay` of requests that have ended.
    pub schedule_delay: LiveHistogram,
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

    /// One request fewer is in flight: it has ended so, after `reads` that brought tokens.
    pub fn land(&self, record: &RequestRecord, reads: &[TokenRead]) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.end(record.outcome);
        if record.is_cancelled_as_planned() {
            Self::add(&self.cancelled_as_planned, 1);
        }
        Self::add(&self.tokens, record.output_tokens.unwrap_or(0).into());
        if let Some(dispatched) = record.dispatched_ns {
            let delay = dispatched.saturating_sub(record.scheduled_ns);
            self.schedule_delay.record(delay, 1);
        }
        if record.cancel_after_ns.is_some() {
            // In no latency, as in reports.
            return;
        }
        if let Some((sent, first)) = record.sent_ns.zip(record.first_token_ns) {
            self.ttft.record(first.saturating_sub(sent), 1);
        }
        // Events of one read follow each other without a gap.
        let together: u64 = reads.iter().map(|read| u64::from(read.events) - 1).sum();
        self.chunk_gap.record(0, together);
        let gaps = reads.windows(2).map(|pair| pair[1].at_ns - pair[0].at_ns);
        self.chunk_gap.record_all(gaps);
    }

    /// A request that was never in flight has failed.
    pub fn fail(&self, outcome: Outcome) {
        Self::add(&self.sent, 1);
        self.end(outcome);
    }

    fn end(&self, outcome: Outcome) {
        let place = Outcome::ALL.iter().position(|&other| other == outcome);
        if let Some(counter) = place.and_then(|place| self.ended.get(place)) {
            Self::add(counter, 1);
        }
    }

    /// How many requests have ended, by outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL
            .into_iter()
            .zip(self.ended.iter().map(Self::read))
    }

    /// How many requests have ended, and how many of them failed: what `load.cancel` asked for is no failure.
    #[must_use]
    pub fn ended_and_failed(&self) -> (u64, u64) {
        let planned = Self::read(&self.cancelled_as_planned);
        let (ended, failed) = self
            .outcomes()
            .fold((0, 0), |(ended, failed), (outcome, n)| {
                let bad = if outcome == Outcome::Ok { 0 } else { n };
                (ended + n, failed + bad)
            });
        (ended, failed.saturating_sub(planned))
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
