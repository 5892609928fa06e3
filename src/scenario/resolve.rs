//! From merged values to a run.

use std::collections::BTreeMap;

use bench_contract::config::{ConfigProblem, Severity, Spot, Step};
use bench_contract::{Config, Seconds};
use bench_yaml::{pointer_tokens, suggest};

use super::catalog::{self, PRESETS};
use super::complete::{complete, join};
use super::config::{config, upload};
use super::engine::unhonoured;
use super::paths::Origins;
use super::raw::{ActiveDeadline, Benchmark, Engine, Scenario as RawScenario, Values};
use crate::names;
use crate::problem::{Anchor, Problem};

const SCENARIOS: &str = "/benchmark/scenarios";

/// What is run, against what and how; complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The values; everything that is not about the load is still read from here.
    pub values: Values,
    /// The scenario's name.
    pub scenario: String,
    /// What the scenario answers.
    pub description: String,
    /// How long the load takes at most, drains included.
    pub plan: Seconds,
    /// Whether the grace period is the user's word rather than a default.
    pub is_grace_period_given: bool,
    config: Config,
}

impl Run {
    /// The benchmark section of the values.
    #[must_use]
    pub fn benchmark(&self) -> &Benchmark {
        &self.values.benchmark
    }

    /// The engine that runs it.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.values.benchmark.engine
    }

    /// The config that the Job of this name runs. Only where results are uploaded to depends on the name.
    #[must_use]
    pub fn config(&self, job: &str) -> Config {
        let storage = match self.engine() {
            Engine::InferencePerf => upload(&self.benchmark().storage.s3, &self.scenario, job),
            Engine::Loadgen => None,
        };
        Config {
            storage: storage.or_else(|| self.config.storage.clone()),
            ..self.config.clone()
        }
    }
}

/// Where merged values came from.
#[derive(Clone, Copy)]
pub struct Provenance<'a> {
    /// Whether the user, and not a default or a preset, wrote the value at a pointer.
    pub given: &'a dyn Fn(&str) -> bool,
    /// The pointers of the defaults that a null of the user took away.
    pub deleted: &'a [String],
}

/// Resolves merged values. Warnings come back beside the run.
///
/// # Errors
/// Every problem found, warnings among them.
pub fn resolve(
    values: Values,
    provenance: Provenance<'_>,
) -> Result<(Run, Vec<Problem>), Vec<Problem>> {
    let given = provenance.given;
    let benchmark = &values.benchmark;
    let mut problems = defined(&benchmark.scenarios, provenance.deleted);
    let Some(raw) = benchmark.scenarios.get(&benchmark.scenario) else {
        // A preset that a null took away has been named already.
        if problems.is_empty() || catalog::preset(&benchmark.scenario).is_none() {
            problems.push(unknown_scenario(&benchmark.scenario, &values));
        }
        return Err(problems);
    };
    let pointer = join(SCENARIOS, &benchmark.scenario);
    let Ok(scenario) = complete(raw, &pointer) else {
        return Err(problems);
    };
    let config = config(benchmark, raw, &scenario);
    problems.extend(
        unhonoured(benchmark, raw, &scenario, &pointer, given)
            .into_iter()
            .map(|p| blame(p, provenance)),
    );
    let origins = Origins {
        scenario: &benchmark.scenario,
        has_own_slo: raw.slo.is_some(),
    };
    problems.extend(
        config_problems(&config, benchmark.engine, &origins)
            .into_iter()
            .map(|p| blame(p, provenance)),
    );
    problems.extend(too_short(benchmark, &config));
    if problems.iter().any(Problem::is_error) {
        return Err(problems);
    }
    let run = Run {
        scenario: benchmark.scenario.clone(),
        description: scenario.description.clone(),
        plan: plan(&config),
        is_grace_period_given: given("/benchmark/job/terminationGracePeriodSeconds"),
        config,
        values,
    };
    Ok((run, problems))
}

