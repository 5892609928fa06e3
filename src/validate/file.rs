//! One file on its own: values, through everything that `render` does with them, or manifests as they are.

use bench_yaml::{Diagnostic, Node, ParseOptions, Parsed, Source, parse};
use serde_json::Value as Json;

use super::kubernetes::{self, Fault, KubeVersion};
use crate::chart::Chart;
use crate::diagnostics::first_line;
use crate::manifests::{Manifest, NO_MANIFEST, is_manifest, manifests};
use crate::pipeline::{Checked, Skip, Wanted, foreign};
use crate::values::load_text;

/// Everything wrong with a file, warnings included.
#[must_use]
pub fn check_text(chart: &Chart, source: &Source, version: KubeVersion) -> Vec<Diagnostic> {
    if let Some(manifests) = as_manifests(chart, source) {
        return check_manifests(source, manifests, version);
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

/// What a text says, where it is one of manifests. The values of a foreign chart may have a key that manifests have.
fn as_manifests(chart: &Chart, source: &Source) -> Option<Parsed> {
    // Most texts are values, and are not read twice.
    let has = |key: &str| source.text.contains(key);
    if !has("apiVersion") && !has("kind") {
        return None;
    }
    let parsed = parse(source, &ParseOptions::default());
    let is_manifest = |document: &Node| match chart.is_foreign() {
        true => document.entry("apiVersion").is_some() && document.entry("kind").is_some(),
        false => is_manifest(document),
    };
    parsed.documents.iter().any(is_manifest).then_some(parsed)
}

fn check_manifests(source: &Source, parsed: Parsed, version: KubeVersion) -> Vec<Diagnostic> {
    let mut found = parsed.problems;
    let manifests = manifests(&parsed.documents);
    for manifest in &manifests {
        let Manifest { node, object } = manifest;
        if let Some(reason) = manifest.why_no_mapping() {
            let diagnostic = Diagnostic::error(NO_MANIFEST, reason)
                .help("remove it, or write a mapping with `apiVersion` and `kind`");
            found.push(diagnostic.at(source, first_line(source, node.span)));
            continue;
        }
        let faults = kubernetes::check_manifest(object)
            .into_iter()
            .chain(kubernetes::check_version(object, version));
        // A file of manifests may leave the namespace to `kubectl -n`.
        let has_namespace = object.pointer("/metadata/namespace").is_some();
        found.extend(
            faults
                .filter(|fault| has_namespace || fault.path != "metadata.namespace")
                .map(|fault| at_field(source, node, &fault)),
        );
    }
    // That the rest of a set is elsewhere, or in another namespace, is no fault of a file.
    let objects: Vec<Json> = manifests.iter().map(|item| item.object.clone()).collect();
    let twice = kubernetes::duplicates(&objects).into_iter();
    found.extend(twice.filter_map(|(index, fault)| {
        let manifest = manifests.get(index)?;
        Some(at_field(source, manifest.node, &fault))
    }));
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
    diagnostic = diagnostic
        .at(source, first_line(source, span))
        .path(fault.path.clone());
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
