//! The requests of one stage.

use std::collections::BTreeMap;
use std::sync::Arc;

use bench_contract::{
    Conversations, Counts, Health, Metric, Outcome, RequestRecord, StageLoad, StageReport,
};

use crate::errors::Errors;
use crate::flow::Flow;
use crate::gaps::{Gaps, Share, pooled_limits};
use crate::goodput::attained;
use crate::sample::Sample;
use crate::settings::Settings;
use crate::view::{Row, View};

/// Requests that are stored together: large enough to be cheap, and never copied when there are more.
const CHUNK: usize = 4096;

/// One socket read that brought token events, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenRead {
    /// When, in nanoseconds from the run's origin.
    pub at_ns: u64,
    /// Token events that it completed, at least 1.
    pub events: u32,
    /// Tokens of those events; 0 where that is not known.
    pub tokens: u32,
}

/// What a stage's report holds beside its requests.
#[derive(Clone, Debug, PartialEq)]
pub struct StageFacts {
    /// The stage's number, from 0.
    pub stage: u32,
    /// What was asked.
    pub load: StageLoad,
    /// The stage's time zero, in nanoseconds from the run's origin.
    pub origin_ns: u64,
    /// How well the generator did.
    pub health: Health,
    /// The instant up to which every request that was due is known, where not all of the plan is: a killed run leaves no
    /// record of what was in flight. In nanoseconds from the run's origin.
    pub known_until_ns: Option<u64>,
    /// What the run itself reported on this stage, where its requests are read from records: what it says of token gaps
    /// stands where it knew of more of them than the records hold.
    pub earlier: Option<Box<StageReport>>,
    /// The reports of single runs on this stage, where it pools several: what is of a run and not of its requests is theirs.
    pub repeats: Vec<StageReport>,
}

