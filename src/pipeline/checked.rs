//! Values whose shape was checked, right or wrong.

use bench_yaml::Diagnostic;
use serde_json::Value;

use super::usable::usable;
use super::{Ask, Further, Merged, Refused, Skip, Wanted, all, further, is_same, variant};
use crate::causes::Causes;
use crate::chart::Chart;
use crate::flags;
use crate::plan;
use crate::problem::Problem;
use crate::render::Rendered;
use crate::scenario::raw::{Engine, Values};
use crate::scenario::{Provenance, Run, SCENARIOS, join, resolve, secrets};
use crate::validate::{advise, check_values};
use crate::values::{Effective, Loaded, fold_on};

/// Values whose shape was checked, and what is wrong with it.
#[derive(Debug)]
pub struct Checked {
    effective: Effective,
    json: Value,
    /// With stand-ins for what cannot be used; none where nothing can.
    values: Option<Values>,
    problems: Vec<Problem>,
    causes: Causes,
    /// What reading found.
    read: Vec<Diagnostic>,
    /// What is odd about the chart.
    of_chart: Vec<Diagnostic>,
}

impl Checked {
    /// Merges and checks what was read.
    #[must_use]
    pub fn new(chart: &Chart, loaded: Loaded, skip: Skip) -> Self {
        let mut effective = fold_on(chart.defaults(), loaded);
        let mut json = effective.json();
        let walk = |effective: &Effective, json: &Value| match chart.schema() {
            Some(schema) => {
                let mut walked = check_values_of(effective, schema, json);
                if !chart.is_built_in() {
                    variant::name_missing(&mut walked, effective);
                }
                walked
            }
            None => Vec::new(),
        };
        let mut walked = walk(&effective, &json);
        let numbers = flags::numbers(&walked, &json, &effective);
        if !numbers.is_empty() {
            for pointer in &numbers {
                effective.read_as_number(pointer);
            }
            json = effective.json();
            walked = walk(&effective, &json);
        }
        let mut causes = Causes::of_reading(effective.problems());
        let usable = usable(chart, &json, &walked, skip);
        // With the schema switched off its word counts only where the values cannot be used.
        let mut problems = walked;
        if skip.schema {
            let is_in_the_way = |problem: &Problem| !matches!(problem.code, "B101" | "B104");
            problems.retain(|problem| !usable.replaced.is_empty() && is_in_the_way(problem));
        } else if let Some(schema) = chart.own_schema() {
            let is_new = |own: &Problem| problems.iter().all(|known| known.anchor != own.anchor);
            let own: Vec<Problem> = schema.check(&json).into_iter().filter(is_new).collect();
            problems.extend(own);
        }
        problems.extend(secrets(&json));
        if problems.is_empty() {
            problems.extend(usable.replaced.first().map(|pointer| unreadable(pointer)));
        }
        let shapes = problems.clone();
        problems.retain(|problem| !causes.explain(problem, Some(&effective)));
        for problem in shapes.iter().filter(|problem| problem.code != "B130") {
            causes.add_shape(problem);
        }
        for pointer in usable.replaced {
            causes.add(pointer);
        }
        let mut read = effective.problems().to_vec();
        if let Some(schema) = chart.schema().filter(|_| !skip.schema) {
            let is_at = |problem: &Diagnostic, pointer: &str| {
                effective.locate(pointer).is_some_and(|location| {
                    problem.source.as_ref() == Some(&location.source)
                        && problem.span == location.value_span
                })
            };
            let check = |json: &Value| check_values_of(&effective, schema, json);
            advise(&mut read, &json, &is_at, &check);
        }
        Self {
            effective,
            json,
            values: usable.values,
            problems,
            causes,
            read,
            of_chart: chart.warnings().to_vec(),
        }
    }

    /// Whether nothing is wrong so far.
    fn is_sound(&self) -> bool {
        self.values.is_some()
            && !self.problems.iter().any(Problem::is_error)
            && !self.read.iter().any(Diagnostic::is_error)
    }

