//! When the requests of a stage are due, relative to the stage's time zero.
//!
//! Each process is one of rate 1, whose time is counted in requests that were due; the rate of the stage, constant or not,
//! turns that into seconds by inverting the number of requests due up to an instant. So every arrival takes one draw, and a
//! rate that changes changes nothing but the clock.

use bench_contract::{Burstiness, RequestsPerSecond, Seconds};

use super::random::{self, Purpose};

/// The arrival processes that can be generated at a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Process {
    /// Equal gaps: arrival k when k requests were due, for as many as are due in all.
    Constant,
    /// Independent exponential gaps until the duration ends; the count is random.
    Poisson,
    /// Independent gamma gaps until the duration ends; the count is random.
    Gamma(Burstiness),
}

/// A rate that changes linearly over a stage, or not at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    first: f64,
    last: f64,
    duration: f64,
}

impl Rates {
    /// From `first` to `last` over `duration`.
    #[must_use]
    pub fn new(first: RequestsPerSecond, last: RequestsPerSecond, duration: Seconds) -> Self {
        Self {
            first: first.get(),
            last: last.get(),
            duration: duration.get(),
        }
    }

    /// Requests per second at the start and at the end.
    #[must_use]
    pub fn ends(&self) -> (f64, f64) {
        (self.first, self.last)
    }

    /// How long, in seconds.
    #[must_use]
    pub fn duration(&self) -> f64 {
        self.duration
    }

    /// Requests that are due in all.
    #[must_use]
    pub fn total(&self) -> f64 {
        f64::midpoint(self.first, self.last) * self.duration
    }

    /// The instant in seconds up to which `due` requests are due, for `due` in `[0, total]`.
    ///
    /// With slope c it solves `first t + c t²/2 = due`, in the form that loses no digits when c is small.
    fn instant(&self, due: f64) -> f64 {
        #[expect(clippy::float_cmp, reason = "a rate that is the same to the last bit")]
        if self.first == self.last {
            return due / self.first;
        }
        let slope = (self.last - self.first) / self.duration;
        let root = libm::sqrt((self.first * self.first + 2.0 * slope * due).max(0.0));
        (2.0 * due / (self.first + root)).min(self.duration)
    }
}

/// Due times in nanoseconds from the stage's time zero, ascending, none after its duration.
///
/// Times are rounded from the running sum, never added up after rounding, so they do not drift.
#[must_use]
pub fn arrivals(process: Process, rates: Rates, seed: u64, stage: u32) -> Vec<u64> {
    let mut rng = random::stream(seed, stage, Purpose::Arrivals, 0);
    match process {
        Process::Constant => constant(rates),
        Process::Poisson => renewal(rates, || random::exponential(&mut rng)),
        Process::Gamma(burstiness) => {
            let shape = burstiness.get();
            renewal(rates, || random::gamma(&mut rng, shape) / shape)
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are below 2^53"
)]
fn constant(rates: Rates) -> Vec<u64> {
    // 0.1/s for 30 s are 3 requests, although 0.1 * 30 is a little more or less than 3.
    let count = (rates.total() * (1.0 + 4.0 * f64::EPSILON)).floor() as u64;
    (0..count).map(|k| nanos(rates.instant(k as f64))).collect()
}

/// Arrivals with gaps of mean 1, in requests due, until all are.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only a size hint"
)]
fn renewal(rates: Rates, mut gap: impl FnMut() -> f64) -> Vec<u64> {
    let total = rates.total();
    let mut arrivals = Vec::with_capacity((total + 4.0 * total.sqrt()) as usize + 16);
    let mut due = 0.0;
    loop {
        due += gap();
        if due >= total {
            arrivals.shrink_to_fit();
            return arrivals;
        }
        arrivals.push(nanos(rates.instant(due)));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "non-negative and far below 2^63"
)]
fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

#[cfg(test)]
mod tests;
