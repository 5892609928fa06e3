//! Gaps between the tokens of a request, pooled over the requests of a stage.

use bench_contract::{GapCounts, Metric, Outcome, RequestRecord, TokenGaps, TokenSource};

use crate::histogram::DurationHistogram;
use crate::settings::Settings;
use crate::{StageCollector, TokenRead};

/// Numbers of a stage's buckets beyond which a report goes without them: some 40 KB.
const MOST_NUMBERS: usize = 12_000;

/// `chunk_gap` and `itl` of a stage. A gap that is both, as where each event is one token, is counted once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gaps {
    both: Lazy,
    chunk_only: Lazy,
    itl_only: Lazy,
    /// `chunk_gap` of requests that failed: inference-perf leaves them out.
    chunk_of_failed: Lazy,
}

/// How many gaps of one request there are, and how many of them are above a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) count: u32,
    pub(crate) above: u32,
}

/// The objectives of `settings` on pooled metrics, with their limits in seconds; a request has one [`Share`] for each.
pub(crate) fn pooled_limits(settings: &Settings) -> Vec<(Metric, f64)> {
    let limits = settings.slos.iter().filter_map(|slo| {
        let metric = slo.metric.latency().filter(|metric| metric.is_pooled())?;
        Some((metric, slo.max?.get()))
    });
    limits.collect()
}

impl Gaps {
    /// Adds the gaps of one request, and its shares above `limits` to `shares`.
    pub(crate) fn record(
        &mut self,
        record: &RequestRecord,
        reads: &[TokenRead],
        limits: &[(Metric, f64)],
        shares: &mut Vec<Share>,
    ) {
        let kind = Kind::of(record, reads);
        let first_share = shares.len();
        shares.extend(limits.iter().map(|_| Share::default()));
        let shares = &mut shares[first_share..];
        let mut count = |metric: Metric, ns: u64, times: u64| {
            for (share, &(limited, limit)) in shares.iter_mut().zip(limits) {
                if limited == metric {
                    let times = u32::try_from(times).unwrap_or(u32::MAX);
                    share.count = share.count.saturating_add(times);
                    if ns as f64 / 1e9 > limit {
                        share.above = share.above.saturating_add(times);
                    }
                }
            }
        };
        let chunk = match (kind, is_ok(record)) {
            (Kind::Even, true) => self.both.get(),
            (_, true) => self.chunk_only.get(),
            (_, false) => self.chunk_of_failed.get(),
        };
        let mut before = None;
        for read in reads {
            let events = u64::from(read.events.max(1));
            let gap = before.map(|at| read.at_ns.saturating_sub(at));
            // Events of one read share its instant.
            for (ns, times) in [
                (gap.unwrap_or(0), u64::from(gap.is_some())),
                (0, events - 1),
            ] {
                chunk.record(ns, times);
                count(Metric::ChunkGap, ns, times);
                if kind == Kind::Even {
                    count(Metric::Itl, ns, times);
                }
            }
            before = Some(read.at_ns);
        }
        if kind == Kind::Even && !is_ok(record) || kind == Kind::TokensKnown {
            let itl = self.itl_only.get();
            for (ns, times) in token_gaps(record, reads, kind) {
                itl.record(ns, times);
                if kind == Kind::TokensKnown {
                    count(Metric::Itl, ns, times);
                }
            }
        }
    }

    /// Adds the gaps of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        self.both.add(&other.both);
        self.chunk_only.add(&other.chunk_only);
        self.itl_only.add(&other.itl_only);
        self.chunk_of_failed.add(&other.chunk_of_failed);
    }

    /// All gaps of a pooled metric.
    pub(crate) fn of(&self, metric: Metric) -> DurationHistogram {
        match metric {
            Metric::Itl => sum(&[&self.both, &self.itl_only]),
            _ => sum(&[&self.both, &self.chunk_only, &self.chunk_of_failed]),
        }
    }

    /// What a report holds of them; none without any, and where that would be more than a report should.
    pub(crate) fn counts(&self) -> Option<TokenGaps> {
        let counts = self.all_counts();
        let parts = [
            &counts.both,
            &counts.chunk_only,
            &counts.itl_only,
            &counts.chunk_of_failed,
        ];
        let numbers: usize = parts
            .iter()
            .copied()
            .flatten()
            .map(|part| part.buckets.len())
            .sum();
        (1..=MOST_NUMBERS).contains(&numbers).then_some(counts)
    }

    /// All of them, however many buckets there are.
    pub(crate) fn all_counts(&self) -> TokenGaps {
        TokenGaps {
            both: self.both.counts(),
            chunk_only: self.chunk_only.counts(),
            itl_only: self.itl_only.counts(),
            chunk_of_failed: self.chunk_of_failed.counts(),
        }
    }

    /// The gaps that a report holds; none where it is damaged.
    pub(crate) fn from_counts(counts: &TokenGaps) -> Option<Self> {
        Some(Self {
            both: Lazy::from_counts(counts.both.as_ref())?,
            chunk_only: Lazy::from_counts(counts.chunk_only.as_ref())?,
            itl_only: Lazy::from_counts(counts.itl_only.as_ref())?,
            chunk_of_failed: Lazy::from_counts(counts.chunk_of_failed.as_ref())?,
        })
    }

    /// The gaps between token events of several stages' successful requests.
    pub(crate) fn of_successes(collectors: &[&StageCollector]) -> DurationHistogram {
        let parts: Vec<&Lazy> = collectors
            .iter()
            .flat_map(|collector| [&collector.gaps().both, &collector.gaps().chunk_only])
            .collect();
        sum(&parts)
    }
}

