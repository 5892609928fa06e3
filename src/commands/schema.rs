//! `benchctl schema`.

use bench_contract::{Config, Report, config_schema, report_schema};
use bench_yaml::{Diagnostic, Node, ParseOptions, Source, Span, codes, parse};
use serde_json::Value;

use crate::chart::OwnSchema;
use crate::cli::{SchemaArgs, SchemaOf};
use crate::diagnostics::{first_line, located};
use crate::output::{Failure, Output};
use crate::problem::{Anchor, Problem, REPORT};
use crate::scenario::values_schema;
use crate::validate::{advise, unknown_keys};
use crate::values::read_text;

pub(super) fn run(args: &SchemaArgs, output: &Output) -> Result<(), Failure> {
    let schema = match args.of {
        SchemaOf::Values => values_schema(),
        SchemaOf::Config => config_schema(),
        SchemaOf::Report => report_schema(),
    };
    match &args.check {
        None => output.data(&format!("{schema:#}\n")),
        Some(path) => {
            let failed = |problems| Failure::of(problems, "the file does not fit the schema");
            let source = read_text(path, "file").map_err(|problem| failed(vec![*problem]))?;
            let problems =
                check(args.of, &schema, &source).map_err(|reason| Failure::io(reason, REPORT))?;
            if problems.iter().any(Diagnostic::is_error) {
                return Err(failed(problems));
            }
            output.warn(&problems);
            Ok(())
        }
    }
}

/// Everything in a file that its schema does not allow, and the keys that are ignored, each at its place.
fn check(of: SchemaOf, schema: &Value, source: &Source) -> Result<Vec<Diagnostic>, String> {
    let own = OwnSchema::of(schema)?;
    let parsed = parse(source, &ParseOptions::default());
    let has_errors = parsed.has_errors();
    let mut found = parsed.problems;
    let is_empty = |document: &Node| matches!(document.value, bench_yaml::Value::Null);
    let may_be_empty = match of {
        SchemaOf::Values => true,
        SchemaOf::Config | SchemaOf::Report => false,
    };
    if parsed.documents.iter().all(is_empty) {
        if !may_be_empty && !has_errors {
            found.push(
                Diagnostic::error("B103", "the file is empty")
                    .at(source, Span::new(0, 0))
                    .help("what this schema describes is a mapping"),
            );
        }
        return Ok(found);
    }
    let check = |value: &Value| {
        let mut problems = own.check(value);
        for problem in &mut problems {
            // Where it stands in a schema of ours helps nobody.
            problem.notes.clear();
        }
        problems
    };
    // What is wrong with a scalar of two readings is said once.
    let ambiguous: Vec<Span> = found
        .iter()
        .filter(|problem| problem.code == codes::AMBIGUOUS)
        .map(|problem| problem.span)
        .collect();
    for document in &parsed.documents {
        let value = document.to_json();
        let span = |pointer: &str| Some(document.locate(pointer)?.value);
        let is_at = |problem: &Diagnostic, pointer: &str| span(pointer) == Some(problem.span);
        advise(&mut found, &value, &is_at, &check);
        let mut problems = check(&value);
        problems.retain(|problem| match &problem.anchor {
            Anchor::Value(pointer) => span(pointer).is_none_or(|at| !ambiguous.contains(&at)),
            Anchor::Key(_) | Anchor::Argument(..) | Anchor::Text(..) | Anchor::Nowhere => true,
        });
        problems.extend(match of {
            // An unknown key of the values is an error, by their schema.
            SchemaOf::Values => Vec::new(),
            SchemaOf::Config => unknown_keys::<Config>(schema, &value),
            SchemaOf::Report => unknown_keys::<Report>(schema, &value),
        });
        found.extend(problems.iter().map(|problem| at(source, document, problem)));
    }
    Ok(found)
}

/// A problem of a document at its place.
fn at(source: &Source, document: &Node, problem: &Problem) -> Diagnostic {
    let diagnostic = located(problem, None);
    let (pointer, wants_key) = match &problem.anchor {
        Anchor::Value(pointer) => (pointer, false),
        Anchor::Key(pointer) => (pointer, true),
        Anchor::Argument(..) | Anchor::Text(..) | Anchor::Nowhere => return diagnostic,
    };
    let span = document.locate(pointer).map_or(document.span, |place| {
        // What goes over several lines is pointed at by its key.
        let is_long = source.slice(place.value).contains('\n');
        place
            .key
            .filter(|_| wants_key || is_long)
            .unwrap_or(place.value)
    });
    diagnostic.at(source, first_line(source, span))
}