/// The requests of one stage, as one worker or shard saw them; those of several add up to those of the stage.
///
/// Each request takes about 110 bytes; token gaps go into histograms of fixed size, and over time into at most 600 small ones.
#[derive(Clone, Debug)]
pub struct StageCollector {
    settings: Arc<Settings>,
    /// Limits of objectives on token gaps.
    limits: Vec<(Metric, f64)>,
    counts: Counts,
    chunks: Vec<Chunk>,
    gaps: Gaps,
    /// The gaps as they are known from elsewhere, where the reads do not tell them, or only to the microsecond.
    known_gaps: Option<Gaps>,
    flow: Flow,
    errors: Errors,
    /// How many requests asked for each adapter.
    adapters: BTreeMap<String, u64>,
    conversations: Conversations,
    joints_ns: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Chunk {
    samples: Vec<Sample>,
    /// For each sample, one share for each objective on token gaps.
    shares: Vec<Share>,
}

impl StageCollector {
    /// No requests.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            limits: pooled_limits(&settings),
            settings,
            counts: Counts::default(),
            chunks: Vec::new(),
            gaps: Gaps::default(),
            known_gaps: None,
            flow: Flow::default(),
            errors: Errors::default(),
            adapters: BTreeMap::new(),
            conversations: Conversations::default(),
            joints_ns: Vec::new(),
        }
    }

    /// Says that another run begins with the requests that are due from this instant on: what stands before it and
    /// after it did not follow each other in time.
    pub(crate) fn begin_run(&mut self, at_ns: u64) {
        self.joints_ns.push(at_ns);
        self.joints_ns.sort_unstable();
    }

    /// Output tokens that came, those of requests that did not succeed included.
    #[must_use]
    pub fn output_tokens(&self) -> u64 {
        self.flow.tokens()
    }

    /// Adds one planned request, however it ended, with the reads that brought its tokens, in order.
    pub fn add(&mut self, record: &RequestRecord, reads: &[TokenRead]) {
        self.counts.add(record.outcome);
        if record.outcome != Outcome::Ok {
            self.errors.record(record, self.settings.max_error_messages);
        }
        if let Some(adapter) = &record.adapter {
            match self.adapters.get_mut(adapter) {
                Some(count) => *count += 1,
                None => drop(self.adapters.insert(adapter.clone(), 1)),
            }
        }
        self.converse(record);
        let mut sample = Sample::new(record);
        sample.attained = attained(&sample, &self.settings);
        let full = self
            .chunks
            .last()
            .is_none_or(|chunk| chunk.samples.len() >= CHUNK);
        if full {
            self.chunks.push(Chunk {
                samples: Vec::with_capacity(CHUNK),
                shares: Vec::new(),
            });
        }
        let Some(chunk) = self.chunks.last_mut() else {
            return;
        };
        chunk.samples.push(sample);
        // Gaps up to the instant at which a request is given up are no fair sample of gaps.
        let is_drawn = record.cancel_after_ns.is_some();
        self.flow.record(record, reads, !is_drawn);
        let reads = if is_drawn { &[] } else { reads };
        self.gaps
            .record(record, reads, &self.limits, &mut chunk.shares);
    }

    /// Counts a turn of a conversation.
    fn converse(&mut self, record: &RequestRecord) {
        let Some(turn) = record.turn.filter(|_| record.dispatched_ns.is_some()) else {
            return;
        };
        let counts = &mut self.conversations;
        counts.begun += u64::from(turn == 0);
        let is_last = record.turns.is_some_and(|turns| turn + 1 >= turns);
        match record.outcome {
            Outcome::Ok if is_last => counts.completed += 1,
            Outcome::Ok => {}
            _ => counts.failed += 1,
        }
    }

    /// How its conversations went, where its requests are turns of such.
    pub(crate) fn conversations(&self) -> Option<Conversations> {
        let Conversations {
            begun,
            completed,
            failed,
            ..
        } = self.conversations;
        (begun > 0).then(|| Conversations {
            cut: begun.saturating_sub(completed + failed),
            ..self.conversations
        })
    }

    /// Adds the requests of `other`, which was made with the same settings. Nothing is averaged: histograms add.
    pub fn merge(&mut self, mut other: Self) {
        self.counts.merge(&other.counts);
        self.chunks.append(&mut other.chunks);
        self.gaps.add(&other.gaps);
        self.flow.add(&other.flow);
        self.conversations.begun += other.conversations.begun;
        self.conversations.completed += other.conversations.completed;
        self.conversations.failed += other.conversations.failed;
        for (adapter, count) in other.adapters {
            *self.adapters.entry(adapter).or_default() += count;
        }
        self.errors
            .merge(other.errors, self.settings.max_error_messages);
    }

    /// Where the planned requests went.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The stage's report, with its objectives judged (corrected for their number within this stage; see
    /// [`correct`](crate::correct) for a run of several).
    #[must_use]
    pub fn report(&self, facts: &StageFacts) -> StageReport {
        StageReport {
            adapters: self.adapters.clone(),
            conversations: self.conversations(),
            ..crate::stage::report(&self.view(), &self.errors, facts)
        }
    }

    /// Places of the requests in the stage's plan, ascending.
    pub(crate) fn indices(&self) -> Vec<u64> {
        let mut indices: Vec<u64> = self.samples().map(|sample| sample.index).collect();
        indices.sort_unstable();
        indices
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The token gaps, as they are known best.
    pub(crate) fn gaps(&self) -> &Gaps {
        self.known_gaps.as_ref().unwrap_or(&self.gaps)
    }

    /// Says what the token gaps are, whatever the reads tell.
    pub(crate) fn know_gaps(&mut self, gaps: Gaps) {
        self.known_gaps = Some(gaps);
    }

    /// The same, unless the reads tell of more.
    pub(crate) fn know_gaps_at_least(&mut self, gaps: Gaps) {
        let is_more = |metric: Metric| gaps.of(metric).count() >= self.gaps.of(metric).count();
        if is_more(Metric::ChunkGap) && is_more(Metric::Itl) {
            self.know_gaps(gaps);
        }
    }

    pub(crate) fn flow(&self) -> &Flow {
        &self.flow
    }

    pub(crate) fn errors(&self) -> &Errors {
        &self.errors
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> + Clone {
        self.chunks.iter().flat_map(|chunk| &chunk.samples)
    }

    /// The requests in order of schedule.
    pub(crate) fn view(&self) -> View<'_> {
        let limits = self.limits.len();
        let rows = self.chunks.iter().flat_map(|chunk| {
            chunk
                .samples
                .iter()
                .enumerate()
                .map(move |(place, sample)| {
                    let shares = chunk
                        .shares
                        .get(place * limits..(place + 1) * limits)
                        .unwrap_or_default();
                    Row { sample, shares }
                })
        });
        let mut rows: Vec<Row<'_>> = rows.collect();
        rows.sort_unstable_by_key(|row| (row.sample.scheduled_ns, row.sample.index));
        View {
            rows,
            settings: &self.settings,
            gaps: self.gaps(),
            read_gaps: &self.gaps,
            counts: &self.counts,
            joints_ns: &self.joints_ns,
        }
    }
}
