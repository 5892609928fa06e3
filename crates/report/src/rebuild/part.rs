//! A stage whose requests are read from records: what of its plan left none.

use bench_contract::config::LoadType;
use bench_contract::{Health, Metric, Report, RunInfo, RunStatus};

use super::RebuildError;
use crate::arrivals::requests_due;
use crate::derive::seconds_between;
use crate::doubt::Missing;
use crate::gaps::Gaps;
use crate::run::Stage;

/// What is known of a stage, and its requests.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) stage: Stage,
    /// Planned requests, as far as that was known.
    pub(super) planned: u64,
    /// Token gaps that the report holds.
    pub(super) gaps: Option<Gaps>,
    /// The metrics of the report, where the run has ended.
    pub(super) had: Option<Vec<Metric>>,
}

/// How much of a plan the records can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// The part of one shard, whose places are scattered over the plan.
    Shard,
    /// The parts of some shards, others of which are not here.
    WithoutShards,
}

impl Extent {
    pub(super) fn of(report: &Report) -> Self {
        let run = &report.run;
        if run.shard.is_some() {
            Self::Shard
        } else if run
            .merged
            .as_ref()
            .is_some_and(|merged| !merged.missing.is_empty())
        {
            Self::WithoutShards
        } else {
            Self::Whole
        }
    }
}

/// Planned requests of a stage that left no record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    /// All of them.
    pub(super) requests: u64,
    /// Those that were due before others that left one.
    pub(super) holes: u64,
    /// Those that shards were to send that are not here, as far as places of the plan tell: at least so many.
    pub(super) elsewhere: u64,
    /// The planned requests that they are of, those elsewhere left out.
    pub(super) of: u64,
    /// Those that may have been in flight beyond, at most: the lanes of a closed loop of which nobody knows how many requests it
    /// would have sent.
    pub(super) in_flight: u64,
    /// Those that were due before the records end, at most.
    due: u64,
    /// Whether there may be any number more.
    is_open: bool,
}

impl Lost {
    /// What that means to objectives.
    pub(super) fn missing(self, extent: Extent) -> Missing {
        Missing {
            planned: self.requests + self.in_flight,
            due: match extent {
                _ if self.is_open => None,
                Extent::WithoutShards => None,
                Extent::Whole | Extent::Shard => Some(self.due.max(self.holes) + self.in_flight),
            },
        }
    }
}

impl Part {
    /// Looks for what is missing of a stage, and notes up to where nothing is. The records end at `end_ns`.
    pub(super) fn look(
        &mut self,
        number: u32,
        run: &RunInfo,
        extent: Extent,
        end_ns: u64,
    ) -> Result<Lost, RebuildError> {
        let indices = self.stage.collector.indices();
        if let Some(pair) = indices.windows(2).find(|pair| pair[0] == pair[1]) {
            let (stage, index) = (number, pair[0]);
            return Err(RebuildError::Twice { stage, index });
        }
        let records = indices.len() as u64;
        if self.planned > 0 && records > self.planned {
            return Err(RebuildError::TooMany {
                stage: number,
                records,
                planned: self.planned,
            });
        }
        if self.stage.facts.load.conversations {
            return Ok(self.of_conversations(records, run));
        }
        let end = match indices.last() {
            None => 0,
            Some(&last) if self.is_beyond(last, run, extent) => {
                let (stage, index) = (number, last);
                return Err(RebuildError::Beyond { stage, index });
            }
            Some(&last) => last + 1,
        };
        let in_flight = match run.status {
            RunStatus::Unfinished => self.in_flight(),
            RunStatus::Complete | RunStatus::Partial => 0,
        };
        let due = self.due_until(end_ns).saturating_sub(records);
        if extent != Extent::Whole {
            // Only all shards together have every place of the plan. Where some are not here, nothing is known of any time: what
            // is here is a fair part of the plan, and rates are its own.
            let here = self.planned.saturating_sub(records);
            let elsewhere = match extent {
                Extent::WithoutShards => end.saturating_sub(self.planned.max(records)),
                Extent::Shard | Extent::Whole => 0,
            };
            return Ok(Lost {
                requests: here + elsewhere,
                holes: 0,
                elsewhere,
                of: self.planned.max(records),
                in_flight,
                due: due.min(here),
                is_open: false,
            });
        }
        let lost = Lost {
            requests: self.planned.max(end) - records,
            holes: end - records,
            elsewhere: 0,
            of: match self.planned {
                0 => 0,
                planned => planned.max(end),
            },
            // Whatever is a hole is in one of the lanes.
            in_flight: in_flight.saturating_sub(end - records),
            due: due.min(self.planned.max(end) - records),
            is_open: false,
        };
        if lost.requests + lost.in_flight > 0 {
            let unbroken = (0..)
                .zip(&indices)
                .take_while(|(k, index)| k == *index)
                .count() as u64;
            let samples = self.stage.collector.samples();
            let known = samples.filter(|sample| sample.index < unbroken);
            let until = known.map(|sample| sample.scheduled_ns).max();
            self.stage.facts.known_until_ns = Some(until.unwrap_or(self.stage.facts.origin_ns));
        }
        Ok(lost)
    }

