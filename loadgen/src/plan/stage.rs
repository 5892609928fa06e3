//! A stage: what it is to do, and the plan that follows from it and the seed.

use std::sync::Arc;

use bench_contract::config::{Cancel, LoadType};
use bench_contract::{CancelLoad, StageLoad, TokenCount};

use super::adapters::Adapters;
use super::arrivals::{Process, Rates, arrivals};
use super::lengths::Lengths;
use super::random::{self, Purpose};
use super::script::TURNS;

/// The stage number that seeds the warm-up: no stage of a config reaches it.
const WARMUP_STAGE: u32 = u32::MAX;

/// What a stage is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSpec {
    /// Its number in reports, from 0; the warm-up has 0 too.
    pub number: u32,
    /// Whether it is the warm-up.
    pub warmup: bool,
    /// What says when a request is sent.
    pub schedule: Schedule,
    /// How many requests (of conversations: how many of those) the run has before this stage, so that a data set goes on
    /// where the stage before has ended.
    pub before: u64,
    /// Whether its requests begin conversations.
    pub has_turns: bool,
    /// Prompt lengths.
    pub input: Lengths,
    /// Reply lengths.
    pub output: Lengths,
    /// Which requests are given up.
    pub cancel: Option<Cancel>,
    /// The most requests in flight at once.
    pub max_in_flight: Option<u32>,
    /// Which adapters requests ask for.
    pub adapters: Option<Adapters>,
}

/// What says when a request is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// A process at a rate, whatever the server does.
    Rate {
        /// The process.
        process: Process,
        /// Its rate and how long it lasts.
        rates: Rates,
    },
    /// The instants of a trace, whatever the server does.
    Replay {
        /// Nanoseconds from the stage's time zero, ascending.
        due_ns: Arc<[u64]>,
        /// How many times as fast as recorded that is.
        speedup: f64,
        /// Where the stage ends, in seconds, if it is not the end of the trace.
        duration: Option<f64>,
    },
    /// A closed loop: each request follows the end of another one.
    Closed {
        /// How many at once.
        lanes: u32,
        /// When it ends.
        until: Until,
    },
}

/// When a closed loop sends no more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// After so many requests.
    Requests(u64),
    /// So many seconds after its time zero.
    Seconds(f64),
}

/// One planned request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Place in the stage's plan, from 0.
    pub index: u64,
    /// Due time from the stage's time zero, in nanoseconds. In a closed loop nobody knows it before its lane is free.
    pub due_ns: u64,
    /// Prompt length asked for, in tokens.
    pub input_tokens: TokenCount,
    /// Reply length asked for, in tokens.
    pub output_tokens: TokenCount,
    /// How long after it was sent it is given up, in nanoseconds, if that was drawn for it.
    pub cancel_after_ns: Option<u64>,
    /// The place of the adapter that it asks for in place of the model.
    pub adapter: Option<u16>,
}

