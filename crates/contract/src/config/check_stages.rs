//! Whether the stages that an objective names are there.

use super::Config;
use super::problem::{KeyPath, Problems};
use crate::slo::{Slo, SloStages};

impl Config {
    /// Checks the stages of an objective that stands at `path`. A sweep has as many as it finds.
    pub(super) fn check_slo_stages(&self, path: &KeyPath, slo: &Slo, found: &mut Problems) {
        let SloStages::Of(numbers) = &slo.stages else {
            return;
        };
        let path = path.key("stages");
        if numbers.is_empty() {
            found.error(
                path,
                "the list names no stage, so that the objective is never judged",
                "name stages by their numbers, for example [0], or leave it out for all",
            );
            return;
        }
        for (place, number) in numbers.iter().enumerate() {
            if numbers[..place].contains(number) {
                found.error(
                    path.index(place),
                    format!("stage {number} is named twice"),
                    "remove one",
                );
            }
        }
        let all = self.load.run_stages().len();
        if self.load.sweep.is_some() || all == 0 {
            return;
        }
        for (place, number) in numbers.iter().enumerate() {
            if usize::try_from(*number).is_ok_and(|number| number >= all) {
                let (message, help) = match all {
                    1 => (
                        format!("there is no stage {number}: there is one, and it is stage 0"),
                        "write 0, or leave `stages` out".to_owned(),
                    ),
                    _ => (
                        format!("there is no stage {number}: there are {all}, counted from 0"),
                        format!("the last is {}", all - 1),
                    ),
                };
                found.error(path.index(place), message, help);
            }
        }
    }
}
