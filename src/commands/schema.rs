//! `benchctl schema`.

use bench_contract::{config_schema, report_schema};
use bench_yaml::{Diagnostic, ParseOptions, Source, Span, dotted, parse};
use serde_json::Value;

use crate::chart::OwnSchema;
use crate::cli::{SchemaArgs, SchemaOf};
use crate::output::{Failure, Output};
use crate::problem::{Anchor, REPORT};
use crate::scenario::values_schema;
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
            let problems = check(&schema, &source).map_err(|reason| Failure::io(reason, REPORT))?;
            if problems.iter().any(Diagnostic::is_error) {
                return Err(failed(problems));
            }
            output.warn(&problems);
            Ok(())
        }
    }
}

/// Everything in a file that its schema does not allow, at its place.
fn check(schema: &Value, source: &Source) -> Result<Vec<Diagnostic>, String> {
    let schema = OwnSchema::of(schema)?;
    let parsed = parse(source, &ParseOptions::default());
    let mut found = parsed.problems;
    for document in &parsed.documents {
        for problem in schema.check(&document.to_json()) {
            let mut diagnostic =
                Diagnostic::error(problem.code, problem.message).label(problem.label);
            if let Anchor::Value(pointer) = &problem.anchor {
                let span = document.locate(pointer).map_or(document.span, |place| {
                    // What goes over several lines is pointed at by its key.
                    let is_long = source.slice(place.value).contains('\n');
                    place.key.filter(|_| is_long).unwrap_or(place.value)
                });
                let text = source.slice(span);
                let line = text.find(['\n', '\r']).unwrap_or(text.len());
                diagnostic = diagnostic
                    .at(source, Span::new(span.start, span.start + line))
                    .path(dotted(pointer));
            }
            for help in problem.help {
                diagnostic = diagnostic.help(help);
            }
            found.push(diagnostic);
        }
    }
    Ok(found)
}
