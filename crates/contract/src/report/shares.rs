//! Shares of the requests of a stage, with how sure they are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests that succeeded and met every limit, divided by requests offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Goodput {
    /// Requests that were good.
    pub good: u64,
    /// Requests offered: those cancelled and not sent included.
    pub offered: u64,
    /// Their quotient.
    pub ratio: f64,
    /// Good requests per second.
    pub good_per_s: f64,
    /// For each limit, the share of offered requests that met it.
    pub attainment: BTreeMap<String, f64>,
    /// The 95 % interval of `ratio`; absent in reports of versions that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<ShareInterval>,
}

/// Requests that did not succeed, divided by requests offered; what was given up as `load.cancel` asks is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorRate {
    /// Requests that failed.
    pub failed: u64,
    /// Requests offered.
    pub offered: u64,
    /// Their quotient.
    pub ratio: f64,
    /// The 95 % interval of `ratio`.
    pub interval: ShareInterval,
}

/// The exact binomial interval of a share (95 %), on as many requests as those that were counted are worth: failures come
/// together, and then tell less than their number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShareInterval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Effective number of independent requests.
    pub n_eff: f64,
}
