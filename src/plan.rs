//! What a run will do before it runs: requests, tokens, time, requests in flight, cost; and what it can never decide.
//!
//! Everything is computed from the config. How fast the server is nobody knows yet; what depends on it is Little's law
//! over an assumption that the plan states.

mod assumption;
mod decidable;
mod doubts;
mod lengths;
mod tokens;

use std::fmt;

pub use assumption::Assumption;
pub(crate) use assumption::milliseconds;
pub use doubts::doubts;

use bench_contract::config::{Connections, Load, LoadType, Stage};
use bench_contract::{Config, RequestsPerSecond, Seconds};
use serde::{Serialize, Serializer};

use crate::scenario::Run;
use lengths::Lengths;
pub(crate) use tokens::{LogNormal, mean_length};

/// Which stage it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageName {
    /// The one that is not measured.
    WarmUp,
    /// The one of this number.
    Measured(usize),
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WarmUp => f.write_str("warm-up"),
            Self::Measured(number) => write!(f, "{number}"),
        }
    }
}

impl Serialize for StageName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A stage before it runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StagePlan {
    /// `warm-up`, or its number.
    pub name: StageName,
    /// The arrival process.
    pub process: LoadType,
    /// Requests per second; at the start, where there is an `end_rate`. None for a closed loop and a trace.
    pub rate: Option<f64>,
    /// Requests per second at the end.
    pub end_rate: Option<f64>,
    /// Of a closed loop, how many requests at once.
    pub concurrency: Option<u32>,
    /// Seconds; of a closed loop that ends with its last request, if the server is as assumed. None for a whole trace.
    pub duration: Option<f64>,
    /// Requests; the mean of their number where that is random, and an estimate for a closed loop that ends by the clock.
    /// None for a trace, which only the pod can read.
    pub requests: Option<f64>,
    /// Tokens of all prompts; none where nothing says how long they are.
    pub input_tokens: Option<f64>,
    /// Tokens of all replies.
    pub output_tokens: Option<f64>,
    /// Mean number of requests in flight.
    pub in_flight: Option<f64>,
    /// What random arrivals exceed once in a thousand instants; the mean itself for `constant`.
    pub in_flight_peak: Option<f64>,
}

/// A run before it runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The scenario.
    pub scenario: String,
    /// What it answers.
    pub description: String,
    /// The engine.
    pub engine: &'static str,
    /// Base URL of the server.
    pub target: String,
    /// Warm-up and stages, in sequence; empty for a search, whose rates nobody knows yet.
    pub stages: Vec<StagePlan>,
    /// The search, in words.
    pub search: Option<String>,
    /// Requests of all stages that are known; those of a search up to its end.
    pub requests: f64,
    /// Tokens of all prompts.
    pub input_tokens: Option<f64>,
    /// Tokens of all replies.
    pub output_tokens: Option<f64>,
    /// Seconds from the first request to the last reply, if the server is as assumed.
    pub seconds: f64,
    /// The same if every stage drains for as long as a request may take; none where only the pod can know.
    pub seconds_at_most: Option<f64>,
    /// How long a request may take.
    pub request_timeout: f64,
    /// How long one takes, if the server is as assumed; above `request_timeout` it is given up.
    pub request_seconds: Option<f64>,
    /// Connections at once: as many as requests in flight.
    pub connections: Option<f64>,
    /// Whether each request opens its own.
    pub connections_are_fresh: bool,
    /// The assumption behind time and requests in flight.
    pub assumption: Assumption,
}

/// The plan of a run.
#[must_use]
pub fn plan(run: &Run, assumption: Assumption) -> Plan {
    let config = run.config("");
    let benchmark = run.benchmark();
    let lengths = Lengths::of(&config);
    let stages = stages(&config, lengths, assumption);
    let search = search(&config);
    let requests = stages
        .iter()
        .filter_map(|stage| stage.requests)
        .sum::<f64>()
        + search.as_ref().map_or(0.0, |search| search.requests);
    let tokens = |length: Option<f64>| length.map(|length| length * requests);
    let service = lengths.service(assumption).unwrap_or(0.0);
    let pauses = config.load.interval().get() + service;
    let seconds = stages
        .iter()
        .map(|stage| stage.duration.unwrap_or(0.0) + pauses)
        .sum::<f64>()
        + search.as_ref().map_or(0.0, |search| search.seconds);
    let peak = stages
        .iter()
        .filter_map(|stage| stage.in_flight_peak)
        .fold(None, |most: Option<f64>, peak| {
            Some(most.map_or(peak, |most| most.max(peak)))
        });
    Plan {
        scenario: run.scenario.clone(),
        description: run.description.clone(),
        engine: run.engine().as_str(),
        target: benchmark.target.base_url.clone(),
        input_tokens: tokens(lengths.input),
        output_tokens: tokens(lengths.output),
        requests,
        seconds,
        seconds_at_most: run.plan.map(Seconds::get),
        request_timeout: config.load.request_timeout().get(),
        request_seconds: lengths.whole(assumption),
        connections: peak,
        connections_are_fresh: benchmark.api.connections == Connections::Fresh,
        assumption,
        search: search.map(|search| search.words),
        stages,
    }
}

