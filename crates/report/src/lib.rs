//! Results of a load test: from request records to metrics, intervals, verdicts, files and tables.
//!
//! The crate is pure: no files, sockets, clocks or random numbers. Definitions are those of `definitions_version` 1 of
//! the contract; each module names its own.

pub mod compare;
pub mod convert;
pub mod inference_perf;
pub mod junit;
pub mod page;
pub mod plot;
pub mod reads;
pub mod table;

mod arrivals;
mod autocorrelation;
mod binomial;
mod collector;
mod course;
mod derive;
mod differ;
mod doubt;
mod early_stopping;
mod errors;
mod flow;
mod format;
mod gaps;
mod goodput;
mod headline;
mod histogram;
mod in_order;
mod incomplete_gamma;
mod interval;
mod json;
mod kolmogorov;
mod lengths;
mod markup;
mod merge;
mod message;
mod percentile;
mod rebuild;
mod rejudge;
mod run;
mod sample;
mod series;
mod server;
mod settings;
mod slo;
mod slo_gaps;
mod slo_shares;
mod stage;
mod steady;
mod summary;
mod validity;
mod verdict;
mod view;
mod whole;

#[cfg(test)]
mod testing;

pub use collector::{StageCollector, StageFacts, TokenRead};
pub use differ::{Difference, differences};
pub use headline::outcome;
pub use histogram::DurationHistogram;
pub use json::json;
pub use lengths::length_histograms;
pub use merge::{Merge, MergeError, unlike};
pub use message::{TERMINATION_MESSAGE, message};
pub use rebuild::{Rebuild, RebuildError, Rebuilt};
pub use rejudge::rejudged;
pub use run::{Head, Stage, report, stage_reports, unfinished};
pub use series::time_series;
pub use server::{Counter, KvUsage, ServerRead, ServerReads, ServerValues, server_metrics};
pub use settings::Settings;
pub use verdict::{RunEnd, correct, verdict};

/// Percentile `p` in `[0, 100]` of `values`, none of which is NaN, as it is computed for request metrics; `None` without
/// values.
#[must_use]
pub fn percentile(values: Vec<f64>, p: f64) -> Option<f64> {
    percentile::Sorted::new(values).percentile(p)
}

/// How percentiles are computed, in words, for the head of a report.
pub const PERCENTILE_METHOD: &str = "requests: exact, linear interpolation at rank (n-1)p/100, towards +inf gives +inf; \
     token gaps: histogram, error at most 0.1 %";

/// The start of the `error` of a request that was not sent because the run was asked to stop. Such requests make a run
/// partial; any other request that is `not_sent` was held back by a limit of the generator, and makes its stage invalid.
pub const ASKED_TO_STOP: &str = "the run was asked to stop";

/// Why a report of a run that has not ended is partial.
pub const NOT_ENDED: &str = "the run was killed, or goes on: it has not written its last report";
