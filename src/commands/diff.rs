//! `benchctl diff`.

use bench_yaml::{Color, Diagnostic, ParseOptions, Source, parse};
use serde_json::{Map, Value, json};

use super::objects::{Objects, objects};
use crate::cli::{DiffArgs, DiffFormat, ValuesFlags};
use crate::diff::{Difference, Kind, compare};
use crate::output::{Failure, Output};
use crate::pipeline::Wanted;
use crate::values::read_text;

const NOTHING: &str = "nothing was compared";

pub(super) fn run(args: &DiffArgs, output: &Output) -> Result<(), Failure> {
    let wanted = Wanted {
        name: args.name.as_deref(),
        ..Wanted::default()
    };
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

/// The manifests of a file, a List taken apart.
fn read(path: &str) -> Result<Vec<Value>, Failure> {
    let one = |problem: Diagnostic| Failure::of(vec![problem], NOTHING);
    let source: Source = read_text(path, "manifests").map_err(|problem| one(*problem))?;
    // What lies in a cluster or was written by another program need not please YAML 1.2.
    let parsed = parse(&source, &ParseOptions::lenient());
    if parsed.has_errors() {
        return Err(Failure::of(parsed.problems, NOTHING));
    }
    let mut objects = Vec::new();
    for document in &parsed.documents {
        let object = document.to_json();
        match object.get("items").and_then(Value::as_array) {
            Some(items) if object["kind"] == "List" => objects.extend(items.clone()),
            _ if object.get("kind").is_some() => objects.push(object),
            _ if object.is_null() => {}
            _ => {
                return Err(one(Diagnostic::error(
                    "K100",
                    "this is no manifest: it has no `kind`",
                )
                .at(&source, document.span)
                .help("for values files use --against-values")));
            }
        }
    }
    for object in &mut objects {
        as_applied(object);
    }
    Ok(objects)
}

/// What a cluster adds to an object when it takes it.
fn as_applied(object: &mut Value) {
    let remove = |object: &mut Value, pointer: &str, keys: &[&str]| {
        if let Some(fields) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            fields.retain(|key, _| !keys.contains(&key.as_str()));
        }
    };
    remove(object, "", &["status"]);
    remove(
        object,
        "/metadata",
        &[
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "managedFields",
            "selfLink",
        ],
    );
    remove(
        object,
        "/metadata/annotations",
        &["kubectl.kubernetes.io/last-applied-configuration"],
    );
    let is_empty = object
        .pointer("/metadata/annotations")
        .and_then(Value::as_object)
        .is_some_and(Map::is_empty);
    if is_empty {
        remove(object, "/metadata", &["annotations"]);
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
