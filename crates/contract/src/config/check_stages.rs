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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_objective_names_stages_that_are_there() {
        let problems = |load: Value, stages: Value| -> Vec<(String, String)> {
            let slo = json!([{"metric": "error_rate", "max": 0.1, "stages": stages}]);
            let config = json!({"load": load, "slo": slo});
            let found = serde_json::from_value::<Config>(config).unwrap().check();
            found
                .iter()
                .filter(|problem| problem.path.to_string().starts_with("slo"))
                .map(|problem| (problem.path.to_string(), problem.message.to_string()))
                .collect()
        };
        let two = json!({"stages": [{"rate": 1, "duration": 60}, {"rate": 2, "duration": 60}]});
        for stages in [json!("each"), json!("whole"), json!([0, 1]), json!([1])] {
            assert_eq!(problems(two.clone(), stages), []);
        }
        let of = |stages: Value| problems(two.clone(), stages);
        assert_eq!(
            of(json!([0, 2])),
            [(
                "slo[0].stages[1]".to_owned(),
                "there is no stage 2: there are 2, counted from 0".to_owned()
            )]
        );
        assert!(of(json!([1, 1]))[0].1.contains("named twice"));
        assert!(of(json!([]))[0].1.contains("names no stage"));
        // Steps of a climb are stages of their own; those of a sweep are not known.
        let steps = json!({"stages": [{"rate": 1, "end_rate": 3, "steps": 3, "duration": 60}]});
        assert_eq!(problems(steps.clone(), json!([2])), []);
        assert_eq!(problems(steps, json!([3])).len(), 1);
        let sweep = json!({"stages": [], "sweep": {"type": "geometric"}});
        assert_eq!(problems(sweep, json!([7])), []);
    }
}
