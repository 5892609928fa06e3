//! `benchctl render`.

use std::path::Path;

use serde_json::{Value, json};

use super::files::{NewFile, write_all};
use super::objects::objects;
use super::select::{Item, select};
use crate::cli::{Format, RenderArgs};
use crate::output::{Failure, Output};
use crate::pipeline::{Skip, Wanted};
use crate::render::Document;

const NOTHING: &str = "nothing was rendered";

pub(super) fn run(args: &RenderArgs, output: &Output) -> Result<(), Failure> {
    let wanted = Wanted {
        name: args.name.as_deref(),
        with_namespace: args.create_namespace,
        skip: Skip {
            schema: args.skip_schema_validation,
            manifests: args.skip_manifest_validation,
        },
        version: args.kube_version,
    };
    let found = objects(&args.values, wanted, args.debug, NOTHING)?;
    if found.is_disabled {
        output.warn(&found.warnings);
        output.note("benchmark.enabled is false: there is nothing to render");
        return Ok(());
    }
    let chosen = select(&found.items, &args.show_only)?;
    output.warn(&found.warnings);
    match &args.output_dir {
        Some(directory) => write_files(directory, &chosen, args.output, output),
        None => output.data(&text(&chosen, args.output)),
    }
}

fn text(chosen: &[&Item], format: Format) -> String {
    match format {
        Format::Yaml => chosen.iter().map(|(document, _)| yaml(document)).collect(),
        Format::Json => {
            let items: Vec<&Value> = chosen.iter().map(|(_, object)| object).collect();
            pretty(&json!({"apiVersion": "v1", "kind": "List", "items": items}))
        }
    }
}

fn yaml(document: &Document) -> String {
    format!("---\n# Source: {}\n{}", document.source, document.text)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn write_files(
    directory: &Path,
    chosen: &[&Item],
    format: Format,
    output: &Output,
) -> Result<(), Failure> {
    let mut files: Vec<NewFile> = Vec::new();
    for (document, object) in chosen {
        let place = directory.join(&document.source);
        let (path, text) = match format {
            Format::Yaml => (place, yaml(document)),
            Format::Json => (place.with_extension("json"), pretty(object)),
        };
        // A template of a chart may hold several manifests.
        match files.iter_mut().find(|(known, _)| *known == path) {
            Some((_, texts)) => texts.push_str(&text),
            None => files.push((path, text)),
        }
    }
    write_all(&files)?;
    for (path, _) in &files {
        output.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}
