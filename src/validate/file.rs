//! One file on its own: values, through everything that `render` does with them, or manifests as they are.

use bench_yaml::{Diagnostic, Node, ParseOptions, Source, parse};

use super::kubernetes::{self, Fault, KubeVersion};
use crate::chart::Chart;
use crate::diagnostics::located;
use crate::pipeline::{
    Merged, Skip, Wanted, deleted, foreign, manifests, merge_loaded, run as resolve_run,
};
use crate::plan;
use crate::problem::{Anchor, Problem};
use crate::scenario::{Provenance, resolve};
use crate::values::load_text;

/// Everything wrong with a file, warnings included.
#[must_use]
pub fn check_text(chart: &Chart, source: &Source, version: KubeVersion) -> Vec<Diagnostic> {
    if are_manifests(&source.text) {
        return check_manifests(source, version);
    }
    let wanted = Wanted {
        version,
        ..Wanted::default()
    };
    if chart.is_foreign() {
        return match foreign(chart, load_text(source), Some("default"), wanted) {
            Ok(found) => found.warnings,
            Err(problems) => problems,
        };
    }
    let mut merged = match merge_loaded(chart, load_text(source), Skip::default()) {
        Ok(merged) => merged,
        Err(problems) => return problems,
    };
    let run = match resolve_run(chart, &mut merged) {
        Ok(run) => run,
        Err(problems) => return with_others(problems, chart, &merged),
    };
    let mut found = match manifests(chart, &run, &mut merged, wanted) {
        Ok(_) => merged.warnings.clone(),
        Err((problems, _)) => problems,
    };
    let effective = Some(&merged.effective);
    found.extend(plan::doubts(&run).iter().map(|p| located(p, effective)));
    with_others(found, chart, &merged)
}

/// `found`, and what is wrong with other scenarios and has not been said with the chosen one.
fn with_others(mut found: Vec<Diagnostic>, chart: &Chart, merged: &Merged) -> Vec<Diagnostic> {
    for other in other_scenarios(chart, merged) {
        let is_new = |said: &Diagnostic| said.message != other.message || said.span != other.span;
        if found.iter().all(is_new) {
            found.push(other);
        }
    }
    found
}

/// What is wrong with the scenarios that a file defines or changes and does not choose.
fn other_scenarios(chart: &Chart, merged: &Merged) -> Vec<Diagnostic> {
    let benchmark = &merged.values.benchmark;
    let mut found = Vec::new();
    for name in benchmark.scenarios.keys() {
        let mut pointer = "/benchmark/scenarios".to_owned();
        bench_yaml::pointer_push(&mut pointer, name);
        if *name == benchmark.scenario || !chart.is_given(&merged.effective, &pointer) {
            continue;
        }
        let mut values = merged.values.clone();
        values.benchmark.scenario.clone_from(name);
        // The choice is not the file's.
        let given = |place: &str| {
            place != "/benchmark/scenario" && chart.is_given(&merged.effective, place)
        };
        let provenance = Provenance {
            given: &given,
            deleted: &deleted(&merged.effective),
        };
        let problems = match resolve(values, provenance) {
            Ok((_, warnings)) => warnings,
            Err(problems) => problems,
        };
        let is_its_own = |problem: &Problem| match &problem.anchor {
            Anchor::Value(place) | Anchor::Key(place) => {
                place.starts_with(&pointer) && given(place.as_str())
            }
            Anchor::Argument(..) | Anchor::Nowhere => false,
        };
        found.extend(
            problems
                .iter()
                .filter(|problem| is_its_own(problem))
                .map(|problem| located(problem, Some(&merged.effective))),
        );
    }
    found
}

/// Values have neither of these keys.
fn are_manifests(text: &str) -> bool {
    if text.trim_start().starts_with('{') {
        return text.contains("\"apiVersion\"") && text.contains("\"kind\"");
    }
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("apiVersion:") && has("kind:")
}

fn check_manifests(source: &Source, version: KubeVersion) -> Vec<Diagnostic> {
    let parsed = parse(source, &ParseOptions::default());
    let mut found = parsed.problems;
    for document in parsed
        .documents
        .iter()
        .filter(|document| document.entries().is_some())
    {
        let items = match document.get("items").and_then(Node::items) {
            Some(items) if document.get("kind").and_then(Node::as_str) == Some("List") => {
                items.iter().collect()
            }
            _ => vec![document],
        };
        for item in items {
            let manifest = item.to_json();
            let faults = kubernetes::check_manifest(&manifest)
                .into_iter()
                .chain(kubernetes::check_version(&manifest, version));
            // A file of manifests may leave the namespace to `kubectl -n`.
            let has_namespace = manifest.pointer("/metadata/namespace").is_some();
            found.extend(
                faults
                    .filter(|fault| has_namespace || fault.path != "metadata.namespace")
                    .map(|fault| at_field(source, item, &fault)),
            );
        }
    }
    found
}

/// A fault at the field that has it, or at the nearest one above it.
fn at_field(source: &Source, document: &Node, fault: &Fault) -> Diagnostic {
    let mut diagnostic = if fault.is_warning {
        Diagnostic::warning(fault.code, fault.message.clone())
    } else {
        Diagnostic::error(fault.code, fault.message.clone())
    };
    let span = place(document, &fault.path);
    let text = source.slice(span);
    let line = text.find(['\n', '\r']).unwrap_or(text.len());
    let span = bench_yaml::Span::new(span.start, span.start + line);
    diagnostic = diagnostic.at(source, span).path(fault.path.clone());
    for help in &fault.help {
        diagnostic = diagnostic.help(help.told(str::to_owned));
    }
    diagnostic
}

/// Where a path of a fault leads: keys may hold dots, and the longest that fits is meant.
fn place(node: &Node, path: &str) -> bench_yaml::Span {
    let mut node = node;
    let mut span = node.span;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(indexed) = rest.strip_prefix('[') {
            let Some((index, after)) = indexed.split_once(']') else {
                break;
            };
            let item = index
                .parse::<usize>()
                .ok()
                .and_then(|index| node.items()?.get(index));
            let Some(item) = item else { break };
            (node, span, rest) = (item, item.span, after.trim_start_matches('.'));
            continue;
        }
        let fits = |key: &str| {
            rest.strip_prefix(key)
                .is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
        };
        let entry = node
            .entries()
            .unwrap_or_default()
            .iter()
            .filter(|entry| fits(&entry.key))
            .max_by_key(|entry| entry.key.len());
        let Some(entry) = entry else { break };
        let after = rest.get(entry.key.len()..).unwrap_or_default();
        node = &entry.value;
        span = match node.value {
            bench_yaml::Value::Mapping(_) | bench_yaml::Value::Sequence(_) => entry.key_span,
            _ => node.span,
        };
        rest = after.trim_start_matches('.');
    }
    span
}
