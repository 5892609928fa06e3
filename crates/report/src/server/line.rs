//! Who answers at an address, and how far its counters have come.

use super::{Counter, ServerRead, ServerReads};

/// A counter that falls so often is not of servers that start anew: several answer in turn.
const MOST_RESETS: usize = 3;

/// Within so long after a stage's time zero the server has not put out anything that counts, in nanoseconds.
pub(super) const GRACE_NS: u64 = 100_000_000;

/// An edge of a stage that no read marks counts as known where the reads around it are this near, as a share of the stage.
const NEAR: f64 = 0.005;

/// The reads of one server, or of one after the other at one address.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) source: usize,
    pub(super) reads: Vec<&'a ServerRead>,
    /// Processes that it is known to be of.
    pub(super) instances: u64,
    /// Whether others answer at its address in turn.
    pub(super) is_shared: bool,
    /// Whether it is of several servers that nothing tells apart.
    pub(super) is_mixed: bool,
    /// For each counter, how far it has come since the first read, at each read; none where it was never seen.
    grown: [Option<Vec<f64>>; Counter::ALL.len()],
}

/// The servers behind all addresses.
pub(super) fn lines(reads: &ServerReads) -> Vec<Line<'_>> {
    let of_source = |source: usize| {
        let all = reads.reads.iter();
        all.filter(move |read| read.source == source)
    };
    let sources = 0..reads.sources.len();
    sources
        .flat_map(|source| lines_of(source, of_source(source).collect()))
        .collect()
}

fn lines_of(source: usize, reads: Vec<&ServerRead>) -> Vec<Line<'_>> {
    if reads.is_empty() {
        return Vec::new();
    }
    let identity = |read: &ServerRead| read.values.started.map(f64::to_bits);
    let mut processes: Vec<Option<u64>> = Vec::new();
    let mut has_returned = false;
    let mut last = None;
    for read in &reads {
        let found = identity(read);
        if last.is_some_and(|last| last != found) {
            has_returned |= processes.contains(&found);
        }
        if !processes.contains(&found) {
            processes.push(found);
        }
        last = Some(found);
    }
    let is_told = processes.iter().all(Option::is_some);
    if is_told && has_returned {
        let one = |process: &Option<u64>| {
            let own = reads.iter().copied();
            let own = own.filter(|read| identity(read) == *process).collect();
            Line::new(source, own, 1, true)
        };
        return processes.iter().map(one).collect();
    }
    let instances = if is_told { processes.len() as u64 } else { 1 };
    vec![Line::new(source, reads, instances, false)]
}

impl<'a> Line<'a> {
    fn new(source: usize, reads: Vec<&'a ServerRead>, instances: u64, is_shared: bool) -> Self {
        let resets: Vec<bool> = std::iter::once(false)
            .chain(reads.windows(2).map(|pair| starts_anew(pair[0], pair[1])))
            .collect();
        let falls = resets.iter().filter(|reset| **reset).count();
        // A process that names its start may start as often as it likes.
        let is_mixed = falls >= MOST_RESETS && reads[0].values.started.is_none();
        let grown = Counter::ALL.map(|counter| grown(&reads, &resets, counter));
        Self {
            source,
            instances,
            is_shared,
            is_mixed,
            grown: if is_mixed { Default::default() } else { grown },
            reads,
        }
    }

    /// Whether it was there at some time between two instants.
    pub(super) fn was_there(&self, from_ns: f64, to_ns: f64) -> bool {
        let first = self.reads.first().map_or(f64::INFINITY, |read| at(read));
        let last = self.reads.last().map_or(0.0, |read| at(read));
        first < to_ns && last > from_ns
    }

    /// How far a counter has come at an instant, between reads by the time that has passed; none where it was never seen.
    fn grown_at(&self, counter: Counter, instant_ns: f64) -> Option<f64> {
        let grown = self.grown[counter as usize].as_ref()?;
        let after = self.reads.partition_point(|read| at(read) < instant_ns);
        let Some(before) = after.checked_sub(1) else {
            return grown.first().copied();
        };
        let (Some(next), Some(to)) = (self.reads.get(after), grown.get(after)) else {
            return grown.last().copied();
        };
        let (from, start) = (grown[before], at(self.reads[before]));
        let passed = (instant_ns - start) / (at(next) - start).max(1.0);
        Some(from + (to - from) * passed)
    }