/// A scenario that is neither a preset nor in the values.
#[must_use]
pub fn unknown_scenario(wanted: &str, values: &Values) -> Problem {
    let defined = values.benchmark.scenarios.keys().map(String::as_str);
    let is_preset = |name: &&str| PRESETS.iter().any(|preset| preset.name == *name);
    let own: Vec<&str> = defined.clone().filter(|name| !is_preset(name)).collect();
    let built_in: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let mut list = format!("defined scenarios: {} (built in)", built_in.join(", "));
    if !own.is_empty() {
        list.push_str(&format!("; {} (yours)", own.join(", ")));
    }
    let problem = Problem::value(
        "B102",
        "/benchmark/scenario",
        format!("scenario `{wanted}` is not defined"),
    );
    match suggest(wanted, built_in.into_iter().chain(own)) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem.help("choose one of them, or define it under benchmark.scenarios"),
    }
    .note(list)
}

/// What is wrong with the scenarios, whichever is run: names, missing parts, presets that a null took away.
fn defined(scenarios: &BTreeMap<String, RawScenario>, deleted: &[String]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = PRESETS
        .iter()
        .map(|preset| join(SCENARIOS, preset.name))
        .filter(|pointer| deleted.contains(pointer))
        .map(|pointer| emptied(&pointer))
        .collect();
    for (name, raw) in scenarios {
        let pointer = join(SCENARIOS, name);
        let is_preset = catalog::preset(name).is_some();
        if let Some(reason) = names::not_label(name).filter(|_| !is_preset) {
            let problem = Problem::key(
                "K204",
                &pointer,
                format!("scenario `{name}` cannot be part of a name in Kubernetes: {reason}"),
            );
            problems.push(match names::corrected(name) {
                better if better.is_empty() => problem,
                better => problem.help(format!("use `{better}`")),
            });
        }
        let Err(missing) = complete(raw, &pointer) else {
            continue;
        };
        if is_preset {
            problems.extend(
                missing
                    .into_iter()
                    .map(|problem| blame_null(problem, deleted)),
            );
            continue;
        }
        match suggest(name, PRESETS.iter().map(|preset| preset.name)) {
            Some(near) => {
                let problem = Problem::key(
                    "B111",
                    &pointer,
                    format!("`{name}` is no preset, and incomplete as a scenario of its own"),
                )
                .label(format!("did you mean `{near}`?"));
                problems.push(missing.iter().fold(problem, |problem, missing| {
                    problem.note(missing.message.clone())
                }));
            }
            None => problems.extend(
                missing
                    .into_iter()
                    .map(|problem| problem.note("a scenario that is no preset must be complete")),
            ),
        }
    }
    problems
}

/// A part of a preset that a null took away.
fn emptied(pointer: &str) -> Problem {
    Problem::key(
        "B104",
        pointer,
        format!(
            "`{}` is empty (null) and would delete what the preset has there",
            bench_yaml::dotted(pointer)
        ),
    )
    .label("no value")
    .help("remove the line to keep what the preset has, or write a value")
}

/// What is wrong where a null took something away is wrong with the null.
fn blame_null(problem: Problem, deleted: &[String]) -> Problem {
    let (Anchor::Value(pointer) | Anchor::Key(pointer)) = &problem.anchor else {
        return problem;
    };
    let is_within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let null = deleted.iter().find(|null| {
        null.starts_with(SCENARIOS) && (is_within(null, pointer) || is_within(pointer, null))
    });
    match null {
        Some(null) => emptied(null).note(problem.message),
        None => problem,
    }
}

/// What is wrong in a preset that the user did not touch is wrong with the choice of the preset.
fn blame(problem: Problem, provenance: Provenance<'_>) -> Problem {
    const CHOICE: &str = "/benchmark/scenario";
    let mut problem = if problem.is_error() {
        blame_null(problem, provenance.deleted)
    } else {
        problem
    };
    if let Anchor::Value(pointer) | Anchor::Key(pointer) = &problem.anchor
        && problem.code != "B104"
        && pointer.starts_with("/benchmark/scenarios/")
        && !(provenance.given)(pointer)
        && (provenance.given)(CHOICE)
    {
        let note = format!("the preset has {}", bench_yaml::dotted(pointer));
        problem.anchor = Anchor::Value(CHOICE.to_owned());
        return problem.note(note);
    }
    problem
}