/// Every request of a stage, in order of due time. When each is due is held, eight bytes a request; all else is a function
/// of the seed and the index, made when it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct StagePlan {
    /// What it was made from.
    pub spec: StageSpec,
    seed: u64,
    due_ns: Arc<[u64]>,
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

    /// How many requests its plan has; none where the server decides.
    #[must_use]
    pub fn count(&self, seed: u64) -> Option<u64> {
        self.plan(seed).len()
    }

    /// The plan of this stage: a function of the spec and `seed` alone.
    #[must_use]
    pub fn plan(&self, seed: u64) -> StagePlan {
        let due_ns = match &self.schedule {
            Schedule::Rate { process, rates } => {
                arrivals(*process, *rates, seed, self.seed_stage()).into()
            }
            Schedule::Replay { due_ns, .. } => due_ns.clone(),
            Schedule::Closed { .. } => [].into(),
        };
        StagePlan {
            spec: self.clone(),
            seed,
            due_ns,
        }
    }

    /// How long requests are due, in seconds; none where the server decides.
    #[must_use]
    pub fn duration(&self) -> Option<f64> {
        match &self.schedule {
            Schedule::Rate { rates, .. } => Some(rates.duration()),
            Schedule::Replay {
                due_ns, duration, ..
            } => {
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53 ns")]
                let last = due_ns.last().map_or(0.0, |&at| at as f64 / 1e9);
                Some(duration.unwrap_or(last))
            }
            Schedule::Closed { until, .. } => match until {
                Until::Requests(_) => None,
                Until::Seconds(seconds) => Some(*seconds),
            },
        }
    }

    /// What the report says was asked for.
    #[must_use]
    pub fn load(&self) -> StageLoad {
        let mut load = StageLoad {
            conversations: self.has_turns,
            duration_s: self.duration(),
            cancel: self.cancel.as_ref().map(|cancel| CancelLoad {
                fraction: cancel.fraction.get(),
                after_s: cancel.after.get(),
            }),
            max_in_flight: self.max_in_flight,
            ..StageLoad::default()
        };
        match &self.schedule {
            Schedule::Rate { process, rates } => {
                let (first, last) = rates.ends();
                load.rate = Some(first);
                load.end_rate = Some(last).filter(|&last| last.to_bits() != first.to_bits());
                (load.kind, load.burstiness) = match process {
                    Process::Constant => (LoadType::Constant, None),
                    Process::Poisson => (LoadType::Poisson, None),
                    Process::Gamma(burstiness) => (LoadType::Gamma, Some(burstiness.get())),
                };
            }
            Schedule::Replay {
                due_ns, speedup, ..
            } => {
                load.kind = LoadType::TraceReplay;
                load.requests = Some(due_ns.len() as u64);
                load.speedup = Some(*speedup);
            }
            Schedule::Closed { lanes, until } => {
                load.kind = LoadType::Concurrent;
                load.concurrency = Some(*lanes);
                load.requests = match until {
                    Until::Requests(count) => Some(*count),
                    Until::Seconds(_) => None,
                };
            }
        }
        load
    }
}

impl StagePlan {
    /// How many requests there are; none where the server decides.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self.spec.schedule {
            Schedule::Rate { .. } | Schedule::Replay { .. } => Some(self.due_ns.len() as u64),
            Schedule::Closed { until, .. } => match until {
                Until::Requests(count) => Some(count),
                Until::Seconds(_) => None,
            },
        }
    }

    /// Whether there is no request at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Request `index`; of conversations, the first turn of this one.
    #[must_use]
    pub fn planned(&self, index: u64) -> Planned {
        let (spec, stage) = (&self.spec, self.spec.seed_stage());
        let draw = |lengths: &Lengths, purpose| lengths.draw(self.seed, stage, purpose, index);
        let place = if spec.has_turns { index * TURNS } else { index };
        Planned {
            index,
            due_ns: self.due_ns(index),
            input_tokens: draw(&spec.input, Purpose::InputLength),
            output_tokens: draw(&spec.output, Purpose::OutputLength),
            cancel_after_ns: self.cancel_after_ns(place),
            adapter: (spec.adapters.as_ref())
                .map(|adapters| adapters.draw(self.seed, stage, index)),
        }
    }

    /// A later turn of conversation `session`: as its first one, but for what is known only when it begins.
    #[must_use]
    pub fn turn(&self, session: u64, turn: u32) -> Planned {
        Planned {
            cancel_after_ns: self.cancel_after_ns(session * TURNS + u64::from(turn)),
            ..self.planned(session)
        }
    }

    fn cancel_after_ns(&self, place: u64) -> Option<u64> {
        let cancel = self.spec.cancel.as_ref()?;
        let mut rng = random::stream(self.seed, self.spec.seed_stage(), Purpose::Cancel, place);
        let is_drawn = random::uniform(&mut rng) < cancel.fraction.get();
        is_drawn.then(|| cancel.after.as_nanos())
    }

    /// When request `index` is due, in nanoseconds from the stage's time zero; 0 where that is not planned.
    #[must_use]
    pub fn due_ns(&self, index: u64) -> u64 {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.due_ns.get(index).copied())
            .unwrap_or(0)
    }

    /// The places of worker `worker` of `workers` in a plan whose length is known, in order of due time.
    pub fn share(&self, worker: usize, workers: usize) -> impl Iterator<Item = u64> + use<> {
        (worker as u64..self.len().unwrap_or(0)).step_by(workers)
    }
}

#[cfg(test)]
mod tests;
