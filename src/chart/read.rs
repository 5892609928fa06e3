//! Reading a chart's directory.

use std::path::{Path, PathBuf};

use bench_yaml::Diagnostic;

use super::{Chart, OwnSchema};
use crate::render::Templates;
use crate::values::{codes, read_text};

impl Chart {
    /// The chart in a directory.
    ///
    /// # Errors
    /// What cannot be read, and what is wrong in it.
    pub fn read(directory: &Path) -> Result<Self, Vec<Diagnostic>> {
        let one = |problem: Box<Diagnostic>| vec![*problem];
        let text = |path: &Path| read_text(&path.to_string_lossy()).map_err(one);
        let mut layers = vec![text(&directory.join("values.yaml"))?];
        for path in files(&directory.join("scenarios"), ".yaml").unwrap_or_default() {
            layers.push(text(&path)?);
        }
        let folder = directory.join("templates");
        let paths =
            files(&folder, ".j2").map_err(|error| vec![unreadable(&folder, &error.to_string())])?;
        if paths.is_empty() {
            return Err(vec![unreadable(&folder, "it holds no *.j2 file")]);
        }
        let mut templates = Vec::with_capacity(paths.len());
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.trim_end_matches(".j2").to_owned();
            templates.push((name, text(&path)?.text.to_string()));
        }
        let name = std::path::absolute(directory)
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .filter(|name| name != "benchctl")
            .unwrap_or_else(|| "chart".to_owned());
        let templates = Templates::new(&name, templates).map_err(|error| {
            vec![Diagnostic::error(
                "B140",
                format!("a template of {} is wrong: {error}", directory.display()),
            )]
        })?;
        let path = directory.join("values.schema.json");
        let schema = if path.is_file() {
            let schema = OwnSchema::new(&text(&path)?).map_err(|error| {
                vec![Diagnostic::error(
                    "B141",
                    format!("{} is no JSON Schema: {error}", path.display()),
                )]
            })?;
            Some(schema)
        } else {
            None
        };
        Self::of(layers, templates, schema)
    }
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
        format!("cannot read {}: {reason}", path.display()),
    )
    .help("a chart holds values.yaml and templates/*.j2")
}
