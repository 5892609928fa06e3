//! What the server counts while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::faults::{Fault, FaultCounts};
use crate::histogram::{FixedHistogram, LogHistogram, quantile};
use crate::truth::Record;

/// Upper bounds in seconds, as vLLM has them for its time to first token.
const TTFT_BOUNDS: &[f64] = &[
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
];
/// Upper bounds in seconds, as vLLM has them for whole requests.
const REQUEST_BOUNDS: &[f64] = &[
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0,
    480.0, 960.0, 1920.0, 7680.0,
];

/// The counts of one worker. It alone writes them; anybody may read.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) connections: Count,
    pub(crate) connections_closed: Count,
    pub(crate) requests: Count,
    pub(crate) prompt_tokens: Count,
    /// Prompt tokens of requests whose service has begun: each is looked up in the prefix cache, and held.
    pub(crate) cache_queries: Count,
    /// Those of them that were found there.
    pub(crate) cache_hits: Count,
    /// Tokens, of prompts and replies, that are held no longer.
    pub(crate) released: Count,
    pub(crate) tokens: Count,
    pub(crate) events: Count,
    pub(crate) finished_length: Count,
    pub(crate) finished_stop: Count,
    pub(crate) aborted: Count,
    pub(crate) client_closed: Count,
    pub(crate) faults: [Count; 7],
    /// How much later than due each write of tokens began, ns.
    pub(crate) lateness: LogHistogram,
    /// Arrival to first token, ns.
    pub(crate) ttft: FixedHistogram,
    /// Arrival to end, ns.
    pub(crate) e2e: FixedHistogram,
    /// Arrival to start of service, ns.
    pub(crate) queue: FixedHistogram,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            connections: Count::default(),
            connections_closed: Count::default(),
            requests: Count::default(),
            prompt_tokens: Count::default(),
            cache_queries: Count::default(),
            cache_hits: Count::default(),
            released: Count::default(),
            tokens: Count::default(),
            events: Count::default(),
            finished_length: Count::default(),
            finished_stop: Count::default(),
            aborted: Count::default(),
            client_closed: Count::default(),
            faults: Default::default(),
            lateness: LogHistogram::new(),
            ttft: FixedHistogram::new(TTFT_BOUNDS),
            e2e: FixedHistogram::new(REQUEST_BOUNDS),
            queue: FixedHistogram::new(REQUEST_BOUNDS),
        }
    }

    /// A request that was served holds nothing any more.
    pub(crate) fn release(&self, record: &Record) {
        self.released
            .add(u64::from(record.prompt_tokens) + record.tokens);
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.faults[fault as usize].add(1);
    }
}

/// Sums one count over all workers.
pub(crate) fn total(workers: &[Counters], count: impl Fn(&Counters) -> &Count) -> u64 {
    workers.iter().map(|worker| count(worker).get()).sum()
}

/// What the server has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimStats {
    /// Requests seen: all but GET and HEAD, whatever became of them; equals the lines of the truth log once all have ended.
    pub requests: u64,
    /// Requests being served now.
    pub running: u64,
    /// Requests waiting for a place now.
    pub waiting: u64,
    /// Connections accepted so far.
    pub connections: u64,
    /// Connections open now.
    pub connections_open: u64,
    /// Reply tokens written.
    pub tokens: u64,
    /// SSE events with tokens written.
    pub events: u64,
    /// Requests whose client left before the end.
    pub client_closed: u64,
    /// Faults that struck, by kind.
    pub faults: FaultCounts,
    /// How punctual the writes of tokens were.
    pub lateness: Lateness,
    /// The truth log could not be written to its end (a full disk, say).
    pub truth_failed: bool,
}

/// How much later than due the writes of tokens began, ns: the server's own error. Quantiles are upper bucket edges, at most
/// 1/16 too high; all are 0 without writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Writes counted.
    pub count: u64,
    /// Median, ns.
    pub p50_ns: u64,
    /// 99th percentile, ns.
    pub p99_ns: u64,
    /// 99.9th percentile, ns.
    pub p999_ns: u64,
    /// Largest, ns.
    pub max_ns: u64,
}

impl Lateness {
    fn of(workers: &[Counters]) -> Self {
        let mut counts = Vec::new();
        let max_ns = workers
            .iter()
            .map(|worker| worker.lateness.add_to(&mut counts))
            .max()
            .unwrap_or(0);
        let at = |p| quantile(&counts, p).min(max_ns);
        Self {
            count: counts.iter().sum(),
            p50_ns: at(0.5),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            max_ns,
        }
    }
}

/// Sums the workers' counts; `running`, `waiting` and `truth_failed` are the caller's to fill in.
pub(crate) fn sum(workers: &[Counters]) -> SimStats {
    let mut faults = [0; 7];
    for worker in workers {
        for (sum, count) in faults.iter_mut().zip(&worker.faults) {
            *sum += count.get();
        }
    }
    let connections = total(workers, |w| &w.connections);
    SimStats {
        requests: total(workers, |w| &w.requests),
        connections,
        connections_open: connections.saturating_sub(total(workers, |w| &w.connections_closed)),
        tokens: total(workers, |w| &w.tokens),
        events: total(workers, |w| &w.events),
        client_closed: total(workers, |w| &w.client_closed),
        faults: FaultCounts::from_array(faults),
        lateness: Lateness::of(workers),
        ..SimStats::default()
    }
}
