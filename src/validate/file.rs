//! One file on its own: values, through everything that `render` does with them, or manifests as they are.

use bench_yaml::{Diagnostic, Node, ParseOptions, Source, parse};

use super::kubernetes::{self, Fault, KubeVersion};
use crate::chart::Chart;
use crate::pipeline::{Checked, Skip, Wanted, foreign};
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
    Checked::new(chart, load_text(source), Skip::default()).findings(chart, wanted)
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
    let span = place(document, &fault.path, fault.is_key);
    let text = source.slice(span);
    let line = text.find(['\n', '\r']).unwrap_or(text.len());
    let span = bench_yaml::Span::new(span.start, span.start + line);
    diagnostic = diagnostic.at(source, span).path(fault.path.clone());
    for help in &fault.help {
        diagnostic = diagnostic.help(help.told(str::to_owned));
    }
    diagnostic
}

/// Where a path of a fault leads: keys may hold dots, and the longest that fits is meant. A mapping or list is pointed at
/// by its key, and so is what has a wrong key.
fn place(node: &Node, path: &str, wants_key: bool) -> bench_yaml::Span {
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
        rest = after.trim_start_matches('.');
        span = match node.value {
            bench_yaml::Value::Mapping(_) | bench_yaml::Value::Sequence(_) => entry.key_span,
            _ if wants_key && rest.is_empty() => entry.key_span,
            _ => node.span,
        };
    }
    span
}
