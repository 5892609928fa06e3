//! A scenario that sends what a trace shows: lengths, rate, and how bursty arrivals are.

mod arrivals;
mod lengths;
mod model;
mod schedule;
mod text;

use std::io::BufRead;

use bench_contract::config::LoadType;
use bench_contract::trace::{TraceError, TraceReader, unpacked};

use arrivals::Arrivals;
pub use lengths::FittedLengths;
pub use schedule::{Doubt, Schedule};
pub use text::to_text;

/// A request of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traced {
    /// When it arrived, in seconds from the first request that was read.
    pub at: f64,
    /// Tokens of the prompt.
    pub input: u32,
    /// Tokens of the reply.
    pub output: u32,
}

/// Reads a whole trace, compressed by zstd or not, its instants counted from its first request.
///
/// # Errors
/// The first line that cannot be read.
pub fn read(input: impl BufRead) -> Result<Vec<Traced>, TraceError> {
    let input = unpacked(input).map_err(TraceError::Io)?;
    let mut start = None;
    TraceReader::new(input)
        .map(|request| {
            let request = request?;
            let from_start = request
                .at_ns
                .saturating_sub(*start.get_or_insert(request.at_ns));
            #[expect(
                clippy::cast_precision_loss,
                reason = "a trace is far shorter than 2^53 ns"
            )]
            let at = from_start as f64 / 1e9;
            Ok(Traced {
                at,
                input: request.input,
                output: request.output,
            })
        })
        .collect()
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

    /// The load type that comes nearest, with its burstiness if it is `gamma`.
    #[must_use]
    pub fn process(&self) -> (LoadType, Option<f64>) {
        match self.variation() {
            Variation::Even => (LoadType::Constant, None),
            Variation::Poisson | Variation::Changing(_) => (LoadType::Poisson, None),
            Variation::Bursts => {
                // The shape whose coefficient of variation is that of the gaps, within what the values take.
                let shape = 1.0 / (self.gap_variation * self.gap_variation);
                let shape = ((shape * 100.0).round() / 100.0).max(0.01);
                (LoadType::Gamma, Some(shape))
            }
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