    /// What is missing of conversations: their turns follow replies, so that nobody knows how many there would have been. While
    /// they went on, each that was not over may have had one in flight, and any number may have begun that left no record.
    fn of_conversations(&mut self, records: u64, run: &RunInfo) -> Lost {
        let is_running = run.status == RunStatus::Unfinished
            && self.planned == 0
            && self.stage.facts.health == Health::default();
        if is_running {
            let samples = self.stage.collector.samples();
            let last = samples.map(|sample| sample.scheduled_ns).max();
            self.stage.facts.known_until_ns = Some(last.unwrap_or(self.stage.facts.origin_ns));
        }
        let open = self.stage.collector.conversations();
        let open = open.map_or(0, |conversations| conversations.cut);
        let requests = self.planned.saturating_sub(records);
        Lost {
            requests,
            holes: 0,
            elsewhere: 0,
            of: self.planned,
            in_flight: if is_running { open.max(1) } else { 0 },
            due: requests,
            is_open: is_running,
        }
    }

    /// Whether the plan has no such place. How long it is, is known where its rate or its trace says so, and all of it is here.
    fn is_beyond(&self, index: u64, run: &RunInfo, extent: Extent) -> bool {
        let is_counted = self.planned > 0 && self.stage.facts.load.kind != LoadType::Concurrent;
        let is_all_here = extent == Extent::Whole && run.merged.is_none();
        index == u64::MAX || is_counted && is_all_here && index >= self.planned
    }

    /// How many requests may have been in flight when a closed loop was killed that ends by the clock: it was running where
    /// neither its requests were counted nor its health was told, as is done at a stage's end.
    fn in_flight(&self) -> u64 {
        let facts = &self.stage.facts;
        let is_open = facts.load.kind == LoadType::Concurrent
            && facts.load.requests.is_none()
            && self.planned == 0
            && facts.health == Health::default();
        match facts.load.concurrency {
            Some(lanes) if is_open => lanes.into(),
            _ => 0,
        }
    }

    /// How many requests of the plan were due up to `end_ns`, at most, by the rate that was asked for; all of them where that
    /// says nothing.
    fn due_until(&self, end_ns: u64) -> u64 {
        let facts = &self.stage.facts;
        let seconds = seconds_between(facts.origin_ns, end_ns.max(facts.origin_ns));
        match (facts.load.rate, facts.load.kind) {
            (Some(_), LoadType::Constant | LoadType::Poisson | LoadType::Gamma) => {
                let due = requests_due(seconds, &facts.load);
                // Bursts: far more than random arrivals are ever ahead of their rate.
                let burst = 5.0 / facts.load.burstiness.unwrap_or(1.0).min(1.0).sqrt();
                ((due + burst * due.sqrt()).ceil() as u64).min(self.planned)
            }
            _ => self.planned,
        }
    }
}
