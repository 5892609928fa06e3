//! `load`: when requests are sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::factor::{Burstiness, Speedup};
use crate::units::{Probability, RequestsPerSecond, Seconds, serialize_number};

/// More steps than this in one ramp are a ramp without steps.
pub(super) const MOST_STEPS: u32 = 1000;

/// When requests are sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Load {
    /// The arrival process.
    #[serde(rename = "type")]
    pub kind: LoadType,
    /// Pause after each stage's drain. Default 1 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Seconds>,
    /// The stages, in sequence.
    pub stages: Vec<Stage>,
    /// Find the stages by searching for the saturation point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// At most so many worker threads; never more than the CPUs of the cgroup. Default: one a CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_workers: Option<u32>,
    /// inference-perf's cap on requests in flight per worker. Read and not applied: the load is open, and a cap that is
    /// meant is `max_in_flight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_max_concurrency: Option<u32>,
    /// inference-perf's cap on connections per worker. Read and not used: there is no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_max_tcp_connections: Option<u32>,
    /// `trace_replay`: the trace that says when requests arrive and how long they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<ReplayTrace>,
    /// Names of circuit breakers. Refused when not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breakers: Option<Vec<String>>,
    /// Time limit of a whole request. Default 300 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<Seconds>,
    /// LoRA adapters and their shares of the requests, drawn from the seed: each is asked for in place of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lora_traffic_split: Option<Vec<LoraShare>>,
    /// inference-perf's seed; read where `seed` is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_seed: Option<u64>,
    /// The seed of arrivals, lengths and prompts (ours). 0 or absent: derived from the run id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Requests before the first stage, counted apart (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Warmup>,
    /// `gamma`: how bursty arrivals are (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burstiness: Option<Burstiness>,
    /// Requests that the client gives up, as people do (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// At most so many requests in flight at once, over all workers (ours). A request that is due beyond it is not sent,
    /// which makes its stage invalid. Default: no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_in_flight: Option<u32>,
}

impl Load {
    /// The stages as they are run, one after the other: those that climb in steps taken apart, and one that replays the
    /// whole trace where `trace_replay` has none.
    #[must_use]
    pub fn run_stages(&self) -> Vec<Stage> {
        if self.stages.is_empty() && self.kind == LoadType::TraceReplay {
            return vec![Stage::default()];
        }
        self.stages.iter().flat_map(Stage::in_steps).collect()
    }

    /// The seed that is written down, if one is: `seed`, else `base_seed`, where 0 means none.
    #[must_use]
    pub fn given_seed(&self) -> Option<u64> {
        self.seed.or(self.base_seed).filter(|&seed| seed != 0)
    }

    /// The time limit of a whole request.
    #[must_use]
    pub fn request_timeout(&self) -> Seconds {
        self.request_timeout.unwrap_or(Seconds::whole(300))
    }

    /// The pause after each stage's drain.
    #[must_use]
    pub fn interval(&self) -> Seconds {
        self.interval.unwrap_or(Seconds::whole(1))
    }
}

/// The arrival process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadType {
    /// Equal gaps: arrival k at k / rate.
    #[default]
    Constant,
    /// Independent exponential gaps until the duration ends; the count is random.
    Poisson,
    /// Independent gamma gaps until the duration ends: burstier or more even than `poisson` (ours).
    Gamma,
    /// Closed loop: so many requests at once, each followed by the next as soon as it ends.
    Concurrent,
    /// Arrivals and lengths of a trace.
    TraceReplay,
    /// Sessions of a trace.
    TraceSessionReplay,
}

impl LoadType {
    /// The name in config and values.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::Gamma => "gamma",
            Self::Concurrent => "concurrent",
            Self::TraceReplay => "trace_replay",
            Self::TraceSessionReplay => "trace_session_replay",
        }
    }

    /// Whether its stages have a rate.
    #[must_use]
    pub fn has_rate(self) -> bool {
        matches!(self, Self::Constant | Self::Poisson | Self::Gamma)
    }
}

/// One stage: a rate held for a duration, or one that climbs or falls. The other keys belong to other load types.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Stage {
    /// Requests per second; at the start, where there is an `end_rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RequestsPerSecond>,
    /// Requests per second at the end of the stage: the rate changes linearly, or in `steps` (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_rate: Option<RequestsPerSecond>,
    /// With `end_rate`: so many stages of equal length instead of one, from `rate` to `end_rate` (ours). At least 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub steps: Option<u32>,
    /// How long, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Seconds>,
    /// `concurrent`: how many requests in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_requests: Option<u64>,
    /// `concurrent`: how many at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_level: Option<u32>,
}