fn config_problems(config: &Config, engine: Engine, origins: &Origins<'_>) -> Vec<Problem> {
    let mut found = config.check();
    if engine == Engine::Loadgen {
        found.extend(config.check_engine());
    }
    found
        .iter()
        .map(|problem| located(problem, origins))
        .collect()
}

fn located(found: &ConfigProblem, origins: &Origins<'_>) -> Problem {
    let pointer = origins.pointer(&found.path);
    let in_data = found.path.steps().first() == Some(&Step::Key("data".to_owned()));
    let told = origins.told(&found.message);
    let steps: Vec<String> = pointer_tokens(&pointer).collect();
    // A limit's name alone does not say which side is meant.
    let message = match steps.as_slice() {
        [.., side, _] if in_data && matches!(side.as_str(), "input" | "output") => {
            format!("{side} length {told}")
        }
        _ => told,
    };
    let code = if in_data { "B120" } else { "B121" };
    let mut problem = match &found.spot {
        Spot::Key => Problem::key(code, &pointer, message),
        Spot::Value => Problem::value(code, &pointer, message),
        Spot::Part(part) => Problem::value(code, &pointer, message).part(part.clone()),
    };
    let mut help = found.help.as_ref().map(|help| origins.told(help));
    // Limits often stand elsewhere than what breaks them.
    match pointer.rsplit_once('/') {
        Some((side, "mean")) if in_data => {
            problem = problem
                .related(join(side, "min"), "min")
                .related(join(side, "max"), "max");
        }
        Some((side, "min")) if in_data => {
            problem = problem.related(join(side, "max"), "max");
            help = Some("set min and max together".to_owned());
        }
        _ => {}
    }
    problem = problem.help(help.unwrap_or_default());
    if found.path.to_string() == "load.sweep" {
        problem = problem.help("with stages write `sweep: null`, which takes the preset's away");
    }
    match found.severity {
        Severity::Error => problem,
        Severity::Warning => problem.warning(),
    }
}

/// A deadline of the user's that ends the Job before its load.
fn too_short(benchmark: &Benchmark, config: &Config) -> Option<Problem> {
    let ActiveDeadline::Seconds(deadline) = benchmark.job.active_deadline_seconds else {
        return None;
    };
    let load = &config.load;
    let warmup = load
        .warmup
        .as_ref()
        .map_or(0.0, |warmup| warmup.duration.get());
    let stages: f64 = load
        .stages
        .iter()
        .filter_map(|stage| stage.duration)
        .map(Seconds::get)
        .sum();
    let needed = warmup + stages;
    (f64::from(deadline) < needed).then(|| {
        Problem::value(
            "B124",
            "/benchmark/job/activeDeadlineSeconds",
            format!("the Job would be ended after {deadline} s, and its load takes {needed} s"),
        )
        .help("remove it, or write auto: readyTimeout + (1 + backoffLimit) x plan + 1800")
    })
}

/// The longest that the load can take: stages, and after each the drain and the pause.
fn plan(config: &Config) -> Seconds {
    let load = &config.load;
    let rest = load.request_timeout().get() + load.interval().get();
    let warmup = load
        .warmup
        .as_ref()
        .map_or(0.0, |warmup| warmup.duration.get() + rest);
    let stages: f64 = load
        .stages
        .iter()
        .filter_map(|stage| stage.duration)
        .map(|duration| duration.get() + rest)
        .sum();
    let sweep = load.sweep.as_ref().map_or(0.0, |sweep| {
        sweep.timeout.get()
            + rest
            + f64::from(sweep.num_stages) * (sweep.stage_duration.get() + rest)
    });
    Seconds::new(warmup + stages + sweep).unwrap_or(Seconds::ZERO)
}
