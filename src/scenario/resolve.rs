//! From merged values to a run.

use std::collections::BTreeMap;

use bench_contract::{Config, Seconds};
use bench_yaml::suggest;

use super::catalog::{self, PRESETS};
use super::complete::{Scenario, complete, join};
use super::config::config;
use super::engine::unhonoured;
use super::paths::{Origins, config_problems};
use super::raw::{
    ActiveDeadline, Benchmark, Engine, Scenario as RawScenario, Values, ValuesLoadType,
};
use super::storage::storage;
use crate::causes::Causes;
use crate::names;
use crate::problem::{Anchor, Problem};

/// Where the scenarios are in the values.
pub(crate) const SCENARIOS: &str = "/benchmark/scenarios";

/// What is run, against what and how; complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The values; everything that is not about the load is still read from here.
    pub values: Values,
    /// The scenario's name.
    pub scenario: String,
    /// What the scenario answers.
    pub description: String,
    /// How long the load takes at most, drains included; none where only the pod can know, as for a whole trace.
    pub plan: Option<Seconds>,
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

    /// The config that the Job of this name runs. Only where results go depends on the name.
    #[must_use]
    pub fn config(&self, job: &str) -> Config {
        let storage = storage(self.benchmark(), &self.scenario, job);
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

/// What merged values amount to.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The run; of another scenario where the chosen one cannot be run, and none where there is no such scenario either.
    /// It is what the user asked for when none of the problems is an error.
    pub run: Option<Run>,
    /// Every problem found, warnings among them.
    pub problems: Vec<Problem>,
    /// Pointers of what the run has from another scenario.
    pub replaced: Vec<String>,
}

impl Resolved {
    /// Whether the run is what the user asked for.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.run.is_some() && !self.problems.iter().any(Problem::is_error)
    }
}

/// Resolves merged values.
#[must_use]
pub fn resolve(values: Values, provenance: Provenance<'_>) -> Resolved {
    let mut problems = defined(&values.benchmark.scenarios, provenance.deleted);
    let chosen = &values.benchmark.scenario;
    let pointer = join(SCENARIOS, chosen);
    match values.benchmark.scenarios.get(chosen) {
        Some(raw) if complete(raw, &pointer).is_ok() => {
            let (run, more) = run(values, provenance);
            problems.extend(more);
            return Resolved {
                run,
                problems,
                replaced: Vec::new(),
            };
        }
        // What is missing in it has been named.
        Some(_) => {}
        // A preset that a null took away has been named, too.
        None if !problems.is_empty() && catalog::preset(chosen).is_some() => {}
        None => problems.push(unknown_scenario(chosen, &values)),
    }
    // The rest of the values does not depend on it.
    let mut replaced = vec!["/benchmark/scenario".to_owned(), pointer];
    let is_complete =
        |(name, raw): &(&String, &RawScenario)| complete(raw, &join(SCENARIOS, name)).is_ok();
    let other = values.benchmark.scenarios.iter().find(is_complete);
    let Some(other) = other.map(|(name, _)| name.clone()) else {
        return Resolved {
            run: None,
            problems,
            replaced,
        };
    };
    replaced.push(join(SCENARIOS, &other));
    let mut causes = Causes::default();
    for pointer in &replaced {
        causes.add(pointer);
    }
    let mut values = values;
    values.benchmark.scenario = other;
    let (run, more) = run(values, provenance);
    problems.extend(more.into_iter().filter(|p| !causes.explain(p, None)));
    Resolved {
        run,
        problems,
        replaced,
    }
}

