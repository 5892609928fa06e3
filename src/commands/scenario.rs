//! `benchctl scenario`.

use serde_json::{Value, json};

use super::values::written;
use crate::cli::{Format, ScenarioArgs, ScenarioCommand, ValuesFlags};
use crate::diagnostics::located;
use crate::output::{Failure, Output};
use crate::pipeline::{Merged, Skip, is_built_in, merge};
use crate::problem::{Anchor, Problem};
use crate::scenario::raw::{Scenario, ScenarioLoad};
use crate::scenario::{catalog, unknown_scenario};

const NOTHING: &str = "nothing was shown";

pub(super) fn run(args: &ScenarioArgs, output: &Output) -> Result<(), Failure> {
    match &args.command {
        ScenarioCommand::List { values } => {
            let merged = merged(values)?;
            output.data(&table(&merged))
        }
        ScenarioCommand::Show { name, values } => {
            let merged = merged(values)?;
            output.data(&shown(name, &merged)?)
        }
    }
}

fn merged(values: &ValuesFlags) -> Result<Merged, Failure> {
    merge(&values.sources(), Skip::default()).map_err(|problems| Failure::of(problems, NOTHING))
}

/// A preset as it lies in `scenarios/`, comments and all; anything else, and a preset that was changed, as the values
/// have it.
fn shown(name: &str, merged: &Merged) -> Result<String, Failure> {
    let pointer = pointer(name);
    if let Some(preset) = catalog::preset(name)
        && merged.effective.layer_of(&pointer).is_some_and(is_built_in)
    {
        return Ok(preset.text.to_owned());
    }
    let Some(scenario) = merged.json.pointer(&pointer) else {
        let problem = unknown_scenario(name, &merged.values);
        let anchor = Anchor::Argument("NAME", name.to_owned());
        let problem = Problem { anchor, ..problem };
        return Err(Failure::of(vec![located(&problem, None)], NOTHING));
    };
    let mut scenarios = serde_json::Map::new();
    scenarios.insert(name.to_owned(), scenario.clone());
    let values: Value = json!({"benchmark": {"scenarios": scenarios}});
    written(&values, Format::Yaml)
}

fn pointer(name: &str) -> String {
    let mut pointer = "/benchmark/scenarios".to_owned();
    bench_yaml::pointer_push(&mut pointer, name);
    pointer
}

fn table(merged: &Merged) -> String {
    let mut rows = vec![[
        "NAME".to_owned(),
        "FROM".to_owned(),
        "LOAD".to_owned(),
        "DESCRIPTION".to_owned(),
    ]];
    let scenarios = &merged.values.benchmark.scenarios;
    let presets = catalog::PRESETS.iter().map(|preset| preset.name);
    let own = scenarios
        .keys()
        .map(String::as_str)
        .filter(|name| catalog::preset(name).is_none());
    for name in presets.chain(own) {
        let Some(scenario) = scenarios.get(name) else {
            continue;
        };
        let pointer = pointer(name);
        let layer = merged.effective.layer_of(&pointer).unwrap_or_default();
        let from = if is_built_in(layer) {
            "built in"
        } else {
            layer
        };
        rows.push([
            name.to_owned(),
            from.to_owned(),
            load(scenario),
            scenario.description.clone().unwrap_or_default(),
        ]);
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (first, second, third) = (width(0), width(1), width(2));
    rows.iter()
        .map(|[name, from, load, description]| {
            let line = format!("{name:first$}  {from:second$}  {load:third$}  {description}");
            format!("{}\n", line.trim_end())
        })
        .collect()
}

/// A load in a few words: `poisson 15/s for 600s`.
fn load(scenario: &Scenario) -> String {
    let Some(load) = &scenario.load else {
        return "incomplete".to_owned();
    };
    let kind = load.kind.map_or_else(String::new, |kind| {
        bench_contract::config::LoadType::from(kind)
            .as_str()
            .to_owned()
    });
    format!("{kind} {}", stages(load)).trim().to_owned()
}

fn stages(load: &ScenarioLoad) -> String {
    if load.sweep.is_some() {
        return "sweep".to_owned();
    }
    let stages = load.stages.as_deref().unwrap_or_default();
    let mut durations: Vec<String> = stages
        .iter()
        .map(|stage| stage.duration.to_string())
        .collect();
    durations.dedup();
    let rates: Vec<String> = stages
        .iter()
        .map(|stage| stage.rate.get().to_string())
        .collect();
    match (durations.as_slice(), rates.len()) {
        ([duration], _) => format!(
            "{}/s for {duration}{}",
            rates.join(", "),
            if rates.len() > 1 { " each" } else { "" }
        ),
        (_, 0) => String::new(),
        (_, count) => format!("{count} stages"),
    }
}