    /// Whether the values are right, and switch everything off.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        let is_off = |values: &Values| !values.benchmark.enabled;
        self.is_sound() && self.values.as_ref().is_some_and(is_off)
    }

    /// The values, and nothing more.
    ///
    /// # Errors
    /// Every problem found so far.
    pub fn merged(self) -> Result<Merged, Vec<Diagnostic>> {
        let is_sound = self.is_sound();
        let said = self.said();
        match self.values {
            Some(values) if is_sound => Ok(Merged {
                effective: self.effective,
                json: self.json,
                values,
                warnings: said,
            }),
            _ => Err(said),
        }
    }

    /// The values and the run that they mean.
    ///
    /// # Errors
    /// Every problem of their shape and meaning.
    pub fn resolved(mut self, chart: &Chart) -> Result<(Merged, Run), Vec<Diagnostic>> {
        let found = self.go_on(chart, Ask::default());
        let run = found.run.filter(|_| self.is_sound());
        match run {
            Some(run) => Ok((self.merged()?, run)),
            None => Err(self.said()),
        }
    }

    /// The values, their run, and its manifests as text and as objects.
    ///
    /// # Errors
    /// Every problem of values and manifests.
    pub fn whole(mut self, chart: &Chart, wanted: Wanted<'_>) -> Result<Whole, Box<Refused>> {
        let ask = Ask {
            wanted: Some(wanted),
            all_scenarios: false,
        };
        let are_values_right = self.is_sound();
        let found = self.go_on(chart, ask);
        let is_shown = are_values_right && !found.has_wrong_values;
        match (self.merged(), found.run, found.made) {
            (Ok(merged), Some(run), Some((rendered, objects))) => Ok(Whole {
                merged,
                run,
                rendered,
                objects,
            }),
            (Ok(merged), ..) => Err(Box::new(Refused {
                problems: merged.warnings,
                text: String::new(),
            })),
            (Err(problems), _, made) => {
                let text = made.filter(|_| is_shown);
                Err(Box::new(Refused {
                    problems,
                    text: text.map_or_else(String::new, |(rendered, _)| rendered.text()),
                }))
            }
        }
    }

    /// Everything that is wrong or worth a look, in all scenarios that the user has written. What is odd about the chart
    /// is left to the caller, who may look at many files.
    #[must_use]
    pub fn findings(mut self, chart: &Chart, wanted: Wanted<'_>) -> Vec<Diagnostic> {
        let ask = Ask {
            wanted: Some(wanted),
            all_scenarios: true,
        };
        let are_values_right = self.is_sound();
        let found = self.go_on(chart, ask);
        // What a plan cannot do hangs on most of the values.
        let run = found
            .run
            .filter(|_| are_values_right && !found.has_wrong_values);
        let doubts = |run| plan::doubts(run, plan::Assumption::of(run));
        self.problems.extend(run.iter().flat_map(doubts));
        self.of_chart.clear();
        self.said()
    }

    /// Goes on with values that are right or stand in for what is wrong.
    fn go_on(&mut self, chart: &Chart, ask: Ask<'_>) -> Further {
        let Some(values) = &self.values else {
            return Further::default();
        };
        let mut found = further(chart, &self.effective, values, &self.causes, ask);
        if self.causes.cover("/benchmark/engine") {
            // Only what is wrong whichever engine was meant.
            let mut values = values.clone();
            values.benchmark.engine = match values.benchmark.engine {
                Engine::Loadgen => Engine::InferencePerf,
                Engine::InferencePerf => Engine::Loadgen,
            };
            let other = further(chart, &self.effective, &values, &self.causes, ask);
            let in_both = |one: &Problem| other.problems.iter().any(|other| is_same(one, other));
            found.problems.retain(in_both);
        }
        self.problems.append(&mut found.problems);
        found
    }

    /// All problems, warnings among them, as messages.
    #[must_use]
    pub fn said(&self) -> Vec<Diagnostic> {
        let read = [&*self.of_chart, &self.read].concat();
        all(&self.problems, &self.effective, read)
    }
}

/// Everything that a render amounts to.
#[derive(Debug)]
pub struct Whole {
    /// The values.
    pub merged: Merged,
    /// What they mean.
    pub run: Run,
    /// The manifests as text.
    pub rendered: Rendered,
    /// The same as objects.
    pub objects: Vec<Value>,
}

/// What is wrong with the scenarios that the user has written and not chosen.
pub(super) fn other_scenarios(values: &Values, provenance: Provenance<'_>) -> Vec<Problem> {
    let chosen = &values.benchmark.scenario;
    let mut found = Vec::new();
    for name in values.benchmark.scenarios.keys() {
        let pointer = join(SCENARIOS, name);
        if name == chosen || !(provenance.given)(&pointer) {
            continue;
        }
        let mut values = values.clone();
        values.benchmark.scenario.clone_from(name);
        // The choice is not the file's.
        let given = |place: &str| place != "/benchmark/scenario" && (provenance.given)(place);
        let provenance = Provenance {
            given: &given,
            ..provenance
        };
        let is_its_own = |problem: &Problem| {
            problem
                .pointer()
                .is_some_and(|place| place.starts_with(&pointer) && given(place))
        };
        found.extend(
            resolve(values, provenance)
                .problems
                .into_iter()
                .filter(is_its_own),
        );
    }
    found
}

fn check_values_of(effective: &Effective, schema: &Value, json: &Value) -> Vec<Problem> {
    let written = |pointer: &str| {
        let location = effective.locate(pointer)?;
        let text = location.source.slice(location.value_span).trim();
        (!text.is_empty() && text.len() <= 60 && !text.contains('\n')).then(|| text.to_owned())
    };
    check_values(schema, json, &written)
}

/// A value that the schema allows and that cannot be used all the same: neither should be.
fn unreadable(pointer: &str) -> Problem {
    Problem::value("B103", pointer, "this value cannot be used here")
        .help("`benchctl schema values` says what belongs there")
}
