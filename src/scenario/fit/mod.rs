//! A scenario that sends what a trace shows: lengths, rate, and how bursty arrivals are.

mod lengths;
mod text;

use std::io::BufRead;

use bench_contract::config::LoadType;
use bench_contract::trace::{TraceError, TraceReader};

pub use lengths::FittedLengths;
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

/// Reads a whole trace, its instants counted from its first request.
///
/// # Errors
/// The first line that cannot be read.
pub fn read(input: impl BufRead) -> Result<Vec<Traced>, TraceError> {
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
    /// Coefficient of variation of the gaps: 0 for equal gaps, 1 for Poisson, more for bursts.
    pub gap_variation: f64,
}

impl Fit {
    /// The load type that comes nearest, with its burstiness if it is `gamma`.
    #[must_use]
    pub fn process(&self) -> (LoadType, Option<f64>) {
        if self.gap_variation < 0.5 {
            (LoadType::Constant, None)
        } else if self.gap_variation <= 1.2 {
            (LoadType::Poisson, None)
        } else {
            // The shape whose coefficient of variation is that of the gaps, within what the values take.
            let shape = 1.0 / (self.gap_variation * self.gap_variation);
            (
                LoadType::Gamma,
                Some(((shape * 100.0).round() / 100.0).max(0.01)),
            )
        }
    }
}

/// Fits a trace, cut into `parts` of equal length, each of which becomes a stage.
///
/// # Errors
/// When the trace is too short to say anything.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts far below 2^53; a part's index is between 0 and their number"
)]
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
    let parts = parts.max(1) as usize;
    let mut counts = vec![0_usize; parts];
    for request in &requests {
        let part = ((request.at - start) / span * parts as f64) as usize;
        if let Some(count) = counts.get_mut(part.min(parts - 1)) {
            *count += 1;
        }
    }
    let rates: Vec<f64> = counts
        .iter()
        .map(|&count| count as f64 / (span / parts as f64))
        .collect();
    Ok(Fit {
        requests: requests.len(),
        span,
        input: FittedLengths::of(requests.iter().map(|request| request.input)),
        output: FittedLengths::of(requests.iter().map(|request| request.output)),
        rates,
        gap_variation: gap_variation(&requests),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn gap_variation(sorted: &[Traced]) -> f64 {
    let gaps = || sorted.windows(2).map(|pair| pair[1].at - pair[0].at);
    let count = (sorted.len() - 1) as f64;
    let mean = gaps().sum::<f64>() / count;
    let variance = gaps().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / count;
    variance.sqrt() / mean
}

#[cfg(test)]
mod tests;
