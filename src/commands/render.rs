//! `benchctl render`.

use std::path::{Path, PathBuf};

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
    let files: Vec<NewFile> = by_template(chosen)
        .iter()
        .map(|(source, items)| {
            let place = directory.join(source);
            match format {
                Format::Yaml => (place, text(items, format)),
                Format::Json => (json_path(&place, chosen), json_text(items)),
            }
        })
        .collect();
    write_all(&files)?;
    for (path, _) in &files {
        output.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// The documents of each template, in the order of the first one: a template of a chart may hold several.
fn by_template<'a>(chosen: &[&'a (Document, Value)]) -> Vec<(&'a str, Vec<&'a (Document, Value)>)> {
    let mut files: Vec<(&str, Vec<&(Document, Value)>)> = Vec::new();
    for item in chosen {
        let source = item.0.source.as_str();
        match files.iter_mut().find(|(known, _)| *known == source) {
            Some((_, items)) => items.push(item),
            None => files.push((source, vec![item])),
        }
    }
    files
}

/// `job.json` for `job.yaml`; `job.yaml.json` where there is a `job.yml` too.
fn json_path(place: &Path, chosen: &[&(Document, Value)]) -> PathBuf {
    let (name, stem) = (place.file_name(), place.file_stem());
    let is_other = |(document, _): &&(Document, Value)| {
        let source = Path::new(&document.source);
        source.file_name() != name && source.file_stem() == stem
    };
    if chosen.iter().any(is_other) {
        let mut longer = place.as_os_str().to_owned();
        longer.push(".json");
        longer.into()
    } else {
        place.with_extension("json")
    }
}

/// One object as it is, several as a List.
fn json_text(items: &[&(Document, Value)]) -> String {
    match items {
        [(_, object)] => pretty(object),
        several => text(several, Format::Json),
    }
}
