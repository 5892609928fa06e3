//! How fast the server is taken to be.

use bench_contract::{Seconds, Slo, SloMetric};
use serde::Serialize;

use crate::scenario::Run;

/// How fast the server is taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Assumption {
    /// Time to the first token, in seconds.
    pub ttft: f64,
    /// Time for each further token, in seconds.
    pub tpot: f64,
}

impl Default for Assumption {
    fn default() -> Self {
        Self {
            ttft: 0.5,
            tpot: 0.025,
        }
    }
}

impl Assumption {
    /// What the objectives of a run allow, else a guess.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let config = run.config("");
        let limit = |metrics: &[SloMetric]| {
            let limits = |slo: &&Slo| metrics.contains(&slo.metric) && slo.max.is_some();
            let slo = config.slo.iter().find(limits)?;
            Some(slo.max?.get())
        };
        let guess = Self::default();
        Self {
            ttft: limit(&[SloMetric::TtftScheduled, SloMetric::Ttft]).unwrap_or(guess.ttft),
            tpot: limit(&[SloMetric::Tpot]).unwrap_or(guess.tpot),
        }
    }

    /// The same with the user's word in its place, where there is one.
    #[must_use]
    pub fn with(self, ttft: Option<Seconds>, tpot: Option<Seconds>) -> Self {
        Self {
            ttft: ttft.map_or(self.ttft, Seconds::get),
            tpot: tpot.map_or(self.tpot, Seconds::get),
        }
    }

    /// The note beside what follows from it.
    pub(super) fn note(self) -> String {
        format!(
            "by Little's law, at {} to the first token and {} for each further one; `benchctl plan` takes others (--ttft, --tpot)",
            milliseconds(self.ttft),
            milliseconds(self.tpot)
        )
    }
}

/// `12.5 ms`.
pub(crate) fn milliseconds(seconds: f64) -> String {
    format!("{} ms", (seconds * 1e5).round() / 100.0)
}