/// The run of a scenario that is there and complete, and what is wrong with it.
fn run(values: Values, provenance: Provenance<'_>) -> (Option<Run>, Vec<Problem>) {
    let given = provenance.given;
    let benchmark = &values.benchmark;
    let pointer = join(SCENARIOS, &benchmark.scenario);
    let Some(raw) = benchmark.scenarios.get(&benchmark.scenario) else {
        return (None, Vec::new());
    };
    let Ok(mut scenario) = complete(raw, &pointer) else {
        return (None, Vec::new());
    };
    if scenario.load == ValuesLoadType::TraceReplay {
        of_the_trace(&mut scenario, &pointer, given);
    }
    let mut config = config(benchmark, raw, &scenario);
    let origins = Origins {
        scenario: &benchmark.scenario,
        has_own_slo: raw.slo.is_some(),
    };
    // The Job's name is still to come, and says nothing wrong.
    let stored = Config {
        storage: storage(benchmark, &benchmark.scenario, "").or_else(|| config.storage.clone()),
        ..config.clone()
    };
    let mut problems: Vec<Problem> = unhonoured(benchmark, raw, &scenario, &pointer, given)
        .into_iter()
        .chain(config_problems(&stored, benchmark.engine, &origins))
        .map(|problem| blame(problem, provenance))
        .collect();
    problems.extend(too_short(benchmark, &config));
    if benchmark.engine == Engine::InferencePerf {
        // It knows no steps; problems were found in the stages as they are written.
        config.load.stages = config.load.run_stages();
    }
    let run = Run {
        scenario: benchmark.scenario.clone(),
        description: scenario.description.clone(),
        plan: plan(&config),
        is_grace_period_given: given("/benchmark/job/terminationGracePeriodSeconds"),
        config,
        values,
    };
    (Some(run), problems)
}

/// A trace says when requests arrive and how long they are; what a preset says of that, and the user does not, is left over.
fn of_the_trace(scenario: &mut Scenario, pointer: &str, given: &dyn Fn(&str) -> bool) {
    if !given(&join(&join(pointer, "load"), "stages")) {
        scenario.stages.clear();
    }
    let data = join(pointer, "data");
    if !given(&join(&data, "input")) {
        scenario.data.input = None;
    }
    if !given(&join(&data, "output")) {
        scenario.data.output = None;
    }
}

/// A scenario that is neither a preset nor in the values.
#[must_use]
pub fn unknown_scenario(wanted: &str, values: &Values) -> Problem {
    let scenarios = &values.benchmark.scenarios;
    let presets = PRESETS.iter().map(|preset| preset.name);
    let own = scenarios.keys().map(String::as_str);
    let defined: Vec<&str> = presets
        .filter(|name| scenarios.contains_key(*name))
        .chain(own.filter(|name| catalog::preset(name).is_none()))
        .collect();
    let list = if defined.is_empty() {
        "no scenario is defined".to_owned()
    } else {
        format!("defined scenarios: {}", defined.join(", "))
    };
    let problem = Problem::value(
        "B102",
        "/benchmark/scenario",
        format!("scenario `{wanted}` is not defined"),
    )
    .absent(join(SCENARIOS, wanted));
    match suggest(wanted, defined.iter().copied()) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None if defined.is_empty() => problem.help("define it under benchmark.scenarios"),
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
    let Some(pointer) = problem.pointer() else {
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
    if let Some(pointer) = problem.pointer()
        && problem.code != "B104"
        && is_of_a_preset(pointer)
        && !(provenance.given)(pointer)
        && (provenance.given)(CHOICE)
    {
        let note = format!("the preset has {}", bench_yaml::dotted(pointer));
        problem.anchor = Anchor::Value(CHOICE.to_owned());
        return problem.note(note);
    }
    problem
}

/// Whether what stands there belongs to a built-in scenario.
fn is_of_a_preset(pointer: &str) -> bool {
    let rest = pointer.strip_prefix(SCENARIOS);
    let name = rest.and_then(|rest| rest.split('/').nth(1));
    name.is_some_and(|name| catalog::preset(name).is_some())
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

/// The longest that the load can take: stages, and after each the drain and the pause. `None` where nobody knows.
fn plan(config: &Config) -> Option<Seconds> {
    let load = &config.load;
    let timeout = load.request_timeout().get();
    let rest = timeout + load.interval().get();
    let warmup = load
        .warmup
        .as_ref()
        .map_or(0.0, |warmup| warmup.duration.get() + rest);
    let mut stages = load.run_stages().into_iter().map(|stage| {
        let lasts = match (stage.duration, stage.num_requests, stage.concurrency_level) {
            (Some(duration), ..) => duration.get(),
            // Each lane takes its share one after the other, and each of those at most the timeout.
            #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 requests")]
            (None, Some(count), Some(lanes)) => (count as f64 / f64::from(lanes)).ceil() * timeout,
            (None, ..) => return None,
        };
        Some(lasts + rest)
    });
    let stages = stages.try_fold(0.0, |sum, lasts| Some(sum + lasts?))?;
    let sweep = load.sweep.as_ref().map_or(0.0, |sweep| {
        sweep.timeout.get()
            + rest
            + f64::from(sweep.num_stages) * (sweep.stage_duration.get() + rest)
    });
    Seconds::new(warmup + stages + sweep).ok()
}
