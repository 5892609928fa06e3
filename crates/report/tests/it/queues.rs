//! Latencies of queues, whose successive samples are alike, and the truth about them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::records::exponential;

/// A queue with Poisson arrivals and lognormal service of mean 1 (sigma 0.8): M/G/c.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    pub(crate) servers: usize,
    /// Its load, in `(0, 1)`.
    pub(crate) load: f64,
}

impl Queue {
    /// From arrival to departure of `n` successive customers in the stationary state (Lindley's recursion; for several servers,
    /// Kiefer's and Wolfowitz').
    pub(crate) fn times(self, n: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let warm_up = 2000 * self.servers;
        let sigma = 0.8_f64;
        let rate = self.load * self.servers as f64;
        // What each server has still to do when the next customer comes.
        let mut work = vec![0.0_f64; self.servers];
        let mut times = Vec::with_capacity(n);
        for k in 0..n + warm_up {
            let normal = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt()
                * (std::f64::consts::TAU * rng.random::<f64>()).cos();
            let service = (sigma * normal - sigma * sigma / 2.0).exp();
            let least = (0..self.servers)
                .min_by(|&a, &b| work[a].total_cmp(&work[b]))
                .unwrap_or(0);
            work[least] += service;
            if k >= warm_up {
                times.push(work[least]);
            }
            let gap = exponential(rng) / rate;
            work.iter_mut()
                .for_each(|left| *left = (*left - gap).max(0.0));
        }
        times
    }

    /// The times of one simulated run, in units of 10 ms.
    pub(crate) fn run(self, n: usize, seed: u64) -> Vec<f64> {
        let times = self.times(n, &mut ChaCha8Rng::seed_from_u64(seed));
        times.into_iter().map(|time| 0.01 * time).collect()
    }

    /// The values that each of the shares `above` of the stationary times exceeds, in units of 10 ms, from a long run.
    pub(crate) fn truth(self, above: &[f64]) -> Vec<f64> {
        let n = if cfg!(debug_assertions) {
            400_000
        } else {
            8_000_000
        };
        let mut times = self.run(n, 99);
        times.sort_unstable_by(f64::total_cmp);
        let at = |share: &f64| times[(times.len() as f64 * (1.0 - share)) as usize];
        above.iter().map(at).collect()
    }
}
