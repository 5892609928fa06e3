//! `benchctl diff`.

use bench_yaml::{Color, Diagnostic, Node, ParseOptions, Source, parse};
use serde_json::{Value, json};

use super::objects::{Objects, objects};
use crate::cli::{DiffArgs, DiffFormat, ValuesFlags};
use crate::diagnostics::first_line;
use crate::diff::{Difference, Kind, compare};
use crate::manifests::{NO_MANIFEST, manifests};
use crate::output::{Failure, Output};
use crate::pipeline::Wanted;
use crate::values::read_text;

const NOTHING: &str = "nothing was compared";

pub(super) fn run(args: &DiffArgs, output: &Output) -> Result<(), Failure> {
    let wanted = Wanted {
        name: args.name.as_deref(),
        ..Wanted::default()
    };
    let is_stdin = |path: &String| path == "-";
    let other = args.against.iter().chain(&args.against_values);
    if args.values.read_stdin() && other.into_iter().any(is_stdin) {
        return Err(Failure::usage(
            "standard input can be read once, and both sides are to come from it",
            "write one of them to a file",
        ));
    }
    let found = objects(&args.values, wanted, false, NOTHING);
    let old = match &args.against {
        Some(path) => read(path),
        None => {
            // The flags are for the new side: what is compared are the files as they are.
            let flags = ValuesFlags {
                files: args.against_values.clone(),
                chart: args.values.chart.clone(),
                ..ValuesFlags::default()
            };
            objects(&flags, wanted, false, NOTHING).map(Objects::into_items)
        }
    };
    let (found, old) = match (found, old) {
        (Err(one), Err(other)) => return Err(one.and(other)),
        (found, old) => (found?, old?),
    };
    output.warn(&found.warnings);
    let new = found.into_items();
    let found = compare(&old, &new);
    output.data(&match args.output {
        DiffFormat::Unified => unified(&found, args.context, output.data_color()),
        DiffFormat::Json => data(&found, args.context),
    })?;
    if args.exit_code && !found.is_empty() {
        Err(Failure::Differences)
    } else {
        Ok(())
    }
}

/// The manifests of a file.
fn read(path: &str) -> Result<Vec<Value>, Failure> {
    let one = |problem: Diagnostic| Failure::of(vec![problem], NOTHING);
    let source: Source = read_text(path, "manifests").map_err(|problem| one(*problem))?;
    // What lies in a cluster or was written by another program need not please YAML 1.2.
    let parsed = parse(&source, &ParseOptions::lenient());
    if parsed.has_errors() {
        return Err(Failure::of(parsed.problems, NOTHING));
    }
    let no_manifest = |message: String, span| {
        Diagnostic::error(NO_MANIFEST, message)
            .at(&source, first_line(&source, span))
            .help("for values files use --against-values")
    };
    let is_empty = |document: &Node| matches!(document.value, bench_yaml::Value::Null);
    if parsed.documents.iter().all(is_empty) {
        return Err(one(Diagnostic::error(
            NO_MANIFEST,
            format!("`{}` holds no manifest", source.name),
        )
        .help(
            "where a cluster has nothing, `kubectl get … -o yaml` writes an empty List; did it fail?",
        )));
    }
    let found = manifests(&parsed.documents);
    let problems: Vec<Diagnostic> = found
        .iter()
        .filter_map(|manifest| Some(no_manifest(manifest.why_nameless()?, manifest.node.span)))
        .collect();
    if problems.is_empty() {
        Ok(found.into_iter().map(|manifest| manifest.object).collect())
    } else {
        Err(Failure::of(problems, NOTHING))
    }
}

fn unified(found: &[Difference], context: usize, color: Color) -> String {
    let painted = |code: &str, text: &str| match color {
        Color::Always => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        Color::Never => text.to_owned(),
    };
    let mut text = String::new();
    for difference in found {
        let code = match difference.kind {
            Kind::Added => "32",
            Kind::Changed => "33",
            Kind::Removed => "31",
        };
        text.push_str(&painted(code, &difference.title()));
        text.push('\n');
        for line in difference.unified(context).lines() {
            match line.chars().next() {
                Some('+') => text.push_str(&painted("32", line)),
                Some('-') => text.push_str(&painted("31", line)),
                Some('@') => text.push_str(&painted("36", line)),
                _ => text.push_str(line),
            }
            text.push('\n');
        }
    }
    text
}

fn data(found: &[Difference], context: usize) -> String {
    let items: Vec<Value> = found
        .iter()
        .map(|difference| {
            let object = &difference.object;
            let fields: Vec<Value> = difference
                .fields
                .iter()
                .map(|field| json!({"path": field.path, "old": field.old, "new": field.new}))
                .collect();
            json!({
                "change": difference.kind.as_str(),
                "apiVersion": object.api_version,
                "kind": object.kind,
                "namespace": object.namespace,
                "name": object.name,
                "oldName": difference.old_name,
                "fields": fields,
                "diff": difference.unified(context),
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(items))
}
