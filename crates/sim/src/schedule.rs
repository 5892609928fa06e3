//! The absolute schedule of one reply: when each of its tokens is due.

use crate::draw::{Draws, Spread};

/// When the tokens of one reply are due, ns since the server's origin. Every instant is computed from the first token's,
/// never from when the last write happened, so lateness does not add up.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    first_ns: u64,
    itl_ns: u64,
    /// Tokens before the next one.
    passed: u64,
    /// Pauses put in so far.
    shift_ns: u64,
    jitter: Option<Box<Jitter>>,
}

#[derive(Clone, Debug)]
struct Jitter {
    draws: Draws,
    spread: Spread,
    /// The next token's distance from the first one, a sum of drawn gaps, ns.
    offset_ns: f64,
}

impl Schedule {
    /// Token k (from 1) is due at `first_ns + (k - 1) * itl_ns`, or, with a spread, after k - 1 drawn gaps of that mean.
    pub(crate) fn new(first_ns: u64, itl_ns: u64, spread: Spread, draws: Option<Draws>) -> Self {
        let jitter = draws.filter(|_| !spread.is_none()).map(|draws| {
            Box::new(Jitter {
                draws,
                spread,
                offset_ns: 0.0,
            })
        });
        Self {
            first_ns,
            itl_ns,
            passed: 0,
            shift_ns: 0,
            jitter,
        }
    }

    /// When the next token is due.
    pub(crate) fn due(&self) -> u64 {
        let offset = match &self.jitter {
            None => self.passed.saturating_mul(self.itl_ns),
            Some(jitter) => jitter.offset_ns as u64,
        };
        self.first_ns
            .saturating_add(offset)
            .saturating_add(self.shift_ns)
    }

    /// Goes past `tokens` tokens.
    pub(crate) fn advance(&mut self, tokens: u32) {
        self.passed += u64::from(tokens);
        if let Some(jitter) = &mut self.jitter {
            for _ in 0..tokens {
                let gap = self.itl_ns as f64 * jitter.spread.factor(&mut jitter.draws);
                jitter.offset_ns += gap;
            }
        }
    }

    /// Puts a pause before the next token.
    pub(crate) fn pause(&mut self, ns: u64) {
        self.shift_ns = self.shift_ns.saturating_add(ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute() {
        let mut s = Schedule::new(20, 5, Spread::NONE, None);
        assert_eq!(s.due(), 20);
        s.advance(1);
        assert_eq!(s.due(), 25);
        s.advance(64);
        assert_eq!(s.due(), 20 + 65 * 5);
        s.pause(100);
        s.advance(1);
        assert_eq!(s.due(), 20 + 66 * 5 + 100);
    }

    #[test]
    fn drawn_gaps_keep_the_mean() {
        let spread = "0.5".parse().unwrap();
        let mut s = Schedule::new(1000, 1_000_000, spread, Some(Draws::new(1, 1)));
        let mut last = s.due();
        assert_eq!(last, 1000);
        for _ in 0..20_000 {
            s.advance(1);
            assert!(s.due() >= last);
            last = s.due();
        }
        let mean = (last - 1000) as f64 / 20_000.0;
        assert!((mean / 1e6 - 1.0).abs() < 0.02, "{mean}");
    }
}
