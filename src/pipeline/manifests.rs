//! From a run to its manifests, and what an API server would say to them.

use bench_yaml::{ParseOptions, Source, parse};
use serde_json::Value;

use super::{Wanted, once};
use crate::chart::Chart;
use crate::problem::{Anchor, Problem, REPORT};
use crate::render::{Document, Rendered, attempt, conflicts};
use crate::scenario::Run;
use crate::validate::kubernetes::Fault;
use crate::validate::{check_config, kubernetes, located};

/// The manifests as text and as objects, as far as they can be written, and what is wrong with them.
pub(super) fn make(
    chart: &Chart,
    run: &Run,
    wanted: Wanted<'_>,
) -> (Option<(Rendered, Vec<Value>)>, Vec<Problem>) {
    let mut problems = conflicts(run);
    let (rendered, wrong_names) =
        attempt(run, chart.templates(), wanted.name, wanted.with_namespace);
    let has_right_names = wrong_names.is_empty();
    problems.extend(wrong_names);
    let Some(rendered) = rendered else {
        return (None, problems);
    };
    let (objects, unreadable) = read_back(&rendered.documents);
    let are_whole = unreadable.is_empty();
    problems.extend(unreadable);
    if !wanted.skip.manifests {
        let mut found = each(&objects, wanted);
        if are_whole {
            found.extend(kubernetes::check_set(&objects));
        }
        for (index, fault) in found {
            // Another name is written where the given one does not fit.
            if fault.path == "metadata.name" && !has_right_names {
                continue;
            }
            let object = &objects[index];
            let kind = object["kind"].as_str().unwrap_or_default();
            let fault = located(&fault, kind, object, run.benchmark(), wanted.name);
            // What is at odds with our own is not looked at further.
            let is_known = |problem: &Problem| {
                problem.pointer().is_some() && problem.pointer() == fault.pointer()
            };
            let mut ours = problems.iter().filter(|p| p.code.starts_with('B'));
            if !ours.any(is_known) {
                problems.push(fault);
            }
        }
        let configs = objects
            .iter()
            .filter(|object| object["kind"] == "ConfigMap")
            .filter(|object| object.pointer("/data/config.yml").is_some());
        problems.extend(configs.filter_map(|map| check_config(map, &rendered.config)));
    }
    (Some((rendered, objects)), once(problems))
}

/// What is wrong with each object, with the object's index.
pub(super) fn each(objects: &[Value], wanted: Wanted<'_>) -> Vec<(usize, Fault)> {
    let faults = |object| {
        kubernetes::check_manifest(object)
            .into_iter()
            .chain(kubernetes::check_version(object, wanted.version))
    };
    objects
        .iter()
        .enumerate()
        .flat_map(|(index, object)| faults(object).map(move |fault| (index, fault)))
        .collect()
}

/// The manifests as a reader of YAML sees them. A scalar that YAML 1.1 and 1.2 would read differently is a mistake.
pub(super) fn read_back(documents: &[Document]) -> (Vec<Value>, Vec<Problem>) {
    let (mut objects, mut problems) = (Vec::with_capacity(documents.len()), Vec::new());
    for document in documents {
        // What was written is no file, and so the name is none.
        let name = format!("<{}, rendered>", document.source);
        let written = Source::new(name, &document.text);
        let parsed = parse(&written, &ParseOptions::default());
        if parsed.problems.is_empty() {
            objects.extend(parsed.documents.iter().map(bench_yaml::Node::to_json));
        }
        let (code, help) = if document.source.starts_with("benchctl/") {
            ("B903", REPORT)
        } else {
            (
                "B142",
                "correct the template; write values with the filter `yaml`: {{ x | yaml }}",
            )
        };
        problems.extend(parsed.problems.iter().map(|problem| {
            let message = format!(
                "{} was written wrongly: {}",
                document.source, problem.message
            );
            let written = Anchor::Text(written.clone(), problem.span);
            Problem::error(code, written, message)
                .label(problem.label.clone())
                .help(help)
        }));
    }
    (objects, problems)
}
