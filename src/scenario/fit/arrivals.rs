//! Arrivals: how often, and how unevenly.

/// When requests arrived, sorted, and from when to when.
pub(super) struct Arrivals {
    pub(super) at: Vec<f64>,
    pub(super) start: f64,
    pub(super) span: f64,
}

impl Arrivals {
    /// In which of `parts` equal parts of the trace an instant lies.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part's index is between 0 and their number"
    )]
    fn part(&self, at: f64, parts: u32) -> usize {
        let part = ((at - self.start) / self.span * f64::from(parts)) as usize;
        part.min(parts.max(1) as usize - 1)
    }

    /// Requests per second in each of `parts` equal parts.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub(super) fn rates(&self, parts: u32) -> Vec<f64> {
        let mut counts = vec![0_usize; parts as usize];
        for &at in &self.at {
            if let Some(count) = counts.get_mut(self.part(at, parts)) {
                *count += 1;
            }
        }
        let length = self.span / f64::from(parts);
        counts.iter().map(|&count| count as f64 / length).collect()
    }

    /// The coefficient of variation of the gaps between arrivals within each of `parts` equal parts, over all of them: 0
    /// for equal gaps, 1 for Poisson, more for bursts. How the rate differs from part to part does not enter.
    ///
    /// The variance of n gaps over the square of their mean is (n - 1) / (n + 1) for Poisson arrivals, on average, which
    /// is divided out; each part weighs as many gaps as it has.
    pub(super) fn variation(&self, parts: u32) -> f64 {
        let (mut squares, mut weights) = (0.0, 0.0);
        for part in self
            .at
            .chunk_by(|a, b| self.part(*a, parts) == self.part(*b, parts))
        {
            let gaps = || part.windows(2).map(|pair| pair[1] - pair[0]);
            #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
            let count = part.len().saturating_sub(1) as f64;
            let mean = gaps().sum::<f64>() / count;
            if count < 2.0 || mean <= 0.0 {
                continue;
            }
            let variance = gaps().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
            squares += count * variance / (mean * mean) * (count + 1.0) / (count - 1.0);
            weights += count;
        }
        if weights == 0.0 && parts > 1 {
            return self.variation(1);
        }
        if weights == 0.0 {
            return 0.0;
        }
        (squares / weights).sqrt()
    }

    /// A number of parts within which the gaps are no more uneven than `limit`, where `parts` are too few: what looks
    /// like bursts is a rate that changes.
    pub(super) fn finer(&self, parts: u32, limit: f64) -> Option<u32> {
        /// Fewer gaps in a part say nothing about how uneven they are.
        const FEWEST: usize = 20;
        const MOST_STAGES: u32 = 1000;
        std::iter::successors(parts.checked_mul(2), |parts| parts.checked_mul(2))
            .take_while(|&parts| parts <= MOST_STAGES && self.at.len() / parts as usize >= FEWEST)
            .find(|&parts| self.variation(parts) <= limit)
    }
}
