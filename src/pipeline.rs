//! The straight line of `render`: layers, one fold, schema, run, manifests, checks. Nothing is printed here, and no
//! step reads a file after the first.

use bench_yaml::{Diagnostic, ParseOptions, Source, parse};
use serde_json::Value;

mod foreign;
mod variant;

pub use foreign::{Foreign, foreign};

use crate::chart::{BUILT_IN, Chart};
use crate::diagnostics::located;
use crate::flags;
use crate::problem::{Anchor, Problem, REPORT};
use crate::render::{Document, Rendered, conflicts, render};
use crate::scenario::catalog::DEFAULTS;
use crate::scenario::raw::Values;
use crate::scenario::{Provenance, Run, resolve, secrets};
use crate::validate::kubernetes::KubeVersion;
use crate::validate::{check_config, check_values, kubernetes, located as fault_located};
use crate::values::{Effective, Loaded, Sources, fold_on, load};

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

/// Reads and merges values, and looks for nothing but secrets in them.
///
/// # Errors
/// Every problem found.
pub fn unchecked(
    chart: &Chart,
    sources: &Sources,
) -> Result<(Effective, Value, Vec<Diagnostic>), Vec<Diagnostic>> {
    let effective = fold_on(chart.defaults(), load(sources))?;
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
/// Every problem found.
pub fn merge(chart: &Chart, sources: &Sources, skip: Skip) -> Result<Merged, Vec<Diagnostic>> {
    let with_charts = |mut warnings: Vec<Diagnostic>| {
        warnings.splice(0..0, chart.warnings().iter().cloned());
        warnings
    };
    match merge_loaded(chart, load(sources), skip) {
        Ok(merged) => Ok(Merged {
            warnings: with_charts(merged.warnings),
            ..merged
        }),
        Err(problems) => Err(with_charts(problems)),
    }
}

/// Merges and checks values that were read. What is odd about the chart is left to the caller, who may read many.
///
/// # Errors
/// Every problem found.
pub fn merge_loaded(chart: &Chart, loaded: Loaded, skip: Skip) -> Result<Merged, Vec<Diagnostic>> {
    let mut effective = fold_on(chart.defaults(), loaded)?;
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
    let usable = usable(&json, &walked, skip);
    let warnings = effective.problems().to_vec();
    let is_broken = warnings.iter().any(Diagnostic::is_error);
    // With the schema switched off its word counts only where the values cannot be used.
    let (mut problems, unused) = if skip.schema {
        (Vec::new(), walked)
    } else {
        (walked, Vec::new())
    };
    if !skip.schema
        && let Some(schema) = chart.own_schema()
    {
        problems.extend(schema.check(&json));
    }
    problems.extend(secrets(&json));
    match serde_path_to_error::deserialize::<_, Values>(&usable) {
        Ok(values) if problems.is_empty() && !is_broken => Ok(Merged {
            effective,
            json,
            values,
            warnings,
        }),
        Ok(values) => {
            // The keys are wrong and the rest can be read: what else is wrong is said in the same run.
            let provenance = Provenance {
                given: &|_| true,
                deleted: &deleted(&effective),
            };
            if let Err(more) = resolve(values, provenance) {
                problems.extend(more);
            }
            if is_broken {
                // What seems to be missing may be what could not be read.
                problems.retain(|problem| problem.code != "B111");
            }
            Err(all(&problems, &effective, warnings))
        }
        Err(error) => {
            problems.extend(
                unused
                    .into_iter()
                    .filter(|problem| !matches!(problem.code, "B101" | "B104")),
            );
            if problems.is_empty() && !is_broken {
                problems.push(unreadable(&error));
            }
            Err(all(&problems, &effective, warnings))
        }
    }
}

/// Where nulls have deleted defaults.
pub(crate) fn deleted(effective: &Effective) -> Vec<String> {
    effective
        .deleted()
        .iter()
        .map(|deleted| deleted.pointer.clone())
        .collect()
}

/// Resolves merged values into a run.
///
/// # Errors
/// Every problem found.
pub fn run(chart: &Chart, merged: &mut Merged) -> Result<Run, Vec<Diagnostic>> {
    let given = |pointer: &str| chart.is_given(&merged.effective, pointer);
    let provenance = Provenance {
        given: &given,
        deleted: &deleted(&merged.effective),
    };
    let found = resolve(merged.values.clone(), provenance);
    match found {
        Ok((run, warnings)) => {
            let located = warnings
                .iter()
                .map(|problem| located(problem, Some(&merged.effective)));
            merged.warnings.extend(located);
            Ok(run)
        }
        Err(problems) => Err(all(&problems, &merged.effective, merged.warnings.clone())),
    }
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

/// Renders a run and checks what was written, as it was written.
///
/// # Errors
/// Every problem found, and the text that has them, for `--debug`.
pub fn manifests(
    chart: &Chart,
    run: &Run,
    merged: &mut Merged,
    wanted: Wanted<'_>,
) -> Result<(Rendered, Vec<Value>), (Vec<Diagnostic>, String)> {
    let Wanted { name, .. } = wanted;
    let conflicts = conflicts(run);
    if conflicts.iter().any(Problem::is_error) {
        let warnings = merged.warnings.clone();
        return Err((all(&conflicts, &merged.effective, warnings), String::new()));
    }
    let located_conflicts = all(&conflicts, &merged.effective, Vec::new());
    merged.warnings.extend(located_conflicts);
    let fail = |problems: &[Problem], text: String| {
        (
            all(problems, &merged.effective, merged.warnings.clone()),
            text,
        )
    };
    let rendered = render(run, chart.templates(), name, wanted.with_namespace)
        .map_err(|problem| fail(&[*problem], String::new()))?;
    let manifests =
        read_back(&rendered.documents).map_err(|problem| fail(&[*problem], rendered.text()))?;
    if wanted.skip.manifests {
        return Ok((rendered, manifests));
    }
    let mut problems = Vec::new();
    for manifest in &manifests {
        let kind = manifest["kind"].as_str().unwrap_or_default();
        let faults = kubernetes::check_manifest(manifest)
            .into_iter()
            .chain(kubernetes::check_version(manifest, wanted.version));
        for fault in faults {
            problems.push(fault_located(&fault, kind, manifest, run.benchmark(), name));
        }
        if kind == "ConfigMap" && manifest.pointer("/data/config.yml").is_some() {
            problems.extend(check_config(manifest, &rendered.config));
        }
    }
    for (index, fault) in kubernetes::check_set(&manifests) {
        let manifest = &manifests[index];
        let kind = manifest["kind"].as_str().unwrap_or_default();
        problems.push(fault_located(&fault, kind, manifest, run.benchmark(), name));
    }
    let said = once(problems);
    if said.iter().any(Problem::is_error) {
        return Err(fail(&said, rendered.text()));
    }
    let warnings: Vec<Diagnostic> = said
        .iter()
        .map(|problem| located(problem, Some(&merged.effective)))
        .collect();
    merged.warnings.extend(warnings);
    Ok((rendered, manifests))
}

/// A namespace is on every object, and wrong once.
fn once(problems: Vec<Problem>) -> Vec<Problem> {
    let mut said: Vec<Problem> = Vec::new();
    for problem in problems {
        if !said
            .iter()
            .any(|other| other.message == problem.message && other.anchor == problem.anchor)
        {
            said.push(problem);
        }
    }
    said
}

fn check_values_of(effective: &Effective, schema: &Value, json: &Value) -> Vec<Problem> {
    let written = |pointer: &str| {
        let location = effective.locate(pointer)?;
        let text = location.source.slice(location.value_span).trim();
        (!text.is_empty() && text.len() <= 60 && !text.contains('\n')).then(|| text.to_owned())
    };
    check_values(schema, json, &written)
}

/// The values without the keys that are unknown, so that the rest can be read; with the schema switched off, also with
/// the defaults that were deleted.
fn usable(json: &Value, problems: &[Problem], skip: Skip) -> Value {
    let mut usable = json.clone();
    for problem in problems.iter().filter(|problem| problem.code == "B101") {
        if let Anchor::Key(pointer) = &problem.anchor {
            remove(&mut usable, pointer);
        }
    }
    if skip.schema
        && let Some(defaults) = parse(&Source::new(BUILT_IN, DEFAULTS), &ParseOptions::default())
            .documents
            .first()
    {
        refill(&mut usable, &defaults.to_json());
    }
    usable
}

fn remove(values: &mut Value, pointer: &str) {
    let Some((parent, _)) = pointer.rsplit_once('/') else {
        return;
    };
    let key = bench_yaml::pointer_tokens(pointer)
        .last()
        .unwrap_or_default();
    if let Some(parent) = values.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(&key);
    }
}

fn refill(values: &mut Value, defaults: &Value) {
    let (Value::Object(values), Value::Object(defaults)) = (values, defaults) else {
        return;
    };
    for (key, default) in defaults {
        match values.get_mut(key) {
            None | Some(Value::Null) => {
                values.insert(key.clone(), default.clone());
            }
            Some(value) => refill(value, default),
        }
    }
}

fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            serde_path_to_error::Segment::Map { key }
            | serde_path_to_error::Segment::Enum { variant: key } => {
                bench_yaml::pointer_push(&mut pointer, key);
            }
            serde_path_to_error::Segment::Unknown => {}
        }
    }
    Problem::value("B103", pointer, error.inner().to_string())
}

/// The manifests as a reader of YAML sees them. A scalar that YAML 1.1 and 1.2 would read differently is a mistake.
fn read_back(documents: &[Document]) -> Result<Vec<Value>, Box<Problem>> {
    let mut manifests = Vec::with_capacity(documents.len());
    for document in documents {
        let parsed = parse(
            &Source::new(&document.source, &document.text),
            &ParseOptions::default(),
        );
        let Some(problem) = parsed.problems.first() else {
            manifests.extend(parsed.documents.iter().map(bench_yaml::Node::to_json));
            continue;
        };
        let is_ours = document.source.starts_with("benchctl/");
        let (code, help) = if is_ours {
            ("B903", REPORT)
        } else {
            (
                "B142",
                "correct the template; write values with the filter `yaml`: {{ x | yaml }}",
            )
        };
        // What was written is no file, and so the name is none.
        let name = format!("<{}, rendered>", document.source);
        let written = Anchor::Text(Source::new(name, &document.text), problem.span);
        let message = format!(
            "{} was written wrongly: {}",
            document.source, problem.message
        );
        return Err(Problem::error(code, written, message)
            .label(problem.label.clone())
            .help(help)
            .into());
    }
    Ok(manifests)
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
