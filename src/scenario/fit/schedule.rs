//! The stages that a fit becomes, and what is lost on the way.

use super::{Fit, Variation};

/// What is sent when.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Requests per second, and for how many whole seconds.
    pub stages: Vec<(f64, u64)>,
    /// How many parts of the trace hold no request, and are no stages.
    pub empty: usize,
    /// The seconds that they would have lasted.
    pub left_out: u64,
}

/// Something odd about a fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// A stable code.
    pub code: &'static str,
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// A fit that is further from its data than this is named.
const FAR: f64 = 0.1;

impl Fit {
    /// The stages of a load that lasts so many seconds, whole ones. None when a stage would not last a second.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "non-negative; `as` saturates"
    )]
    pub fn schedule(&self, seconds: f64) -> Option<Schedule> {
        let (total, parts) = (seconds.round() as u64, self.rates.len() as u64);
        if total < parts {
            return None;
        }
        let mut schedule = Schedule {
            stages: Vec::with_capacity(self.rates.len()),
            empty: 0,
            left_out: 0,
        };
        for (index, &rate) in (0_u64..).zip(&self.rates) {
            // The remainder goes to the stages evenly.
            let start = |index: u64| u128::from(index) * u128::from(total) / u128::from(parts);
            let duration = (start(index + 1) - start(index)) as u64;
            if rate > 0.0 {
                schedule.stages.push((rate, duration));
            } else {
                schedule.empty += 1;
                schedule.left_out += duration;
            }
        }
        Some(schedule)
    }

    /// What a user should know before believing the fit.
    #[must_use]
    pub fn doubts(&self, schedule: &Schedule) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for (side, lengths) in [("input", &self.input), ("output", &self.output)] {
            let (data, model) = (lengths.mean, lengths.model_mean());
            if lengths.distance > FAR || (model / data - 1.0).abs() > FAR {
                doubts.push(Doubt {
                    code: "B151",
                    message: format!(
                        "no distribution comes near the {side} lengths: the nearest one differs by {:.2}, and its mean is {model:.0} instead of {data:.0}",
                        lengths.distance
                    ),
                    help: "compare the two rows in the comment; traffic of several kinds is fitted better one kind at a time".to_owned(),
                });
            }
        }
        match self.variation() {
            Variation::Even | Variation::Poisson => {}
            Variation::Changing(parts) => doubts.push(Doubt {
                code: "B152",
                message: "the rate changes within a stage".to_owned(),
                help: format!("--stages {parts} follows it"),
            }),
            Variation::Bursts => doubts.push(Doubt {
                code: "B152",
                message: "the trace comes in bursts that no load type here repeats".to_owned(),
                help: "expect more queueing from the traffic itself than from this scenario"
                    .to_owned(),
            }),
        }
        if schedule.empty > 0 {
            doubts.push(Doubt {
                code: "B153",
                message: schedule.omission(),
                help: "fewer --stages have none without a request".to_owned(),
            });
        }
        doubts
    }
}

impl Schedule {
    /// What is not sent, in words.
    pub(super) fn omission(&self) -> String {
        let parts = self.empty + self.stages.len();
        let (verb, they) = if self.empty == 1 {
            ("holds", "is")
        } else {
            ("hold", "are")
        };
        format!(
            "{} of {parts} parts of the trace {verb} no request and {they} left out: {} s",
            self.empty, self.left_out
        )
    }
}