impl Stage {
    /// A stage of `rate` for `duration`.
    #[must_use]
    pub fn new(rate: RequestsPerSecond, duration: Seconds) -> Self {
        Self {
            rate: Some(rate),
            duration: Some(duration),
            ..Self::default()
        }
    }

    /// The stages that this one stands for: itself, or its steps, where they are as many as a ramp can have.
    #[must_use]
    pub fn in_steps(&self) -> Vec<Self> {
        let (Some(first), Some(last), Some(steps)) = (
            self.rate,
            self.end_rate,
            self.steps.filter(|n| (2..=MOST_STEPS).contains(n)),
        ) else {
            return vec![self.clone()];
        };
        let (first, last, count) = (first.get(), last.get(), f64::from(steps));
        (0..steps)
            .map(|step| {
                let rate = first + (last - first) * f64::from(step) / (count - 1.0);
                // A step between two positive rates is one; nine digits, so that reports show what was meant.
                let rate = RequestsPerSecond::new((rate * 1e9).round() / 1e9).ok();
                let duration = self
                    .duration
                    .and_then(|whole| Seconds::new(whole.get() / count).ok());
                Self {
                    rate: rate.or(self.rate),
                    end_rate: None,
                    steps: None,
                    duration,
                    ..self.clone()
                }
            })
            .collect()
    }
}

/// inference-perf's `load.sweep`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sweep {
    /// How the stages are spread below the saturation point.
    #[serde(rename = "type")]
    pub kind: SweepType,
    /// Requests of the probe. Default 2000.
    #[serde(default = "Sweep::default_num_requests")]
    pub num_requests: u64,
    /// Time limit of the probe. Default 60 s.
    #[serde(default = "Sweep::default_timeout")]
    pub timeout: Seconds,
    /// How many stages. Default 5.
    #[serde(default = "Sweep::default_num_stages")]
    pub num_stages: u32,
    /// How long a stage lasts. Default 180 s.
    #[serde(default = "Sweep::default_stage_duration")]
    pub stage_duration: Seconds,
    /// Which percentile of the probe's completion rates counts as saturation, in `[0, 100]`. Default 95.
    #[serde(
        default = "Sweep::default_saturation_percentile",
        serialize_with = "percentile"
    )]
    pub saturation_percentile: f64,
}

impl Sweep {
    fn default_num_requests() -> u64 {
        2000
    }
    fn default_timeout() -> Seconds {
        Seconds::whole(60)
    }
    fn default_num_stages() -> u32 {
        5
    }
    fn default_stage_duration() -> Seconds {
        Seconds::whole(180)
    }
    fn default_saturation_percentile() -> f64 {
        95.0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn percentile<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serialize_number(*value, serializer)
}

/// How a sweep's stages are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SweepType {
    /// Close together near saturation.
    Geometric,
    /// Equally far apart.
    Linear,
}

/// Requests before the first stage, sent as its first stage would and counted apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warmup {
    /// How long.
    pub duration: Seconds,
}

/// A share of requests that the client drops some time after sending them, as people do who do not wait for the end. Which
/// ones is drawn from the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cancel {
    /// The share of requests, in `[0, 1)`.
    pub fraction: Probability,
    /// How long after it was sent such a request is dropped, if it has not ended by then.
    pub after: Seconds,
}

/// A LoRA adapter and its share of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoraShare {
    /// The adapter, as the server calls it.
    pub name: String,
    /// Its share, in `[0, 1]`; all of them add up to 1.
    #[serde(serialize_with = "percentile")]
    pub split: f64,
}

/// A trace to replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayTrace {
    /// Path of the file, in the pod: a CSV of the format, or `requests.jsonl` or `requests.jsonl.zst` of an earlier run.
    pub file: String,
    /// The format of a CSV.
    #[serde(default)]
    pub format: super::TraceFormat,
    /// How many times as fast as it was recorded (ours). Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speedup: Option<Speedup>,
}

impl ReplayTrace {
    /// How many times as fast as it was recorded.
    #[must_use]
    pub fn speedup(&self) -> Speedup {
        self.speedup.unwrap_or_default()
    }
}
