//! A scenario with nothing left out: what a preset and its changes amount to.

use bench_contract::config::{
    Cancel, LoraShare, ReplayTrace, Stage, SweepType, TraceFormat, Warmup,
};
use bench_contract::{Burstiness, Seconds, TokenCount};
use bench_yaml::pointer_push;

use super::raw::{
    Scenario as RawScenario, ScenarioData, ScenarioLoad, ValuesDataType, ValuesDistribution,
    ValuesDistributionType, ValuesLoadType,
};
use crate::problem::Problem;

/// A scenario that can run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scenario {
    pub(super) description: String,
    pub(super) kind: ValuesDataType,
    pub(super) input: Option<Lengths>,
    pub(super) output: Option<Lengths>,
    pub(super) path: Option<String>,
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

/// Lengths in tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lengths {
    pub(super) kind: Option<ValuesDistributionType>,
    pub(super) mean: f64,
    pub(super) std_dev: f64,
    pub(super) min: TokenCount,
    pub(super) max: TokenCount,
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
    let mut missing = Missing {
        problems: Vec::new(),
    };
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
        (Some((kind, input, output, path)), Some(load)) if missing.problems.is_empty() => {
            Ok(Scenario {
                description: raw.description.clone().unwrap_or_default(),
                kind,
                input,
                output,
                path,
                ..load
            })
        }
        _ => Err(missing.problems),
    }
}

type Data = (
    ValuesDataType,
    Option<Lengths>,
    Option<Lengths>,
    Option<String>,
);

fn complete_data(data: &ScenarioData, pointer: &str, missing: &mut Missing) -> Option<Data> {
    let kind = missing.value(data.kind, pointer, "type", "type: synthetic");
    let mut side = |lengths: &Option<ValuesDistribution>, name: &str| {
        lengths
            .as_ref()
            .map(|lengths| complete_lengths(lengths, &join(pointer, name), missing))
    };
    let input = side(&data.input, "input");
    let output = side(&data.output, "output");
    // Whether a type needs lengths at all is for the check of the config to say.
    let flat = |lengths: Option<Option<Lengths>>| match lengths {
        None => Some(None),
        Some(lengths) => lengths.map(Some),
    };
    let (input, output) = (flat(input)?, flat(output)?);
    let kind = kind?;
    // Mock prompts have no lengths; a preset's are left over when a user changes nothing but the type.
    let (input, output) = if kind == ValuesDataType::Mock {
        (None, None)
    } else {
        (input, output)
    };
    Some((kind, input, output, data.path.clone()))
}

fn complete_lengths(
    lengths: &ValuesDistribution,
    pointer: &str,
    missing: &mut Missing,
) -> Option<Lengths> {
    let is_fixed = lengths.kind == Some(ValuesDistributionType::Fixed);
    let is_uniform = lengths.kind == Some(ValuesDistributionType::Uniform);
    let mean = match (lengths.mean, lengths.min, lengths.max) {
        (None, Some(min), Some(max)) if is_uniform => {
            Some(f64::midpoint(f64::from(min), f64::from(max)))
        }
        (mean, ..) => missing.value(mean, pointer, "mean", "mean: 512"),
    };
    let std_dev = match lengths.std_dev {
        None if is_fixed || is_uniform => Some(0.0),
        std_dev => missing.value(std_dev, pointer, "stdDev", "stdDev: 0"),
    };
    let min = missing.value(lengths.min, pointer, "min", "min: 1");
    let max = missing.value(lengths.max, pointer, "max", "max: 4096");
    Some(Lengths {
        kind: lengths.kind,
        mean: mean?,
        std_dev: std_dev?,
        min: min?,
        max: max?,
    })
}

fn complete_load(load: &ScenarioLoad, pointer: &str, missing: &mut Missing) -> Option<Scenario> {
    let kind = missing.value(load.kind, pointer, "type", "type: poisson");
    Some(Scenario {
        description: String::new(),
        kind: ValuesDataType::Mock,
        input: None,
        output: None,
        path: None,
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
struct Missing {
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

    fn value<T>(
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
