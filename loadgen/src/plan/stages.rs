//! From a config to its stages.

use std::sync::Arc;

use bench_contract::config::{ApiType, Config, DataType, Distribution, Load, LoadType, Stage};
use bench_contract::{Seconds, TokenCount};

use super::adapters::Adapters;
use super::arrivals::{Process, Rates};
use super::lengths::Lengths;
use super::stage::{Schedule, StageSpec, Until};
use super::trace::Trace;

/// What inference-perf asks for where the data says nothing.
const DEFAULT_OUTPUT: TokenCount = 30;

/// inference-perf's mock prompt is about so many tokens.
const MOCK_INPUT: TokenCount = 4;

/// The stages of a config that passed its checks, the warm-up first where there is one. `trace` is the one that `load.trace`
/// names.
///
/// # Errors
/// When the config asks for a load that cannot be generated.
pub fn stages(config: &Config, trace: Option<&Trace>) -> Result<Vec<StageSpec>, String> {
    let load = &config.load;
    let data = &config.data;
    let traced = trace.filter(|_| load.kind == LoadType::TraceReplay);
    let of_trace = |side: fn(&Trace) -> &Arc<[TokenCount]>| traced.map(|trace| side(trace).clone());
    let input = lengths(
        data.kind,
        data.input_distribution.as_ref(),
        of_trace(|trace| &trace.input),
        MOCK_INPUT,
    );
    let output = lengths(
        data.kind,
        data.output_distribution.as_ref(),
        of_trace(|trace| &trace.output),
        DEFAULT_OUTPUT,
    );
    // Embeddings have no reply of any length.
    let output = if config.api.kind == ApiType::Embeddings {
        Lengths::none()
    } else {
        output
    };
    let adapters = Adapters::of(load);
    let mut specs = Vec::new();
    for (number, stage) in (0u32..).zip(load.run_stages()) {
        let of = |stage: &Stage, duration| {
            schedule(load, stage, duration, data.trace.is_some(), traced)
                .map_err(|reason| format!("load.stages[{number}] {reason}"))
        };
        let spec = StageSpec {
            number,
            warmup: false,
            schedule: of(&stage, None)?,
            before: 0,
            has_turns: data.conversations().is_some(),
            input: input.clone(),
            output: output.clone(),
            cancel: load.cancel.clone(),
            max_in_flight: load.max_in_flight,
            adapters: adapters.clone(),
        };
        if let (0, Some(warmup)) = (number, &load.warmup) {
            specs.push(StageSpec {
                warmup: true,
                schedule: of(&stage, Some(warmup.duration))?,
                ..spec.clone()
            });
        }
        specs.push(spec);
    }
    Ok(specs)
}

/// When requests of a stage are sent; with `warmup`, those of a warm-up of that length, which begins as the stage does.
fn schedule(
    load: &Load,
    stage: &Stage,
    warmup: Option<Seconds>,
    whole_trace: bool,
    trace: Option<&Trace>,
) -> Result<Schedule, String> {
    let process = match load.kind {
        LoadType::Constant => Process::Constant,
        LoadType::Poisson => Process::Poisson,
        LoadType::Gamma => Process::Gamma(load.burstiness.ok_or("has no burstiness")?),
        LoadType::Concurrent => return closed(stage, warmup),
        LoadType::TraceReplay => {
            let (named, read) = load.trace.as_ref().zip(trace).ok_or("has no trace")?;
            return Ok(replay(
                read,
                named.speedup().get(),
                stage,
                warmup,
                whole_trace,
            ));
        }
        LoadType::TraceSessionReplay => return Err("cannot be generated".to_owned()),
    };
    let rate = stage.rate.ok_or("has no rate")?;
    let rates = match warmup {
        Some(duration) => Rates::new(rate, rate, duration),
        None => Rates::new(
            rate,
            stage.end_rate.unwrap_or(rate),
            stage.duration.ok_or("has no duration")?,
        ),
    };
    Ok(Schedule::Rate { process, rates })
}

fn closed(stage: &Stage, warmup: Option<Seconds>) -> Result<Schedule, String> {
    let lanes = stage.concurrency_level.ok_or("has no concurrency_level")?;
    let until = match (warmup.or(stage.duration), stage.num_requests) {
        (Some(duration), _) => Until::Seconds(duration.get()),
        (None, Some(count)) => Until::Requests(count),
        (None, None) => return Err("has neither num_requests nor duration".to_owned()),
    };
    Ok(Schedule::Closed { lanes, until })
}

/// A trace as it is, or up to the stage's duration. A stage with a rate is one of inference-perf's, which takes as many
/// requests as rate x duration are, unless the lengths are those of a trace too.
fn replay(
    trace: &Trace,
    speedup: f64,
    stage: &Stage,
    warmup: Option<Seconds>,
    whole_trace: bool,
) -> Schedule {
    let duration = match (warmup, stage.rate) {
        (Some(duration), _) => Some(duration.get()),
        (None, None) => stage.duration.map(Seconds::get),
        (None, Some(_)) => None,
    };
    let most = match (stage.rate, stage.duration) {
        (Some(rate), Some(duration)) if warmup.is_none() && !whole_trace => {
            Rates::new(rate, rate, duration).total()
        }
        _ => f64::INFINITY,
    };
    Schedule::Replay {
        due_ns: trace.due_ns(speedup, duration, most).into(),
        speedup,
        duration,
    }
}

fn lengths(
    kind: DataType,
    distribution: Option<&Distribution>,
    traced: Option<Arc<[TokenCount]>>,
    otherwise: TokenCount,
) -> Lengths {
    match (kind, distribution, traced) {
        (DataType::Mock, ..) | (_, None, None) => Lengths::fixed(otherwise),
        (_, None, Some(lengths)) => Lengths::listed(lengths),
        (_, Some(given), _) => Lengths::from_config(given),
    }
}
