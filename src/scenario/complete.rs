//! A scenario with nothing left out: what a preset and its changes amount to.

use bench_contract::config::{
    Cancel, LoraShare, ReplayTrace, Stage, SweepType, TraceFormat, Warmup,
};
use bench_contract::{Burstiness, Seconds};
use bench_yaml::pointer_push;

use super::data::{Prompts, complete_data};
use super::raw::{Scenario as RawScenario, ScenarioLoad, ValuesLoadType};
use crate::problem::Problem;

/// A scenario that can run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scenario {
    pub(super) description: String,
    pub(super) data: Prompts,
    pub(super) load: ValuesLoadType,
    pub(super) stages: Vec<Stage>,
    pub(super) sweep: Option<Sweep>,
    pub(super) num_workers: Option<u32>,
    pub(super) warmup: Option<Warmup>,
    pub(super) burstiness: Option<Burstiness>,
    pub(super) trace: Option<ReplayTrace>,
    pub(super) cancel: Option<Cancel>,
    pub(super) max_in_flight: Option<u32>,
    pub(super) adapters: Vec<LoraShare>,
}

/// A search for the saturation point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sweep {
    pub(super) kind: SweepType,
    pub(super) num_requests: u64,
    pub(super) timeout: Seconds,
    pub(super) num_stages: u32,
    pub(super) stage_duration: Seconds,
    pub(super) saturation_percentile: f64,
}

/// The scenario at `pointer`, or everything that is missing in it.
pub(super) fn complete(raw: &RawScenario, pointer: &str) -> Result<Scenario, Vec<Problem>> {
    let mut missing = Missing::default();
    let data = missing.section(
        raw.data.as_ref(),
        pointer,
        "data",
        "data: {type: synthetic, input: …, output: …}",
    );
    let load = missing.section(
        raw.load.as_ref(),
        pointer,
        "load",
        "load: {type: poisson, stages: [{rate: 15, duration: 600}]}",
    );
    let (Some((data, data_pointer)), Some((load, load_pointer))) = (data, load) else {
        return Err(missing.problems);
    };
    let data = complete_data(data, &data_pointer, &mut missing);
    let load = complete_load(load, &load_pointer, &mut missing);
    match (data, load) {
        (Some(data), Some(load)) if missing.problems.is_empty() => Ok(Scenario {
            description: raw.description.clone().unwrap_or_default(),
            data,
            ..load
        }),
        _ => Err(missing.problems),
    }
}

fn complete_load(load: &ScenarioLoad, pointer: &str, missing: &mut Missing) -> Option<Scenario> {
    let kind = missing.value(load.kind, pointer, "type", "type: poisson");
    Some(Scenario {
        description: String::new(),
        data: Prompts::default(),
        load: kind?,
        stages: load.stages.iter().flatten().map(Stage::from).collect(),
        sweep: load.sweep.as_ref().map(|sweep| Sweep {
            kind: sweep.kind,
            num_requests: sweep.num_requests.unwrap_or(2000),
            timeout: sweep.timeout.unwrap_or(Seconds::whole(60)),
            num_stages: sweep.num_stages.unwrap_or(5),
            stage_duration: sweep.stage_duration.unwrap_or(Seconds::whole(180)),
            saturation_percentile: sweep.saturation_percentile.unwrap_or(95.0),
        }),
        num_workers: load.num_workers,
        warmup: load.warmup.as_ref().map(|warmup| Warmup {
            duration: warmup.duration,
        }),
        burstiness: load.burstiness,
        trace: load.trace.as_ref().map(|trace| ReplayTrace {
            file: trace.file.clone(),
            format: TraceFormat::default(),
            speedup: trace.speedup,
        }),
        cancel: load.cancel.as_ref().map(|cancel| Cancel {
            fraction: cancel.fraction,
            after: cancel.after,
        }),
        max_in_flight: load.max_in_flight,
        adapters: (load.lora_traffic_split.iter().flatten())
            .map(|share| LoraShare {
                name: share.name.clone(),
                split: share.split,
            })
            .collect(),
    })
}

/// What is missing, as it is found.
#[derive(Default)]
pub(super) struct Missing {
    problems: Vec<Problem>,
}

impl Missing {
    fn section<'a, T>(
        &mut self,
        section: Option<&'a T>,
        pointer: &str,
        name: &str,
        example: &str,
    ) -> Option<(&'a T, String)> {
        let section = self.value(section, pointer, name, example)?;
        Some((section, join(pointer, name)))
    }

    /// A value that has to be there.
    pub(super) fn value<T>(
        &mut self,
        value: Option<T>,
        pointer: &str,
        name: &str,
        example: &str,
    ) -> Option<T> {
        if value.is_none() {
            self.problems.push(missing_key(pointer, name, example));
        }
        value
    }
}

/// A key that is not there and has no default.
pub(super) fn missing_key(pointer: &str, name: &str, example: &str) -> Problem {
    Problem::key(
        "B111",
        pointer,
        format!("{} has no `{name}`", bench_yaml::dotted(pointer)),
    )
    .absent(join(pointer, name))
    .label(format!("`{name}` is missing"))
    .help(format!("add it, for example `{example}`"))
}

/// `pointer` with one more step.
pub(crate) fn join(pointer: &str, step: &str) -> String {
    let mut joined = pointer.to_owned();
    pointer_push(&mut joined, step);
    joined
}
