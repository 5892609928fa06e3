//! What the server says of itself: from reads of its `/metrics` to series over time and figures for each stage.
//!
//! Values that go up and down are added over all servers, or averaged, as they are read. Counters count from a server's
//! start, so only their increase says something: it is taken for each process that answers, and one that starts anew counts
//! from 0 again.

mod gauges;
mod line;
mod shards;
mod stage;

use bench_contract::{
    MetricsKind, MetricsSource, ServerMetrics, ServerSeries, StageReport, TimeSeries,
};

use crate::format::digits;

use gauges::{Bins, Combined, Of, gauge};
use line::{Line, lines};

pub(crate) use shards::of_shards;

/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

/// A number that a server only ever adds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Running requests that were put back.
    Preemptions,
    /// Prompt tokens that were looked up in the prefix cache.
    CacheQueries,
    /// Those of them that were found.
    CacheHits,
    /// Prompt tokens.
    PromptTokens,
    /// Output tokens.
    GenerationTokens,
}

impl Counter {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [
        Self::Preemptions,
        Self::CacheQueries,
        Self::CacheHits,
        Self::PromptTokens,
        Self::GenerationTokens,
    ];
}

/// Use of the KV cache on one page, each engine's share in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KvUsage {
    /// Mean over the engines.
    pub mean: f64,
    /// The fullest.
    pub max: f64,
    /// How many engines the page is of.
    pub engines: u32,
}

/// What one page says, added over the engines that it is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerValues {
    /// Whose names it has.
    pub kind: MetricsKind,
    /// When the process started, in seconds since the Unix epoch: tells processes apart that answer at one address.
    pub started: Option<f64>,
    /// Requests in the running batch.
    pub running: Option<f64>,
    /// Requests that wait for a place in it.
    pub waiting: Option<f64>,
    /// Use of the KV cache.
    pub kv_usage: Option<KvUsage>,
    /// Rate of prefix cache hits as the server itself reckons it; used where it has no counters.
    pub hit_rate: Option<f64>,
    /// Counters, in the order of [`Counter::ALL`].
    pub counters: [Option<f64>; Counter::ALL.len()],
}

impl ServerValues {
    /// Nothing but whose names were found.
    #[must_use]
    pub fn of(kind: MetricsKind) -> Self {
        Self {
            kind,
            started: None,
            running: None,
            waiting: None,
            kv_usage: None,
            hit_rate: None,
            counters: [None; Counter::ALL.len()],
        }
    }

    /// One of the counters.
    #[must_use]
    pub fn counter(&self, counter: Counter) -> Option<f64> {
        self.counters[counter as usize]
    }
}

/// A page that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerRead {
    /// Which of the sources.
    pub source: usize,
    /// When it was asked for, in nanoseconds from the run's origin.
    pub begin_ns: u64,
    /// When it was there.
    pub end_ns: u64,
    /// What it says.
    pub values: ServerValues,
}

impl ServerRead {
    /// About when the server wrote it.
    fn at_ns(&self) -> u64 {
        self.begin_ns + self.end_ns.saturating_sub(self.begin_ns) / 2
    }
}

/// All that was read in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerReads {
    /// Time between two reads, in seconds.
    pub interval_s: f64,
    /// Where.
    pub sources: Vec<MetricsSource>,
    /// What could not be read, in sentences.
    pub problems: Vec<String>,
    /// The pages of each source in the order in which they came.
    pub reads: Vec<ServerRead>,
    /// When the warm-up had ended, in nanoseconds from the run's origin; 0 without one.
    pub warmed_up_ns: u64,
}

/// The server's metrics over the bins of `series` and over `stages`, each with the output tokens that came to the client.
#[must_use]
pub fn server_metrics(
    reads: &ServerReads,
    stages: &[(&StageReport, u64)],
    series: Option<&TimeSeries>,
) -> ServerMetrics {
    let lines = lines(reads);
    let mut sources = reads.sources.clone();
    let mut problems = reads.problems.clone();
    for (number, source) in sources.iter_mut().enumerate() {
        let of_source = || lines.iter().filter(|line| line.source == number);
        source.instances = of_source().map(|line| line.instances).sum();
        if of_source().any(|line| line.is_mixed) {
            problems.push(format!(
                "several servers answer in turn at {}, and nothing tells them apart, so that their counters are left out: name each of them in metrics.urls",
                name(source)
            ));
        } else if of_source().count() > 1 {
            problems.push(format!(
                "{} servers answer in turn at {}: each read is of one of them, and the others are taken to be as they were last; name each of them in metrics.urls",
                source.instances,
                name(source)
            ));
        }
    }
    // Of a server that nobody reads, counts are missing.
    let all_read = !reads.sources.is_empty() && reads.sources.iter().all(|one| one.reads > 0);
    ServerMetrics {
        kind: reads.reads.first().map(|read| read.values.kind),
        interval_s: reads.interval_s,
        series: series
            .filter(|_| !lines.is_empty())
            .map(|series| over_time(&lines, reads.interval_s, series)),
        stages: if lines.is_empty() {
            Vec::new()
        } else {
            stage::stages(&lines, reads, stages, all_read)
        },
        sources,
        problems,
    }
}

/// What a source is called.
fn name(source: &MetricsSource) -> String {
    match &source.address {
        Some(address) => format!("{} ({address})", source.url),
        None => source.url.clone(),
    }
}

fn over_time(lines: &[Line<'_>], interval_s: f64, series: &TimeSeries) -> ServerSeries {
    let width_s = series.width_s.max(1);
    let bins = Bins {
        from_ns: series.start_s as f64 * SECOND,
        width_ns: width_s as f64 * SECOND,
        count: series.scheduled.len(),
    };
    let of = |of: Of, pick: fn(Combined) -> f64| {
        unless_none(gauge(lines, of, bins, interval_s).into_iter().map(|bin| {
            let bin = bin?;
            Some(digits(pick(bin)))
        }))
    };
    let increase = |counter: Counter| -> Vec<Option<f64>> {
        let bins = (0..bins.count).map(|place| bins.edges(place));
        bins.map(|(from, to)| line::increase(lines, counter, from, to))
            .collect()
    };
    let hits = increase(Counter::CacheHits);
    let prefix_hit_rate = if hits.iter().any(Option::is_some) {
        let queries = increase(Counter::CacheQueries);
        unless_none(hits.iter().zip(queries).map(|(hits, queries)| {
            let queries = queries.filter(|queries| *queries > 0.0)?;
            Some(digits((hits.unwrap_or(0.0) / queries).min(1.0)))
        }))
    } else {
        of(Of::HitRate, |bin| bin.mean)
    };
    let counted = |counter: Counter| unless_none(increase(counter).into_iter().map(round));
    ServerSeries {
        start_s: series.start_s,
        width_s,
        running: of(Of::Running, |bin| bin.mean),
        waiting: of(Of::Waiting, |bin| bin.mean),
        kv_usage: of(Of::KvUsage, |bin| bin.mean),
        kv_usage_max: of(Of::KvUsage, |bin| bin.greatest),
        prefix_hit_rate,
        preemptions: counted(Counter::Preemptions),
        generation_tokens: counted(Counter::GenerationTokens),
    }
}

fn round(value: Option<f64>) -> Option<f64> {
    value.map(digits)
}

/// Nothing where all entries would be null.
fn unless_none(list: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    let list: Vec<Option<f64>> = list.collect();
    match list.iter().any(Option::is_some) {
        true => list,
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
