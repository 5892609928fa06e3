//! A stage's plan: one list of due times and lengths, dealt to workers by index.

use bench_contract::config::{Config, DataType, LoadType};
use bench_contract::{RequestsPerSecond, Seconds, StageLoad, TokenCount};

use super::arrivals::{Process, arrivals};
use super::lengths::Lengths;
use super::random::Purpose;

/// The stage number that seeds the warm-up: no stage of a config reaches it.
const WARMUP_STAGE: u32 = u32::MAX;

/// What inference-perf asks for where the data says nothing.
const DEFAULT_OUTPUT: TokenCount = 30;

/// What a stage is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSpec {
    /// Its number in reports, from 0; the warm-up has 0 too.
    pub number: u32,
    /// Whether it is the warm-up.
    pub warmup: bool,
    /// The arrival process.
    pub process: Process,
    /// Requests per second.
    pub rate: RequestsPerSecond,
    /// How long requests are due.
    pub duration: Seconds,
    /// Prompt lengths.
    pub input: Lengths,
    /// Reply lengths.
    pub output: Lengths,
}

/// One planned request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Place in the stage's plan, from 0.
    pub index: u64,
    /// Due time from the stage's time zero, in nanoseconds.
    pub due_ns: u64,
    /// Prompt length asked for, in tokens.
    pub input_tokens: TokenCount,
    /// Reply length asked for, in tokens.
    pub output_tokens: TokenCount,
}

/// Every request of a stage, in order of due time.
#[derive(Clone, Debug, PartialEq)]
pub struct StagePlan {
    /// What it was made from.
    pub spec: StageSpec,
    /// The requests.
    pub requests: Vec<Planned>,
}

impl StageSpec {
    /// The number that this stage's draws are seeded with.
    #[must_use]
    pub fn seed_stage(&self) -> u32 {
        if self.warmup {
            WARMUP_STAGE
        } else {
            self.number
        }
    }

    /// What people call it: `warm-up`, or `stage N`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.warmup {
            "warm-up".to_owned()
        } else {
            format!("stage {}", self.number)
        }
    }

    /// Its name in request ids: `warmup`, or its number.
    #[must_use]
    pub fn label(&self) -> String {
        if self.warmup {
            "warmup".to_owned()
        } else {
            self.number.to_string()
        }
    }

    /// How many requests its plan has.
    #[must_use]
    pub fn count(&self, seed: u64) -> u64 {
        arrivals(
            self.process,
            self.rate,
            self.duration,
            seed,
            self.seed_stage(),
        )
        .len() as u64
    }

    /// The plan of this stage: a function of the spec and `seed` alone.
    #[must_use]
    pub fn plan(&self, seed: u64) -> StagePlan {
        let stage = self.seed_stage();
        let due = arrivals(self.process, self.rate, self.duration, seed, stage);
        let requests = (0u64..).zip(due).map(|(index, due_ns)| Planned {
            index,
            due_ns,
            input_tokens: self.input.draw(seed, stage, Purpose::InputLength, index),
            output_tokens: self.output.draw(seed, stage, Purpose::OutputLength, index),
        });
        StagePlan {
            spec: self.clone(),
            requests: requests.collect(),
        }
    }

    /// What the report says was asked for.
    #[must_use]
    pub fn load(&self) -> StageLoad {
        StageLoad {
            kind: self.process.as_str().to_owned(),
            rate: self.rate.get(),
            duration_s: self.duration.get(),
        }
    }
}

impl StagePlan {
    /// The requests of worker `worker` of `workers`, in order of due time.
    pub fn share(&self, worker: usize, workers: usize) -> impl Iterator<Item = &Planned> {
        self.requests.iter().skip(worker).step_by(workers)
    }
}

/// The stages of a config that passed its checks, the warm-up first where there is one.
///
/// # Errors
/// When the config asks for a load or a distribution that cannot be generated.
pub fn stages(config: &Config) -> Result<Vec<StageSpec>, String> {
    let process = match config.load.kind {
        LoadType::Constant => Process::Constant,
        LoadType::Poisson => Process::Poisson,
        other => {
            return Err(format!(
                "load.type `{}` cannot be generated",
                other.as_str()
            ));
        }
    };
    let input = lengths(config, config.data.input_distribution.as_ref(), MOCK_INPUT)?;
    let output = lengths(
        config,
        config.data.output_distribution.as_ref(),
        DEFAULT_OUTPUT,
    )?;
    let mut specs = Vec::new();
    for (number, stage) in (0u32..).zip(&config.load.stages) {
        let (Some(rate), Some(duration)) = (stage.rate, stage.duration) else {
            return Err(format!("load.stages[{number}] has no rate or no duration"));
        };
        let spec = StageSpec {
            number,
            warmup: false,
            process,
            rate,
            duration,
            input: input.clone(),
            output: output.clone(),
        };
        if let (0, Some(warmup)) = (number, &config.load.warmup) {
            specs.push(StageSpec {
                warmup: true,
                duration: warmup.duration,
                ..spec.clone()
            });
        }
        specs.push(spec);
    }
    Ok(specs)
}

/// inference-perf's mock prompt is about so many tokens.
const MOCK_INPUT: TokenCount = 4;

fn lengths(
    config: &Config,
    distribution: Option<&bench_contract::config::Distribution>,
    otherwise: TokenCount,
) -> Result<Lengths, String> {
    match (config.data.kind, distribution) {
        (DataType::Mock, _) | (_, None) => Ok(Lengths::fixed(otherwise)),
        (_, Some(given)) => Lengths::from_config(given)
            .ok_or_else(|| "a distribution of `data` cannot be drawn from".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config() -> Config {
        serde_json::from_value(serde_json::json!({
            "data": {"type": "synthetic",
                "input_distribution": {"mean": 100, "std_dev": 50, "min": 10, "max": 400},
                "output_distribution": {"mean": 20, "std_dev": 5, "min": 1, "max": 40}},
            "load": {"type": "poisson", "stages": [{"rate": 20, "duration": 5}, {"rate": 50, "duration": 5}],
                "warmup": {"duration": 2}}
        }))
        .unwrap()
    }

    #[test]
    fn the_warmup_comes_first_and_shares_no_draws_with_the_stages() {
        let specs = stages(&config()).unwrap();
        assert_eq!(
            specs
                .iter()
                .map(|s| (s.number, s.warmup))
                .collect::<Vec<_>>(),
            [(0, true), (0, false), (1, false)]
        );
        assert_ne!(
            specs[0].plan(1).requests[0].due_ns,
            specs[1].plan(1).requests[0].due_ns
        );
    }

    proptest! {
        #[test]
        fn the_workers_shares_are_the_plan(seed: u64, workers in 1usize..9) {
            for spec in stages(&config()).unwrap() {
                let plan = spec.plan(seed);
                let mut union: Vec<Planned> =
                    (0..workers).flat_map(|worker| plan.share(worker, workers).copied().collect::<Vec<_>>()).collect();
                union.sort_by_key(|request| request.index);
                prop_assert_eq!(union, plan.requests);
            }
        }
    }
}
