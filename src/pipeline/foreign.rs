//! The straight line of a chart whose values are its own.

use bench_yaml::Diagnostic;
use serde_json::Value;

use super::manifests::{each, read_back};
use super::{Wanted, all, once};
use crate::causes::Causes;
use crate::chart::Chart;
use crate::diagnostics::located;
use crate::problem::{Anchor, Problem};
use crate::render::{Document, Release, render_own};
use crate::scenario::secrets;
use crate::validate::kubernetes::{self, Fault};
use crate::values::{Effective, Loaded, fold_on};

/// What a foreign chart amounts to.
#[derive(Debug)]
pub struct Foreign {
    /// The values with the places they came from.
    pub effective: Effective,
    /// The same as JSON.
    pub json: Value,
    /// The manifests and the objects that they are; none where only the values were wanted.
    pub documents: Vec<(Document, Value)>,
    /// What is worth a look.
    pub warnings: Vec<Diagnostic>,
}

/// Merges and checks values and, where a namespace for them is given, renders and checks manifests.
///
/// # Errors
/// Every problem found.
pub fn foreign(
    chart: &Chart,
    loaded: Loaded,
    namespace: Option<&str>,
    wanted: Wanted<'_>,
) -> Result<Foreign, Vec<Diagnostic>> {
    let effective = fold_on(chart.defaults(), loaded);
    let json = effective.json();
    let mut warnings = effective.problems().to_vec();
    let causes = Causes::of_reading(&warnings);
    let mut problems = match chart.own_schema() {
        Some(schema) if !wanted.skip.schema => schema.check(&json),
        _ => Vec::new(),
    };
    problems.extend(secrets(&json));
    problems.retain(|problem| !causes.explain(problem, Some(&effective)));
    if !problems.is_empty() || warnings.iter().any(Diagnostic::is_error) {
        return Err(all(&problems, &effective, warnings));
    }
    let mut documents = Vec::new();
    if let Some(namespace) = namespace {
        let release = Release {
            name: wanted.name.unwrap_or("inference-perf").to_owned(),
            namespace: namespace.to_owned(),
        };
        let texts = render_own(chart.templates(), &json, &release)
            .map_err(|problems| all(&problems, &effective, warnings.clone()))?;
        let (objects, mut found) = read_back(&texts);
        if !wanted.skip.manifests && found.is_empty() {
            found = once(faults(&texts, &objects, wanted));
        }
        if found.iter().any(Problem::is_error) {
            return Err(all(&found, &effective, warnings));
        }
        warnings.extend(found.iter().map(|problem| located(problem, None)));
        documents = texts.into_iter().zip(objects).collect();
    }
    Ok(Foreign {
        effective,
        json,
        documents,
        warnings,
    })
}

fn faults(texts: &[Document], objects: &[Value], wanted: Wanted<'_>) -> Vec<Problem> {
    let mut found = each(objects, wanted);
    found.extend(kubernetes::check_set(objects));
    found
        .iter()
        .filter_map(|(index, fault)| Some(of_document(fault, texts.get(*index)?)))
        .collect()
}

/// A fault with the template that wrote it; which value is behind it only its author knows.
fn of_document(fault: &Fault, document: &Document) -> Problem {
    let mut problem = Problem::error(fault.code, Anchor::Nowhere, fault.message.clone())
        .note(format!("{} {}", document.source, fault.path));
    for help in &fault.help {
        problem = problem.help(help.told(str::to_owned));
    }
    if fault.is_warning {
        problem.warning()
    } else {
        problem
    }
}