/// What is known about the tokens of a request's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As many events as tokens: each gap between events is one between tokens.
    Even,
    /// How many tokens each read brought.
    TokensKnown,
    /// Neither.
    Unknown,
}

impl Kind {
    fn of(record: &RequestRecord, reads: &[TokenRead]) -> Self {
        // Without a complete reply, a count of events says nothing about tokens.
        let counted = is_ok(record) || record.token_source != Some(TokenSource::Events);
        if counted && record.output_tokens == Some(record.events) {
            Self::Even
        } else if !reads.is_empty() && reads.iter().all(|read| read.tokens > 0) {
            Self::TokensKnown
        } else {
            Self::Unknown
        }
    }
}

fn is_ok(record: &RequestRecord) -> bool {
    record.outcome == Outcome::Ok
}

/// Gaps over the tokens of their event, each as often as the event has tokens; the first event has no gap. Where a read
/// brought several events, its tokens are taken to be spread evenly over them, and all but the first event follow at once.
fn token_gaps(
    record: &RequestRecord,
    reads: &[TokenRead],
    kind: Kind,
) -> impl Iterator<Item = (u64, u64)> {
    let mut before = None;
    let first_event = record.first_event_tokens.map(u64::from);
    reads.iter().flat_map(move |read| {
        let events = u64::from(read.events.max(1));
        let tokens = if kind == Kind::Even {
            events
        } else {
            u64::from(read.tokens).max(1)
        };
        let leading = tokens.div_ceil(events).max(1);
        let gap = before.map(|at| read.at_ns.saturating_sub(at));
        before = Some(read.at_ns);
        match gap {
            Some(gap) => [
                ((gap + leading / 2) / leading, leading),
                (0, tokens - leading),
            ],
            None => [
                (0, 0),
                (0, tokens.saturating_sub(first_event.unwrap_or(leading))),
            ],
        }
    })
}

/// A histogram that takes no memory before its first sample.
#[derive(Clone, Debug, Default, PartialEq)]
struct Lazy(Option<Box<DurationHistogram>>);

impl Lazy {
    fn counts(&self) -> Option<GapCounts> {
        self.0.as_deref().and_then(DurationHistogram::counts)
    }

    fn from_counts(counts: Option<&GapCounts>) -> Option<Self> {
        match counts {
            None => Some(Self(None)),
            Some(counts) => Some(Self(Some(Box::new(DurationHistogram::from_counts(
                counts,
            )?)))),
        }
    }

    fn get(&mut self) -> &mut DurationHistogram {
        self.0
            .get_or_insert_with(|| Box::new(DurationHistogram::new()))
    }

    fn add(&mut self, other: &Self) {
        if let Some(other) = other.0.as_deref().filter(|other| other.count() > 0) {
            self.get().add(other);
        }
    }
}

fn sum(parts: &[&Lazy]) -> DurationHistogram {
    let mut sum = DurationHistogram::new();
    for part in parts.iter().filter_map(|part| part.0.as_deref()) {
        sum.add(part);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    fn gaps(record: &RequestRecord, reads: &[(u64, u32, u32)]) -> Gaps {
        let reads: Vec<TokenRead> = reads
            .iter()
            .map(|&(at_ns, events, tokens)| TokenRead {
                at_ns,
                events,
                tokens,
            })
            .collect();
        let mut gaps = Gaps::default();
        gaps.record(record, &reads, &[], &mut Vec::new());
        gaps
    }

    #[test]
    fn one_token_an_event_makes_itl_the_chunk_gap() {
        let mut record = record(0);
        (record.events, record.output_tokens) = (4, Some(4));
        let gaps = gaps(&record, &[(100, 1, 0), (200, 2, 0), (500, 1, 0)]);
        let itl = gaps.of(Metric::Itl);
        assert_eq!(itl, gaps.of(Metric::ChunkGap));
        // 100, 0 (the second event of the read), 300.
        assert_eq!(
            (itl.count(), itl.max(), itl.min()),
            (3, Some(300e-9), Some(0.0))
        );
    }

    #[test]
    fn known_tokens_share_the_gap_of_their_event() {
        let mut record = record(0);
        (
            record.events,
            record.output_tokens,
            record.first_event_tokens,
        ) = (3, Some(7), Some(2));
        let gaps = gaps(&record, &[(100, 1, 2), (400, 1, 3), (600, 1, 2)]);
        let (chunk, itl) = (gaps.of(Metric::ChunkGap), gaps.of(Metric::Itl));
        assert_eq!((chunk.count(), chunk.max()), (2, Some(300e-9)));
        assert_eq!(
            (itl.count(), itl.max(), itl.mean()),
            (5, Some(100e-9), Some(100e-9))
        );
    }

    #[test]
    fn unknown_tokens_have_no_itl() {
        let mut record = record(0);
        (record.events, record.output_tokens) = (3, Some(7));
        let gaps = gaps(&record, &[(100, 1, 0), (400, 1, 0), (600, 1, 0)]);
        assert_eq!(
            (
                gaps.of(Metric::ChunkGap).count(),
                gaps.of(Metric::Itl).count()
            ),
            (2, 0)
        );
    }

    #[test]
    fn a_failed_request_keeps_its_chunk_gaps_and_guesses_no_tokens() {
        let mut record = record(0);
        (record.events, record.output_tokens) = (2, Some(2));
        (record.outcome, record.token_source) = (Outcome::Truncated, Some(TokenSource::Events));
        let gaps = gaps(&record, &[(100, 1, 0), (400, 1, 0)]);
        assert_eq!(
            (
                gaps.of(Metric::ChunkGap).count(),
                gaps.of(Metric::Itl).count()
            ),
            (1, 0)
        );
    }
}
