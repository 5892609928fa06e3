//! Faults: which one a request gets, and where in its stream.

use crate::args::SimArgs;
use crate::draw::Draws;

/// What goes wrong with a request, on purpose. The order is that of [`SimArgs::fault_rates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Status500,
    Status429,
    Reset,
    Stall,
    Malformed,
    Truncate,
    ErrorEvent,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::Status500,
        Self::Status429,
        Self::Reset,
        Self::Stall,
        Self::Malformed,
        Self::Truncate,
        Self::ErrorEvent,
    ];

    /// The name in the truth log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Status500 => "500",
            Self::Status429 => "429",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::Malformed => "malformed",
            Self::Truncate => "truncate",
            Self::ErrorEvent => "error_event",
        }
    }
}

/// The shares of all faults, ready to draw from.
#[derive(Clone, Debug)]
pub(crate) struct FaultPlan {
    /// Running sums of the shares.
    upto: [f64; 7],
}

impl FaultPlan {
    pub(crate) fn new(args: &SimArgs) -> Self {
        let mut sum = 0.0;
        Self {
            upto: args.fault_rates().map(|(_, share)| {
                sum += share;
                sum
            }),
        }
    }

    /// Whether any request can get a fault.
    pub(crate) fn is_empty(&self) -> bool {
        self.upto[6] == 0.0
    }

    /// The fault of one request: a single draw, so that the shares of the others do not move when one is changed to 0.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Option<Fault> {
        if self.is_empty() {
            return None;
        }
        let u = draws.unit();
        let at = self.upto.iter().position(|upto| u < *upto)?;
        Fault::ALL.get(at).copied()
    }
}

/// How many tokens are sent before a fault in mid-stream strikes: uniform in 1..=n-1, and 1 for a reply of one token.
pub(crate) fn position(tokens: u32, draws: &mut Draws) -> u32 {
    let choices = tokens.saturating_sub(1).max(1);
    1 + ((draws.unit() * f64::from(choices)) as u32).min(choices - 1)
}

/// Faults that struck so far, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Requests answered 500.
    pub status_500: u64,
    /// Requests answered 429.
    pub status_429: u64,
    /// Connections reset in mid-stream.
    pub reset: u64,
    /// Streams that paused.
    pub stall: u64,
    /// Streams with an event of broken JSON.
    pub malformed: u64,
    /// Connections closed before the stream's end.
    pub truncate: u64,
    /// Streams that ended in an error object.
    pub error_event: u64,
}

impl FaultCounts {
    /// From counts in the order of [`Fault::ALL`].
    pub(crate) fn from_array(counts: [u64; 7]) -> Self {
        let [
            status_500,
            status_429,
            reset,
            stall,
            malformed,
            truncate,
            error_event,
        ] = counts;
        Self {
            status_500,
            status_429,
            reset,
            stall,
            malformed,
            truncate,
            error_event,
        }
    }

    /// All faults together.
    pub fn total(&self) -> u64 {
        self.status_500
            + self.status_429
            + self.reset
            + self.stall
            + self.malformed
            + self.truncate
            + self.error_event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_met() {
        let plan = FaultPlan::new(&SimArgs {
            fault_500: 0.1,
            fault_stall: 0.2,
            fault_error_event: 0.3,
            ..SimArgs::default()
        });
        let mut counts = [0u32; 8];
        for i in 0..20_000 {
            let at = plan
                .draw(&mut Draws::new(3, i))
                .map_or(7, |fault| fault as usize);
            counts[at] += 1;
        }
        assert_eq!([counts[1], counts[2], counts[4], counts[5]], [0; 4]);
        for (at, share) in [(0, 0.1), (3, 0.2), (6, 0.3), (7, 0.4)] {
            let got = f64::from(counts[at]) / 20_000.0;
            assert!((got - share).abs() < 0.02, "{at}: {got}");
        }
    }

    #[test]
    fn certain_fault_is_certain() {
        let plan = FaultPlan::new(&SimArgs {
            fault_reset: 1.0,
            ..SimArgs::default()
        });
        assert!((0..1000).all(|i| plan.draw(&mut Draws::new(0, i)) == Some(Fault::Reset)));
    }

    #[test]
    fn positions() {
        let mut draws = Draws::new(0, 0);
        for n in 1..50 {
            for _ in 0..50 {
                let k = position(n, &mut draws);
                assert!(k >= 1 && k < n.max(2), "{k} of {n}");
            }
        }
    }
}
