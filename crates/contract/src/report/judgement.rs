//! Judgements in the report: whether a stage counts, and whether it is good enough.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::slo::Slo;

/// Whether a stage says anything about the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validity {
    /// The state.
    pub state: ValidityState,
    /// Why, where it is not `valid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// Whether the generator kept its schedule.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ValidityState {
    /// It did.
    Valid,
    /// It did, with signs of strain.
    Suspect,
    /// It did not: the figures are those of the generator.
    Invalid,
}

/// The verdict over all stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The result of the objectives; absent when none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<CheckVerdict>,
    /// The worst validity of a stage.
    pub validity: ValidityState,
    /// The exit code of the run, in `0..=8`.
    pub exit_code: u8,
    /// Every statement that applies, the one that decided first.
    pub reasons: Vec<String>,
}

/// One objective, judged on one stage, or on all of them together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The objective.
    pub slo: Slo,
    /// The result.
    pub verdict: CheckVerdict,
    /// What was observed: the percentile (seconds), the share, or the rate; absent when it is `+inf` or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// How many requests it was judged on.
    pub count: u64,
    /// Effective number of independent samples.
    pub n_eff: f64,
    /// For a percentile, the share of offered requests above the limit, with its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_above: Option<f64>,
    /// Lower end of that interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_lower: Option<f64>,
    /// Upper end of that interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_upper: Option<f64>,
    /// The result in words.
    pub reason: String,
}

/// How an objective was decided.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// Met.
    Pass,
    /// Too few samples to decide.
    Inconclusive,
    /// Not met.
    Fail,
    /// The stage says nothing about the server.
    Invalid,
}
