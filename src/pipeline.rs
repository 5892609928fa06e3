//! The straight line of `render`: layers, one fold, schema, run, manifests, checks. Nothing is printed here, and no
//! step reads a file after the first.
//!
//! A step that finds errors does not end the line: the next ones go on with stand-ins for what is wrong, so that all
//! that is wrong is said in one run, but nothing that would be wrong only because of it ([`Causes`]).

use bench_yaml::Diagnostic;
use serde_json::Value;

mod checked;
mod foreign;
mod manifests;
mod usable;
mod variant;

pub use checked::{Checked, Whole};
pub use foreign::{Foreign, foreign};

use crate::causes::Causes;
use crate::chart::Chart;
use crate::diagnostics::located;
use crate::flags;
use crate::problem::Problem;
use crate::render::Rendered;
use crate::scenario::raw::Values;
use crate::scenario::{Provenance, Run, resolve, secrets};
use crate::validate::kubernetes::KubeVersion;
use crate::values::{Effective, Sources, fold_on, load};

/// Values that fit their schema.
#[derive(Debug)]
pub struct Merged {
    /// The values with the places they came from.
    pub effective: Effective,
    /// The same as JSON.
    pub json: Value,
    /// The same, typed.
    pub values: Values,
    /// What is worth a look.
    pub warnings: Vec<Diagnostic>,
}

/// What a user switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    /// Check the values against their schema no more than it takes to use them.
    pub schema: bool,
    /// Do not check the manifests.
    pub manifests: bool,
}

/// How manifests are named and checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// NAME.
    pub name: Option<&'a str>,
    /// Whether a Namespace comes first.
    pub with_namespace: bool,
    /// What the user switched off.
    pub skip: Skip,
    /// The cluster's version.
    pub version: KubeVersion,
}

/// Why nothing came out.
#[derive(Debug)]
pub struct Refused {
    /// Every problem found, warnings among them.
    pub problems: Vec<Diagnostic>,
    /// The manifests, where it is they that were refused.
    pub text: String,
}

/// Reads and merges values, and looks for nothing but secrets in them.
///
/// # Errors
/// Every problem found.
pub fn unchecked(
    chart: &Chart,
    sources: &Sources,
) -> Result<(Effective, Value, Vec<Diagnostic>), Vec<Diagnostic>> {
    let effective = fold_on(chart.defaults(), load(sources));
    let json = effective.json();
    let warnings = [chart.warnings(), effective.problems()].concat();
    let problems = secrets(&json);
    if problems.is_empty() && !warnings.iter().any(Diagnostic::is_error) {
        Ok((effective, json, warnings))
    } else {
        Err(all(&problems, &effective, warnings))
    }
}

/// Reads, merges and checks values.
///
/// # Errors
/// Every problem of their shape.
pub fn merge(chart: &Chart, sources: &Sources, skip: Skip) -> Result<Merged, Vec<Diagnostic>> {
    Checked::new(chart, load(sources), skip).merged()
}

/// How far to go.
#[derive(Clone, Copy, Debug, Default)]
struct Ask<'a> {
    /// Also into the manifests.
    wanted: Option<Wanted<'a>>,
    /// Also into the scenarios that were not chosen.
    all_scenarios: bool,
}

/// What comes of values, and what is wrong with it.
#[derive(Debug, Default)]
struct Further {
    run: Option<Run>,
    made: Option<(Rendered, Vec<Value>)>,
    problems: Vec<Problem>,
    /// Whether a problem of the values, and not one of the manifests, is an error.
    has_wrong_values: bool,
}

/// Goes on from typed values, some of which cannot be believed.
fn further(
    chart: &Chart,
    effective: &Effective,
    values: &Values,
    causes: &Causes,
    ask: Ask<'_>,
) -> Further {
    let given = |pointer: &str| chart.is_given(effective, pointer);
    let deleted: Vec<String> = effective
        .deleted()
        .iter()
        .map(|deleted| deleted.pointer.clone())
        .collect();
    let provenance = Provenance {
        given: &given,
        deleted: &deleted,
    };
    let resolved = resolve(values.clone(), provenance);
    let stands = |causes: &Causes, problem: &Problem| !causes.explain(problem, Some(effective));
    let mut problems = resolved.problems;
    if ask.all_scenarios {
        for other in checked::other_scenarios(values, provenance) {
            if !problems.contains(&other) {
                problems.push(other);
            }
        }
    }
    problems.retain(|problem| stands(causes, problem));
    let has_wrong_values = problems.iter().any(Problem::is_error);
    let mut made = None;
    if let (Some(run), Some(wanted)) = (&resolved.run, ask.wanted) {
        let mut causes = causes.clone();
        for pointer in resolved.replaced {
            causes.add(pointer);
        }
        for problem in problems.iter().filter(|problem| problem.is_error()) {
            causes.add_meaning(problem);
        }
        let (found, more) = manifests::make(chart, run, wanted);
        made = found;
        problems.extend(more.into_iter().filter(|problem| stands(&causes, problem)));
    }
    Further {
        run: resolved.run,
        made,
        problems,
        has_wrong_values,
    }
}

/// A namespace is on every object, and wrong once.
fn once(problems: Vec<Problem>) -> Vec<Problem> {
    let mut said: Vec<Problem> = Vec::new();
    for problem in problems {
        if !said.iter().any(|other| is_same(other, &problem)) {
            said.push(problem);
        }
    }
    said
}

fn is_same(one: &Problem, other: &Problem) -> bool {
    one.message == other.message && one.anchor == other.anchor
}

fn all(problems: &[Problem], effective: &Effective, warnings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut all = warnings;
    all.extend(
        problems
            .iter()
            .map(|problem| located(&flags::with_remedy(problem, effective), Some(effective))),
    );
    all
}
