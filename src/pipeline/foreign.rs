//! The straight line of a chart whose values are its own.

use bench_yaml::Diagnostic;
use serde_json::Value;

use super::{Wanted, all, once, read_back};
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
    let effective = fold_on(chart.defaults(), loaded)?;
    let json = effective.json();
    let mut warnings = effective.problems().to_vec();
    let mut problems = match chart.own_schema() {
        Some(schema) if !wanted.skip.schema => schema.check(&json),
        _ => Vec::new(),
    };
    problems.extend(secrets(&json));
    if !problems.is_empty() || warnings.iter().any(Diagnostic::is_error) {
        return Err(all(&problems, &effective, warnings));
    }
    let mut documents = Vec::new();
    if let Some(namespace) = namespace {
        let release = Release {
            name: wanted.name.unwrap_or("inference-perf").to_owned(),
            namespace: namespace.to_owned(),
        };
        let fail = |problem: Problem| all(&[problem], &effective, warnings.clone());
        let texts = render_own(chart.templates(), &json, &release).map_err(|p| fail(*p))?;
        let objects = read_back(&texts).map_err(|p| fail(*p))?;
        if !wanted.skip.manifests {
            let found = once(faults(&texts, &objects, wanted));
            if found.iter().any(Problem::is_error) {
                return Err(all(&found, &effective, warnings));
            }
            let found: Vec<Diagnostic> = found.iter().map(|p| located(p, None)).collect();
            warnings.extend(found);
        }
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
    let mut problems = Vec::new();
    for (document, object) in texts.iter().zip(objects) {
        let found = kubernetes::check_manifest(object)
            .into_iter()
            .chain(kubernetes::check_version(object, wanted.version));
        problems.extend(found.map(|fault| of_document(&fault, document)));
    }
    for (index, fault) in kubernetes::check_set(objects) {
        problems.extend(texts.get(index).map(|text| of_document(&fault, text)));
    }
    problems
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
