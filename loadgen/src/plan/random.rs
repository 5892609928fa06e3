//! The one seeded generator: every draw is a function of (seed, stage, purpose, index).
//!
//! Nothing depends on who draws or in which order, so the plan is the same for any number of workers, pods and machines.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a draw is for. Each purpose has a stream of its own, so that one more draw for one never shifts another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Gaps between arrivals.
    Arrivals = 1,
    /// Prompt lengths.
    InputLength = 2,
    /// Reply lengths.
    OutputLength = 3,
    /// Text of prompts.
    Prompt = 4,
    /// The start of a prompt that makes it differ from every other run's.
    Salt = 5,
    /// Which requests the client gives up.
    Cancel = 6,
    /// Which entries of a data set are sent, in which order.
    Choice = 7,
    /// How many turns a conversation has, and how long people think between them.
    Turns = 8,
    /// Which adapter a request asks for.
    Adapter = 9,
}

/// The generator for one purpose of one stage, at the beginning of stream `index`.
#[must_use]
pub fn stream(seed: u64, stage: u32, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut key = *b"loadgen plan v1.................";
    key[16..24].copy_from_slice(&seed.to_le_bytes());
    key[24..28].copy_from_slice(&stage.to_le_bytes());
    key[28] = purpose as u8;
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(index);
    rng
}

/// A number drawn uniformly from `[0, 1)`, with 53 random bits.
pub fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let bits = (rng.next_u64() >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

/// A number drawn from the standard normal distribution (Box and Muller 1958), with `libm` so that every machine gets
/// the same bits.
pub fn standard_normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(rng)));
    radius * libm::cos(std::f64::consts::TAU * uniform(rng))
}

/// A number drawn from the exponential distribution of mean 1, by inversion: `-ln(1 - u)` with u in [0, 1) is finite.
pub fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -libm::log(1.0 - uniform(rng))
}

/// A number drawn from the gamma distribution of this shape and mean `shape` (Marsaglia and Tsang, *A simple method for
/// generating gamma variables*, 2000; below shape 1 by their boost), with `libm` so that every machine gets the same bits.
pub fn gamma(rng: &mut ChaCha8Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let boosted = gamma(rng, shape + 1.0);
        // u in (0, 1]: a gap of 0 would be an exact tie.
        return boosted * libm::pow(1.0 - uniform(rng), 1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = standard_normal(rng);
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        let u = 1.0 - uniform(rng);
        if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

/// A number drawn from the skew normal distribution of shape `skew`, location 0 and scale 1 (Azzalini, *A class of
/// distributions which includes the normal ones*, 1985).
pub fn skew_normal(rng: &mut ChaCha8Rng, skew: f64) -> f64 {
    let delta = skew / libm::hypot(1.0, skew);
    let half = libm::fabs(standard_normal(rng));
    delta * half + libm::sqrt(1.0 - delta * delta) * standard_normal(rng)
}

/// A whole number drawn from the Poisson distribution of this mean; 0 for a mean that is not positive. Below 10 by
/// multiplication (Knuth), from there on by transformed rejection (Hörmann, *The transformed rejection method for generating
/// Poisson random variables*, 1993: PTRS).
pub fn poisson(rng: &mut ChaCha8Rng, mean: f64) -> f64 {
    // Also what is no number.
    if mean.is_nan() || mean <= 0.0 {
        return 0.0;
    }
    if mean < 10.0 {
        let limit = libm::exp(-mean);
        let (mut count, mut product) = (0.0, uniform(rng));
        while product > limit {
            count += 1.0;
            product *= uniform(rng);
        }
        return count;
    }
    let b = 0.931 + 2.53 * libm::sqrt(mean);
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let vr = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = uniform(rng) - 0.5;
        let v = 1.0 - uniform(rng);
        let us = 0.5 - libm::fabs(u);
        let k = libm::floor((2.0 * a / us + b) * u + mean + 0.43);
        if us >= 0.07 && v <= vr {
            return k;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let left = libm::log(v * inverse_alpha / (a / (us * us) + b));
        if left <= k * libm::log(mean) - mean - libm::lgamma(k + 1.0) {
            return k;
        }
    }
}

/// A number drawn uniformly from `0..bound`, for `bound` far below 2^32.
pub fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    // Lemire's multiply-shift; the bias of at most bound / 2^64 is of no account here.
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u32
}

/// Puts `items` into an order in which each is as likely as every other (Fisher and Yates).
pub fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
        items.swap(last, below(rng, bound) as usize);
    }
}

/// 64 bits that depend on all of `text` (FNV-1a), to turn a run id into a seed.
#[must_use]
pub fn hash_text(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
