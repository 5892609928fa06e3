//! The straight line of `render`: layers, one fold, schema, run, manifests, checks. Nothing is printed here, and no
//! step reads a file after the first.

use bench_yaml::{Diagnostic, ParseOptions, Source, parse};
use serde_json::Value;

use crate::diagnostics::located;
use crate::flags;
use crate::problem::{Anchor, Problem};
use crate::render::{Document, Rendered, conflicts, render};
use crate::scenario::catalog::{DEFAULTS, PRESETS};
use crate::scenario::raw::Values;
use crate::scenario::{Provenance, Run, resolve, secrets, values_schema_text};
use crate::validate::{check_config, check_values, kubernetes, located as fault_located};
use crate::values::{Effective, Layer, Sources, effective};

/// What the built-in defaults are called in messages.
const BUILT_IN: &str = "built-in defaults";

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

/// Presets and defaults, the lowest layers.
///
/// # Errors
/// When a built-in text is wrong, which a test rules out.
pub fn defaults() -> Result<Vec<Layer>, Vec<Diagnostic>> {
    let mut layers = vec![Layer::parse(BUILT_IN, &Source::new(BUILT_IN, DEFAULTS))?];
    for preset in &PRESETS {
        let name = format!("preset `{}`", preset.name);
        layers.push(Layer::parse(&name, &Source::new(&name, preset.text))?);
    }
    Ok(layers)
}

/// Reads and merges values, and looks for nothing but secrets in them.
///
/// # Errors
/// Every problem found.
pub fn unchecked(
    sources: &Sources,
) -> Result<(Effective, Value, Vec<Diagnostic>), Vec<Diagnostic>> {
    let effective = effective(&defaults()?, sources)?;
    let json = effective.json();
    let warnings = effective.warnings().to_vec();
    let problems = secrets(&json);
    if problems.is_empty() {
        Ok((effective, json, warnings))
    } else {
        Err(all(&problems, &effective, warnings))
    }
}

/// Reads, merges and checks values.
///
/// # Errors
/// Every problem found.
pub fn merge(sources: &Sources, skip: Skip) -> Result<Merged, Vec<Diagnostic>> {
    let mut effective = effective(&defaults()?, sources)?;
    let mut json = effective.json();
    let mut walked = check_values_of(&effective, &json)?;
    let numbers = flags::numbers(&walked, &json, &effective);
    if !numbers.is_empty() {
        for pointer in &numbers {
            effective.read_as_number(pointer);
        }
        json = effective.json();
        walked = check_values_of(&effective, &json)?;
    }
    let usable = usable(&json, &walked, skip);
    // With the schema switched off its word counts only where the values cannot be used.
    let (mut problems, unused) = if skip.schema {
        (Vec::new(), walked)
    } else {
        (walked, Vec::new())
    };
    problems.extend(secrets(&json));
    let warnings = effective.warnings().to_vec();
    match serde_path_to_error::deserialize::<_, Values>(&usable) {
        Ok(values) if problems.is_empty() => Ok(Merged {
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
            Err(all(&problems, &effective, warnings))
        }
        Err(error) => {
            problems.extend(
                unused
                    .into_iter()
                    .filter(|problem| !matches!(problem.code, "B101" | "B104")),
            );
            if problems.is_empty() {
                problems.push(unreadable(&error));
            }
            Err(all(&problems, &effective, warnings))
        }
    }
}

fn deleted(effective: &Effective) -> Vec<String> {
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
pub fn run(merged: &mut Merged) -> Result<Run, Vec<Diagnostic>> {
    let given = |pointer: &str| {
        merged
            .effective
            .layer_of(pointer)
            .is_some_and(|layer| !is_built_in(layer))
    };
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

/// Renders a run and checks what was written, as it was written.
///
/// # Errors
/// Every problem found, and the text that has them, for `--debug`.
pub fn manifests(
    run: &Run,
    merged: &mut Merged,
    name: Option<&str>,
    with_namespace: bool,
    skip: Skip,
) -> Result<(Rendered, Vec<Value>), (Vec<Diagnostic>, String)> {
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
    let rendered =
        render(run, name, with_namespace).map_err(|problem| fail(&[*problem], String::new()))?;
    let manifests =
        read_back(&rendered.documents).map_err(|problem| fail(&[*problem], rendered.text()))?;
    if skip.manifests {
        return Ok((rendered, manifests));
    }
    let mut problems = Vec::new();
    for manifest in &manifests {
        let kind = manifest["kind"].as_str().unwrap_or_default();
        for fault in kubernetes::check_manifest(manifest) {
            problems.push(fault_located(&fault, kind, manifest, run.benchmark(), name));
        }
        if kind == "ConfigMap" {
            problems.extend(check_config(manifest, &rendered.config));
        }
    }
    for (index, fault) in kubernetes::check_set(&manifests) {
        let manifest = &manifests[index];
        let kind = manifest["kind"].as_str().unwrap_or_default();
        problems.push(fault_located(&fault, kind, manifest, run.benchmark(), name));
    }
    let mut said: Vec<&Problem> = Vec::new();
    for problem in &problems {
        // A namespace is on every object, and wrong once.
        if !said
            .iter()
            .any(|other| other.message == problem.message && other.anchor == problem.anchor)
        {
            said.push(problem);
        }
    }
    if said.is_empty() {
        Ok((rendered, manifests))
    } else {
        let said: Vec<Problem> = said.into_iter().cloned().collect();
        Err(fail(&said, rendered.text()))
    }
}

/// Whether a layer is part of the program.
#[must_use]
pub fn is_built_in(layer: &str) -> bool {
    layer == BUILT_IN
        || PRESETS
            .iter()
            .any(|preset| layer == format!("preset `{}`", preset.name))
}

fn check_values_of(effective: &Effective, json: &Value) -> Result<Vec<Problem>, Vec<Diagnostic>> {
    let schema: Value = serde_json::from_str(values_schema_text()).map_err(|error| {
        vec![Diagnostic::error(
            "B901",
            format!("the built-in schema cannot be read: {error}"),
        )]
    })?;
    let written = |pointer: &str| {
        let location = effective.locate(pointer)?;
        let text = location.source.slice(location.value_span).trim();
        (!text.is_empty() && text.len() <= 60 && !text.contains('\n')).then(|| text.to_owned())
    };
    Ok(check_values(&schema, json, &written))
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
        if let Some(problem) = parsed.problems.first() {
            return Err(Problem::error(
                "B903",
                Anchor::Nowhere,
                format!(
                    "{} was written wrongly: {}",
                    document.source, problem.message
                ),
            )
            .help("this is a mistake of benchctl, please report it")
            .into());
        }
        manifests.extend(parsed.documents.iter().map(bench_yaml::Node::to_json));
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
