//! Reading a chart's directory.

use std::io;
use std::path::{Path, PathBuf};

use bench_yaml::{Diagnostic, Source, Span};

use super::{Chart, OwnSchema};
use crate::diagnostics::located;
use crate::render::{ENDING, Templates};
use crate::values::{codes, read_text, system_reason};

impl Chart {
    /// The chart in a directory.
    ///
    /// # Errors
    /// What cannot be read, and what is wrong in it.
    pub fn read(directory: &Path) -> Result<Self, Vec<Diagnostic>> {
        let one = |problem: Box<Diagnostic>| vec![*problem];
        let text = |path: &Path| read_text(&path.to_string_lossy()).map_err(one);
        let mut layers = vec![text(&directory.join("values.yaml"))?];
        let scenarios = match Folder::read(&directory.join("scenarios"), &[".yaml", ".yml"]) {
            Ok(folder) => folder,
            // A chart needs none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Folder::default(),
            Err(error) => return Err(vec![unreadable(&directory.join("scenarios"), &error)]),
        };
        for path in &scenarios.files {
            layers.push(text(path)?);
        }
        let path = directory.join("templates");
        let folder =
            Folder::read(&path, &[ENDING]).map_err(|error| vec![unreadable(&path, &error)])?;
        if folder.files.is_empty() {
            let mut problem = broken(&path, &format!("it holds no *{ENDING} file"));
            if let Some(other) = folder.others.first() {
                problem = problem.help(format!("rename {other} to {other}{ENDING}"));
            }
            return Err(vec![problem]);
        }
        let mut templates = Vec::with_capacity(folder.files.len());
        for path in &folder.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.trim_end_matches(ENDING).to_owned();
            templates.push((name, text(path)?));
        }
        let name = std::path::absolute(directory)
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .filter(|name| name != "benchctl")
            .unwrap_or_else(|| "chart".to_owned());
        let templates =
            Templates::new(&name, templates).map_err(|problem| vec![located(&problem, None)])?;
        let path = directory.join("values.schema.json");
        let schema = if path.is_file() {
            Some(OwnSchema::new(&text(&path)?).map_err(one)?)
        } else {
            None
        };
        let warnings = [
            unread(&folder, &format!("templates end in {ENDING}")),
            unread(&scenarios, "scenarios end in .yaml or .yml"),
        ];
        let mut chart = Self::of(layers, templates, schema)?;
        chart.warnings = warnings.into_iter().flatten().collect();
        Ok(chart)
    }
}

/// What lies in a folder of a chart, by name.
#[derive(Default)]
struct Folder {
    /// The files with the right ending.
    files: Vec<PathBuf>,
    /// What else a user may have put there in the belief that it is read. Notes and hidden files are not.
    others: Vec<String>,
}

impl Folder {
    fn read(directory: &Path, endings: &[&str]) -> io::Result<Self> {
        let mut folder = Self::default();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                folder.files.push(path);
            } else if !name.starts_with('.') && !name.ends_with(".md") {
                folder.others.push(path.display().to_string());
            }
        }
        folder.files.sort();
        folder.others.sort();
        Ok(folder)
    }
}

/// A warning that names what is not read.
fn unread(folder: &Folder, rule: &str) -> Option<Diagnostic> {
    (!folder.others.is_empty()).then(|| {
        let names = folder.others.join(", ");
        let message = format!("no part of the chart, and not read: {names}");
        Diagnostic::warning("B143", message).help(format!("{rule}; remove or rename the rest"))
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "not found".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        _ => system_reason(error),
    };
    broken(path, &reason)
}

fn broken(path: &Path, reason: &str) -> Diagnostic {
    let message = format!("cannot read {}: {reason}", path.display());
    let problem = Diagnostic::error(codes::FILE, message);
    problem.at(&Source::unread(path.to_string_lossy()), Span::default()).help(format!(
        "a chart holds values.yaml and templates/*{ENDING}, and perhaps scenarios/*.yaml; `benchctl init --chart DIR` writes one"
    ))
}
