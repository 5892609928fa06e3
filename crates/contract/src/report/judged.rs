//! Every objective of a run with its place: a stage, one that did not begin, or the whole run.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, Report, StageLoad, StageReport};

/// A stage that did not begin, because the run ended before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotBegun {
    /// Its number, from 0.
    pub stage: u32,
    /// What was asked.
    pub load: StageLoad,
    /// Requests of its plan, which are among `not_sent`; absent where the server would have decided how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
    /// Its objectives, which are undecided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// Where an objective was judged.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// On a stage.
    Stage(&'a StageReport),
    /// On a stage that did not begin.
    NotBegun(&'a NotBegun),
    /// On all stages together.
    Whole,
}

impl Place<'_> {
    /// The number of the stage, where it is one.
    #[must_use]
    pub fn stage(&self) -> Option<u32> {
        match self {
            Self::Stage(stage) => Some(stage.stage),
            Self::NotBegun(stage) => Some(stage.stage),
            Self::Whole => None,
        }
    }
}

/// `stage 2`, or `whole run`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage() {
            Some(number) => write!(f, "stage {number}"),
            None => f.write_str("whole run"),
        }
    }
}

impl Report {
    /// Every objective that was judged, with its place: those of stages in sequence, of stages that did not begin, and of the
    /// whole run.
    pub fn judged(&self) -> impl Iterator<Item = (Place<'_>, &Check)> {
        let at = |place| move |check| (place, check);
        let begun = self.stages.iter();
        let begun = begun.flat_map(move |stage| stage.checks.iter().map(at(Place::Stage(stage))));
        let not_begun = self.not_begun.iter();
        let not_begun =
            not_begun.flat_map(move |stage| stage.checks.iter().map(at(Place::NotBegun(stage))));
        let whole = self.checks.iter().map(at(Place::Whole));
        begun.chain(not_begun).chain(whole)
    }

    /// What in it contradicts itself, so that nothing can be computed from it; none in what loadgen writes.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        let mut in_stages = 0_u64;
        for stage in &self.stages {
            let (number, counts) = (stage.stage, &stage.counts);
            if !counts.is_conserved() {
                return Some(format!(
                    "the requests of stage {number} do not add up: {} planned, {} sent and {} not sent",
                    counts.planned, counts.sent, counts.not_sent
                ));
            }
            in_stages = in_stages.saturating_add(counts.planned);
            if stage.cancel.is_some_and(|cancel| {
                cancel.cancelled > cancel.drawn || cancel.cancelled > counts.failed()
            }) {
                return Some(format!(
                    "in stage {number} more requests were given up than drawn for it, or than did not succeed"
                ));
            }
            if let Some(goodput) = &stage.goodput
                && (goodput.good > goodput.offered || goodput.offered > counts.planned)
            {
                return Some(format!(
                    "in stage {number}, {} of {} requests offered were good, and {} were planned",
                    goodput.good, goodput.offered, counts.planned
                ));
            }
        }
        if !self.counts.is_conserved() {
            return Some(format!(
                "the requests of the run do not add up: {} planned, {} sent and {} not sent",
                self.counts.planned, self.counts.sent, self.counts.not_sent
            ));
        }
        (self.counts.planned < in_stages).then(|| {
            format!(
                "{in_stages} requests were planned in its stages, and {} in all",
                self.counts.planned
            )
        })
    }
}
