//! A scenario that sends what a trace shows: lengths, rate, and how bursty arrivals are.

mod arrivals;
mod lengths;
mod model;
mod schedule;
mod text;
mod time;
mod trace;

use bench_contract::config::LoadType;

use arrivals::Arrivals;
pub use lengths::FittedLengths;
pub use schedule::{Doubt, Schedule};
pub use text::to_text;
pub use trace::{TraceError, read};

/// A request of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traced {
    /// When it arrived, in seconds from any origin.
    pub at: f64,
    /// Tokens of the prompt.
    pub input: u32,
    /// Tokens of the reply.
    pub output: u32,
}

/// What a trace amounts to.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// How many requests were read.
    pub requests: usize,
    /// Seconds from the first to the last.
    pub span: f64,
    /// Lengths of prompts.
    pub input: FittedLengths,
    /// Lengths of replies.
    pub output: FittedLengths,
    /// Requests per second in each of the equal parts that the trace was cut into.
    pub rates: Vec<f64>,
    /// Coefficient of variation of the gaps within each part: 0 for equal gaps, 1 for Poisson, more for bursts.
    pub gap_variation: f64,
    /// A number of parts within which the gaps are not uneven any more, where they are within these.
    finer: Option<u32>,
}

/// What the gaps between arrivals show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variation {
    /// Equal gaps.
    Even,
    /// Gaps as of independent users.
    Poisson,
    /// The rate changes within a part; with so many parts it does not.
    Changing(u32),
    /// Gaps more uneven than those of independent users.
    Bursts,
}

/// Gaps that vary less are taken for equal ones.
const EVEN: f64 = 0.5;

/// Gaps that vary more are no longer those of independent users.
const UNEVEN: f64 = 1.2;

impl Fit {
    /// What the gaps between arrivals show.
    #[must_use]
    pub fn variation(&self) -> Variation {
        match self.finer {
            _ if self.gap_variation < EVEN => Variation::Even,
            _ if self.gap_variation <= UNEVEN => Variation::Poisson,
            Some(parts) => Variation::Changing(parts),
            None => Variation::Bursts,
        }
    }

    /// The load type that comes nearest.
    #[must_use]
    pub fn process(&self) -> LoadType {
        match self.variation() {
            Variation::Even => LoadType::Constant,
            Variation::Poisson | Variation::Changing(_) | Variation::Bursts => LoadType::Poisson,
        }
    }
}

/// Fits a trace, cut into `parts` of equal length, each of which becomes a stage.
///
/// # Errors
/// When the trace is too short to say anything.
pub fn fit(mut requests: Vec<Traced>, parts: u32) -> Result<Fit, String> {
    requests.sort_by(|a, b| a.at.total_cmp(&b.at));
    let (Some(first), Some(last)) = (requests.first(), requests.last()) else {
        return Err("the trace holds no request".to_owned());
    };
    let (start, span) = (first.at, last.at - first.at);
    if requests.len() < 10 || span <= 0.0 {
        return Err(format!(
            "{} requests within {span} s are too few to fit anything to",
            requests.len()
        ));
    }
    let parts = parts.max(1);
    let arrivals = Arrivals {
        at: requests.iter().map(|request| request.at).collect(),
        start,
        span,
    };
    let gap_variation = arrivals.variation(parts);
    let finer = (gap_variation > UNEVEN).then(|| arrivals.finer(parts, UNEVEN));
    Ok(Fit {
        requests: requests.len(),
        span,
        input: FittedLengths::of(requests.iter().map(|request| request.input)),
        output: FittedLengths::of(requests.iter().map(|request| request.output)),
        rates: arrivals.rates(parts),
        gap_variation,
        finer: finer.flatten(),
    })
}

#[cfg(test)]
mod tests;
