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
use crate::names::{corrected, not_label};
use crate::output::{Failure, Output};
use crate::pipeline::{Merged, Skip, merge};
use crate::problem::{Anchor, Problem};
use crate::scenario::raw::{Engine, Scenario, ScenarioLoad, ValuesStage};
use crate::scenario::{SCENARIOS, catalog, engine_for, fit, join, unknown_scenario};
use crate::table::{Side, lines};
use crate::values::{Sources, codes, system_reason, unreadable};
use bench_contract::trace::TraceError;

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
            let (chart, merged) = merged(values)?;
            written_to(file.as_deref(), &new(name, from, &chart, &merged)?, output)
        }
        ScenarioCommand::Fit {
            trace,
            name,
            stages,
            duration,
            output: file,
        } => {
            check_name(name)?;
            let (text, doubts) = fitted(trace, name, *stages, *duration)?;
            output.warn(&doubts);
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
        && !chart.is_given(&merged.effective, &join(SCENARIOS, name))
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
    merged
        .json
        .pointer(&join(SCENARIOS, name))
        .cloned()
        .ok_or_else(|| {
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
    if catalog::preset(name).is_some() {
        return Err(Failure::usage(
            format!("`{name}` is a preset, and would be mixed with what is written"),
            "choose another name",
        ));
    }
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    let reason = not_label(name)
        .or_else(|| (!starts_well).then(|| "it does not start with a letter".to_owned()));
    let Some(reason) = reason else {
        return Ok(());
    };
    let better = corrected(name);
    let better = better.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    Err(Failure::usage(
        format!("`{name}` cannot be part of a Job's name: {reason}"),
        match better {
            "" => "use lower-case letters, digits and `-`, a letter first".to_owned(),
            better => format!("use `{better}`"),
        },
    ))
}

/// A values file with a scenario fitted to a trace, and what is odd about the fit.
fn fitted(
    path: &str,
    name: &str,
    stages: u32,
    duration: Option<Seconds>,
) -> Result<(String, Vec<Diagnostic>), Failure> {
    let invalid = |message: String| {
        let problem = Diagnostic::error("B150", message);
        Failure::of(vec![problem.help(TRACE)], NOTHING)
    };
    let failed = |error: TraceError| match error {
        TraceError::Io(error) if path == "-" => {
            let message = format!("cannot read standard input: {}", system_reason(&error));
            let problem = Diagnostic::error(codes::STDIN, message);
            Failure::of(
                vec![problem.help("pipe the trace in, or name its file")],
                NOTHING,
            )
        }
        TraceError::Io(error) => Failure::of(vec![unreadable(path, "trace", &error)], NOTHING),
        TraceError::Line { line, reason } => {
            invalid(format!("cannot read trace `{path}`: line {line}: {reason}"))
        }
    };
    let requests = if path == "-" {
        fit::read(std::io::stdin().lock())
    } else {
        std::fs::File::open(path)
            .map_err(TraceError::Io)
            .and_then(|file| fit::read(std::io::BufReader::new(file)))
    };
    let found = fit::fit(requests.map_err(failed)?, stages)
        .map_err(|reason| invalid(format!("{path}: {reason}")))?;
    let file = Path::new(path).file_name().unwrap_or_default();
    let from = match path {
        "-" => "standard input".into(),
        _ => file.to_string_lossy(),
    };
    let seconds = duration.map_or(found.span, Seconds::get);
    let schedule = found.schedule(seconds).ok_or_else(|| {
        let most = seconds.floor().max(1.0);
        Failure::usage(
            format!("{stages} stages do not fit into {seconds:.0} s: each lasts at least 1 s"),
            format!("take at most --stages {most}, or at least --duration {stages}s"),
        )
    })?;
    let doubts = found
        .doubts(&schedule)
        .into_iter()
        .map(|doubt| Diagnostic::warning(doubt.code, doubt.message).help(doubt.help))
        .collect();
    let text = fit::to_text(&found, &schedule, name, &from);
    Ok((format!("{}{text}", modeline()), doubts))
}

/// A values file that chooses a new scenario and holds all of it.
fn new(name: &str, from: &str, chart: &Chart, merged: &Merged) -> Result<String, Failure> {
    if merged.json.pointer(&join(SCENARIOS, name)).is_some() {
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
    let mut benchmark = serde_json::Map::new();
    benchmark.insert("scenario".to_owned(), name.into());
    if let Some(engine) = other_engine(name, from, chart, merged)? {
        benchmark.insert("engine".to_owned(), engine.as_str().into());
    }
    benchmark.insert("scenarios".to_owned(), json!({ name: scenario }));
    let values: Value = json!({ "benchmark": benchmark });
    Ok(format!(
        "{}# Scenario `{name}`, made from `{from}`. Lengths in tokens, rate in requests/s, duration in s.\n{}",
        modeline(),
        written(&values, Format::Yaml)?
    ))
}

/// The engine that the new scenario needs, where it is not the default one.
fn other_engine(
    name: &str,
    from: &str,
    chart: &Chart,
    merged: &Merged,
) -> Result<Option<Engine>, Failure> {
    // The new file lies over the defaults, and not over what this scenario was made from.
    let mut values = merge(chart, &Sources::default(), Skip::default())
        .map_err(|problems| Failure::of(problems, NOTHING))?
        .values;
    if let Some(scenario) = merged.values.benchmark.scenarios.get(from) {
        let scenarios = &mut values.benchmark.scenarios;
        scenarios.insert(name.to_owned(), scenario.clone());
    }
    let engine = engine_for(&values, name);
    Ok((engine != values.benchmark.engine).then_some(engine))
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
        let pointer = join(SCENARIOS, name);
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
    lines([Side::Left; 4], &rows)
        .iter()
        .map(|line| format!("{line}\n"))
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
    if let Some(trace) = &load.trace {
        return trace.file.clone();
    }
    let stages = load.stages.as_deref().unwrap_or_default();
    let mut ends: Vec<String> = stages.iter().map(end).collect();
    ends.dedup();
    let levels: Vec<String> = stages.iter().map(level).collect();
    match (ends.as_slice(), levels.len()) {
        ([end], count) => {
            let unit = if stages.iter().any(|stage| stage.concurrency_level.is_some()) {
                " at once"
            } else {
                "/s"
            };
            let each = if count > 1 { " each" } else { "" };
            format!("{}{unit} for {end}{each}", levels.join(", "))
        }
        (_, 0) => String::new(),
        (_, count) => format!("{count} stages"),
    }
}

/// `15`, `5 to 50`, or how many at once.
fn level(stage: &ValuesStage) -> String {
    let first = stage.rate.map(|rate| rate.get().to_string());
    let first = first.or(stage.concurrency_level.map(|count| count.to_string()));
    let first = first.unwrap_or_else(|| "?".to_owned());
    match (stage.end_rate, stage.steps) {
        (Some(last), Some(steps)) => format!("{first} to {} in {steps} steps", last.get()),
        (Some(last), None) => format!("{first} to {}", last.get()),
        (None, _) => first,
    }
}

/// `600s`, or `1000 requests`.
fn end(stage: &ValuesStage) -> String {
    let requests = stage.num_requests.map(|count| format!("{count} requests"));
    let duration = stage.duration.map(|duration| duration.to_string());
    requests.or(duration).unwrap_or_else(|| "?".to_owned())
}
