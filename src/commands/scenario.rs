//! `benchctl scenario`.

use std::path::Path;

use bench_contract::Seconds;
use bench_yaml::Diagnostic;
use serde_json::{Value, json};

use super::chart_with_scenarios;
use super::files::write_new;
use super::init::modeline;
use super::values::written;
use crate::chart::Chart;
use crate::cli::{Format, ScenarioArgs, ScenarioCommand, ValuesFlags};
use crate::diagnostics::located;
use crate::names::corrected;
use crate::output::{Failure, Output};
use crate::pipeline::{Merged, Skip, merge};
use crate::problem::{Anchor, Problem};
use crate::scenario::raw::{Scenario, ScenarioLoad};
use crate::scenario::{catalog, fit, unknown_scenario};
use crate::values::unreadable;

const NOTHING: &str = "nothing was printed";
const TRACE: &str = "a trace is a CSV with TIMESTAMP, ContextTokens and GeneratedTokens, or loadgen's requests.jsonl";

pub(super) fn run(args: &ScenarioArgs, output: &Output) -> Result<(), Failure> {
    match &args.command {
        ScenarioCommand::List { values } => {
            let (chart, merged) = merged(values)?;
            output.data(&table(&chart, &merged, values.chart.is_some()))
        }
        ScenarioCommand::Show { name, values } => {
            let (chart, merged) = merged(values)?;
            output.data(&shown(name, &chart, &merged, values.chart.is_some())?)
        }
        ScenarioCommand::New {
            name,
            from,
            output: file,
            values,
        } => {
            let (_, merged) = merged(values)?;
            written_to(file.as_deref(), &new(name, from, &merged)?, output)
        }
        ScenarioCommand::Fit {
            trace,
            name,
            stages,
            duration,
            output: file,
        } => {
            check_name(name)?;
            let text = fitted(trace, name, *stages, *duration)?;
            written_to(file.as_deref(), &text, output)
        }
    }
}

fn merged(values: &ValuesFlags) -> Result<(Chart, Merged), Failure> {
    let chart = chart_with_scenarios(values.chart.as_deref(), NOTHING)?;
    let merged = merge(&chart, &values.sources(), Skip::default())
        .map_err(|problems| Failure::of(problems, NOTHING))?;
    Ok((chart, merged))
}

/// A preset as it lies in `scenarios/`, comments and all; anything else, and a preset that was changed, as the values
/// have it.
fn shown(name: &str, chart: &Chart, merged: &Merged, is_own: bool) -> Result<String, Failure> {
    if let Some(preset) = catalog::preset(name)
        && !is_own
        && !chart.is_given(&merged.effective, &pointer(name))
    {
        return Ok(preset.text.to_owned());
    }
    let scenario = find(name, merged)?;
    let mut scenarios = serde_json::Map::new();
    scenarios.insert(name.to_owned(), scenario);
    let values: Value = json!({"benchmark": {"scenarios": scenarios}});
    written(&values, Format::Yaml)
}

/// A scenario of the merged values.
fn find(name: &str, merged: &Merged) -> Result<Value, Failure> {
    merged.json.pointer(&pointer(name)).cloned().ok_or_else(|| {
        let problem = unknown_scenario(name, &merged.values);
        let anchor = Anchor::Argument("NAME", name.to_owned());
        let problem = Problem { anchor, ..problem };
        Failure::of(vec![located(&problem, None)], NOTHING)
    })
}

fn written_to(file: Option<&Path>, text: &str, output: &Output) -> Result<(), Failure> {
    let Some(path) = file else {
        return output.data(text);
    };
    write_new(path, text, "name another file, or remove that one first")?;
    output.note(&format!("wrote {}", path.display()));
    Ok(())
}

/// A scenario's name becomes a part of the Job's.
fn check_name(name: &str) -> Result<(), Failure> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_allowed)
        && !name.ends_with('-');
    if fits {
        return Ok(());
    }
    let better = corrected(name);
    let better = better.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    Err(Failure::usage(
        format!("`{name}` cannot be part of a Job's name"),
        match better {
            "" => "use lower-case letters, digits and `-`, a letter first".to_owned(),
            better => format!("use `{better}`"),
        },
    ))
}

/// A values file with a scenario fitted to a trace.
fn fitted(
    path: &str,
    name: &str,
    stages: u32,
    duration: Option<Seconds>,
) -> Result<String, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::of(vec![unreadable(path, "trace", &error)], NOTHING);
    let requests = if path == "-" {
        fit::read(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
        }
        if path.ends_with(".zst") {
            let decoder = zstd::Decoder::new(file).map_err(unreadable)?;
            fit::read(std::io::BufReader::new(decoder))
        } else {
            fit::read(std::io::BufReader::new(file))
        }
    };
    let invalid = |message: String| {
        let problem = Diagnostic::error("B150", message);
        Failure::of(vec![problem.help(TRACE)], NOTHING)
    };
    let requests = requests.map_err(|error| {
        invalid(format!(
            "cannot read trace `{path}`: line {}: {}",
            error.line, error.reason
        ))
    })?;
    let found =
        fit::fit(requests, stages).map_err(|reason| invalid(format!("{path}: {reason}")))?;
    let file = Path::new(path).file_name().unwrap_or_default();
    let from = match path {
        "-" => "standard input".into(),
        _ => file.to_string_lossy(),
    };
    let duration = duration.map_or(found.span, Seconds::get);
    Ok(format!(
        "{}{}",
        modeline(),
        fit::to_text(&found, name, &from, duration)
    ))
}

/// A values file that chooses a new scenario and holds all of it.
fn new(name: &str, from: &str, merged: &Merged) -> Result<String, Failure> {
    if merged.json.pointer(&pointer(name)).is_some() {
        return Err(Failure::usage(
            format!("scenario `{name}` exists already"),
            "choose another name, or change it in a values file",
        ));
    }
    check_name(name)?;
    let mut scenario = find(from, merged)?;
    if let Some(scenario) = scenario.as_object_mut() {
        let description = format!("as {from}");
        scenario.insert("description".to_owned(), description.into());
    }
    let mut scenarios = serde_json::Map::new();
    scenarios.insert(name.to_owned(), scenario);
    let values: Value = json!({"benchmark": {"scenario": name, "scenarios": scenarios}});
    Ok(format!(
        "{}# Scenario `{name}`, made from `{from}`. Lengths in tokens, rate in requests/s, duration in s.\n{}",
        modeline(),
        written(&values, Format::Yaml)?
    ))
}

fn pointer(name: &str) -> String {
    let mut pointer = "/benchmark/scenarios".to_owned();
    bench_yaml::pointer_push(&mut pointer, name);
    pointer
}

fn table(chart: &Chart, merged: &Merged, is_own: bool) -> String {
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
        let from = match (chart.is_given(&merged.effective, &pointer), is_own) {
            (true, _) => layer,
            (false, true) => "chart",
            (false, false) => "built in",
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
