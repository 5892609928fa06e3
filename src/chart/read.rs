//! Reading a chart's directory.

use std::path::{Path, PathBuf};

use bench_yaml::{Diagnostic, Source};

use super::{Chart, OwnSchema};
use crate::render::Templates;
use crate::values::{codes, read_text, system_reason};

impl Chart {
    /// The chart in a directory.
    ///
    /// # Errors
    /// What cannot be read, and what is wrong in it.
    pub fn read(directory: &Path) -> Result<Self, Vec<Diagnostic>> {
        if !directory.is_dir() {
            let reason = match directory.exists() {
                true => "it is no directory",
                false => "not found",
            };
            return Err(vec![unreadable(directory, reason)]);
        }
        let mut problems = Vec::new();
        let mut text = |path: &Path| {
            let read = read_text(&path.to_string_lossy(), "file of the chart");
            read.map_err(|problem| problems.push(*problem)).ok()
        };
        let mut paths = vec![directory.join("values.yaml")];
        paths.extend(files(&directory.join("scenarios"), ".yaml").unwrap_or_default());
        let layers: Vec<Source> = paths.iter().filter_map(|path| text(path)).collect();
        let folder = directory.join("templates");
        let found = files(&folder, ".j2");
        let mut templates = Vec::new();
        for path in found.as_deref().unwrap_or_default() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.trim_end_matches(".j2").to_owned();
            templates.extend(text(path).map(|source| (name, source.text.to_string())));
        }
        let path = directory.join("values.schema.json");
        let schema = path.is_file().then(|| text(&path)).flatten();
        match found {
            Ok(paths) if paths.is_empty() => {
                problems.push(unreadable(&folder, "it holds no *.j2 file"));
            }
            Ok(_) => {}
            Err(error) => problems.push(unreadable(&folder, &system_reason(&error))),
        }
        let templates = Templates::new(&name_of(directory), templates)
            .map_err(|errors| {
                problems.extend(errors.iter().map(|error| {
                    let place = directory.display();
                    let message = format!("a template of {place} is wrong: {error}");
                    Diagnostic::error("B140", message).help("correct the template")
                }));
            })
            .ok();
        let schema = schema.and_then(|source| match OwnSchema::new(&source) {
            Ok(schema) => Some(schema),
            Err(error) => {
                let message = format!("{} is no JSON Schema: {error}", path.display());
                problems.push(Diagnostic::error("B141", message).help("correct or remove it"));
                None
            }
        });
        match templates {
            Some(templates) if problems.is_empty() => Self::of(layers, templates, schema),
            _ => Err(problems),
        }
    }
}

/// What a chart is called: as its directory.
fn name_of(directory: &Path) -> String {
    std::path::absolute(directory)
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .filter(|name| name != "benchctl")
        .unwrap_or_else(|| "chart".to_owned())
}

/// The files of a directory with this ending, by name.
fn files(directory: &Path, ending: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_file() && path.to_string_lossy().ends_with(ending) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, reason: &str) -> Diagnostic {
    Diagnostic::error(
        codes::FILE,
        format!("cannot read chart `{}`: {reason}", path.display()),
    )
    .help("a chart holds values.yaml and templates/*.j2")
}