impl Plan {
    /// Whether there are requests that nobody can count yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.search.is_some() || self.stages.iter().any(|stage| stage.requests.is_none())
    }
}

fn stages(config: &Config, lengths: Lengths, assumption: Assumption) -> Vec<StagePlan> {
    let load = &config.load;
    let service = lengths.service(assumption);
    let stages = load.run_stages();
    let mut planned = Vec::new();
    if let (Some(warmup), Some(first)) = (&load.warmup, stages.first()) {
        let first = Stage {
            duration: Some(warmup.duration),
            end_rate: None,
            num_requests: None,
            ..first.clone()
        };
        planned.push(stage(StageName::WarmUp, load, &first, lengths, service));
    }
    for (number, next) in stages.iter().enumerate() {
        planned.push(stage(
            StageName::Measured(number),
            load,
            next,
            lengths,
            service,
        ));
    }
    planned
}

fn stage(
    name: StageName,
    load: &Load,
    stage: &Stage,
    lengths: Lengths,
    service: Option<f64>,
) -> StagePlan {
    let rate = stage.rate.map(RequestsPerSecond::get);
    let end_rate = stage.end_rate.map(RequestsPerSecond::get);
    let lanes = stage.concurrency_level.map(f64::from);
    let given = stage.duration.map(Seconds::get);
    // A closed loop is as fast as the server; what it sends and how long that takes follow from each other.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 requests")]
    let count = stage.num_requests.map(|count| count as f64 * lengths.turns);
    let (requests, duration) = match (rate, lanes) {
        (Some(rate), _) => {
            let mean = f64::midpoint(rate, end_rate.unwrap_or(rate));
            (given.map(|seconds| mean * seconds * lengths.turns), given)
        }
        (None, Some(lanes)) => {
            let per_second = service.map(|service| lanes / (service + lengths.think));
            let estimated = given.zip(per_second).map(|(seconds, rate)| seconds * rate);
            let lasts = count.zip(per_second).map(|(count, rate)| count / rate);
            (count.or(estimated), given.or(lasts))
        }
        (None, None) => (None, given),
    };
    // Little's law, at the rate that the stage has on the whole and at the highest.
    let mean_rate = requests
        .zip(duration)
        .map(|(count, seconds)| count / seconds);
    let in_flight = lanes.or(mean_rate.zip(service).map(|(rate, service)| rate * service));
    let fastest = rate.map(|rate| rate.max(end_rate.unwrap_or(rate)) * lengths.turns);
    let peak = fastest.zip(service).map(|(rate, service)| {
        let mean = rate * service;
        let spread = match load.kind {
            LoadType::Poisson => 1.0,
            // At most: within one reply's time, bursts even out in part.
            LoadType::Gamma => load
                .burstiness
                .map_or(1.0, |shape| (1.0 / shape.get()).max(1.0)),
            LoadType::Constant
            | LoadType::Concurrent
            | LoadType::TraceReplay
            | LoadType::TraceSessionReplay => 0.0,
        };
        mean + 3.09 * (mean * spread).sqrt()
    });
    let tokens = |length: Option<f64>| length.zip(requests).map(|(length, count)| length * count);
    StagePlan {
        name,
        process: load.kind,
        rate,
        end_rate,
        concurrency: stage.concurrency_level,
        duration,
        requests,
        input_tokens: tokens(lengths.input),
        output_tokens: tokens(lengths.output),
        in_flight,
        in_flight_peak: lanes.or(peak).map(f64::ceil),
    }
}

struct Search {
    words: String,
    requests: f64,
    seconds: f64,
}

/// A search sends its probe, and then stages whose rates it finds itself.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 requests")]
fn search(config: &Config) -> Option<Search> {
    let sweep = config.load.sweep.as_ref()?;
    let stages = f64::from(sweep.num_stages);
    let pause = config.load.interval().get();
    Some(Search {
        words: format!(
            "a probe of {} requests, at most {}, then {} stages of {} below the saturation that it finds",
            sweep.num_requests, sweep.timeout, sweep.num_stages, sweep.stage_duration
        ),
        requests: sweep.num_requests as f64,
        seconds: sweep.timeout.get() + pause + stages * (sweep.stage_duration.get() + pause),
    })
}

#[cfg(test)]
mod tests;
