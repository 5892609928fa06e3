//! A stage whose requests are read from records: what of its plan left none.

use bench_contract::{Metric, Report};

use super::RebuildError;
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
}

impl Part {
    /// Looks for what is missing of a stage, and notes up to where nothing is.
    pub(super) fn look(&mut self, number: u32, extent: Extent) -> Result<Lost, RebuildError> {
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
        let end = indices.last().map_or(0, |&last| last + 1);
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
        };
        if lost.requests > 0 {
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
}