    /// Where the increase over a stage is read: see [`Span`].
    pub(super) fn edges(&self, span: Span) -> (Edge, Edge) {
        let near = |instant_ns: u64| {
            let after = self.reads.partition_point(|read| read.at_ns() < instant_ns);
            let around = after.checked_sub(1).zip(self.reads.get(after));
            let is_near = around.is_some_and(|(before, next)| {
                let apart = next.at_ns() - self.reads[before].at_ns();
                apart as f64 <= NEAR * span.end_ns.saturating_sub(span.origin_ns) as f64
            });
            Edge::Between(instant_ns as f64, is_near)
        };
        let start = self.reads.iter().rposition(|read| {
            read.begin_ns >= span.quiet_from_ns && read.end_ns <= span.origin_ns + GRACE_NS
        });
        let end = self
            .reads
            .iter()
            .position(|read| read.begin_ns >= span.end_ns && read.end_ns <= span.quiet_to_ns);
        (
            start.map_or_else(|| near(span.origin_ns), Edge::Read),
            end.map_or_else(|| near(span.end_ns), Edge::Read),
        )
    }

    /// How far a counter has come at the edge of a stage.
    pub(super) fn grown_to(&self, counter: Counter, edge: Edge) -> Option<f64> {
        match edge {
            Edge::Read(place) => self.grown[counter as usize].as_ref()?.get(place).copied(),
            Edge::Between(instant_ns, _) => self.grown_at(counter, instant_ns),
        }
    }
}

/// A stage, and the time around it in which nothing is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The stage before has ended.
    pub(super) quiet_from_ns: u64,
    pub(super) origin_ns: u64,
    /// The last request has ended.
    pub(super) end_ns: u64,
    /// The next stage puts out tokens.
    pub(super) quiet_to_ns: u64,
}

/// Where a counter is read at the edge of a stage.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edge {
    /// At a read when nothing was sent, so that it counts what the client counts.
    Read(usize),
    /// Between two reads, and whether these are near.
    Between(f64, bool),
}

impl Edge {
    pub(super) fn is_known(self) -> bool {
        match self {
            Self::Read(_) => true,
            Self::Between(_, is_near) => is_near,
        }
    }
}

/// How far a counter has come between two instants, over all servers that were there; none where it is not known.
pub(super) fn increase(
    lines: &[Line<'_>],
    counter: Counter,
    from_ns: f64,
    to_ns: f64,
) -> Option<f64> {
    let there = lines.iter().filter(|line| line.was_there(from_ns, to_ns));
    let parts = there
        .filter_map(|line| Some(line.grown_at(counter, to_ns)? - line.grown_at(counter, from_ns)?));
    parts.reduce(|a, b| a + b)
}

fn at(read: &ServerRead) -> f64 {
    read.at_ns() as f64
}

/// Whether a process has started between two reads.
fn starts_anew(before: &ServerRead, now: &ServerRead) -> bool {
    let (before, now) = (&before.values, &now.values);
    let falls = |(before, now): (&Option<f64>, &Option<f64>)| matches!((before, now), (Some(before), Some(now)) if now < before);
    before.started != now.started || before.counters.iter().zip(&now.counters).any(falls)
}

fn grown(reads: &[&ServerRead], resets: &[bool], counter: Counter) -> Option<Vec<f64>> {
    let (mut total, mut before, mut is_known) = (0.0, None, false);
    let mut grown = Vec::with_capacity(reads.len());
    for (place, (read, reset)) in reads.iter().zip(resets).enumerate() {
        let now = read.values.counter(counter);
        total += match (before.filter(|_| !reset), now) {
            (Some(before), Some(now)) => f64::max(now - before, 0.0),
            // Many counters show up when they first count something; what the first read says was there before the run.
            (None, Some(now)) if place > 0 => now,
            (_, _) => 0.0,
        };
        is_known |= now.is_some();
        before = now;
        grown.push(total);
    }
    is_known.then_some(grown)
}
