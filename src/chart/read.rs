//! Reading a chart's directory.

use std::io;
use std::path::{Path, PathBuf};

use bench_yaml::{Diagnostic, Source, Span};

use super::{Chart, OwnSchema, layered};
use crate::diagnostics::located;
use crate::render::{ENDING, Templates};
use crate::values::{codes, read_text, system_reason};

impl Chart {
    /// The chart in a directory.
    ///
    /// # Errors
    /// What cannot be read, and what is wrong in it.
    pub fn read(directory: &Path) -> Result<Self, Vec<Diagnostic>> {
        if !directory.is_dir() {
            let reason = match directory.exists() {
                true => "it is not a directory",
                false => "not found",
            };
            let name = format!("chart `{}`", directory.display());
            return Err(vec![broken(directory, &name, reason)]);
        }
        let mut problems = Vec::new();
        let mut text = |path: &Path| {
            let read = read_text(&path.to_string_lossy(), "file of the chart");
            read.map_err(|problem| problems.push(*problem)).ok()
        };
        let values = text(&directory.join("values.yaml"));
        let place = directory.join("scenarios");
        let (scenarios, no_scenarios) = match Folder::read(&place, &[".yaml", ".yml"]) {
            Ok(folder) => (folder, None),
            // A chart needs none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Folder::default(), None),
            Err(error) => (Folder::default(), Some(unreadable(&place, &error))),
        };
        let presets = scenarios.files.iter().filter_map(|path| text(path));
        let layers: Vec<Source> = values.into_iter().chain(presets).collect();
        let place = directory.join("templates");
        let (folder, no_templates) = match Folder::read(&place, &[ENDING]) {
            Ok(folder) if folder.files.is_empty() => {
                let problem = no_template(&place, &folder);
                (folder, Some(problem))
            }
            Ok(folder) => (folder, None),
            Err(error) => (Folder::default(), Some(unreadable(&place, &error))),
        };
        let mut templates = Vec::with_capacity(folder.files.len());
        for path in &folder.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.trim_end_matches(ENDING).to_owned();
            templates.extend(text(path).map(|source| (name, source)));
        }
        let place = directory.join("values.schema.json");
        let schema = place.is_file().then(|| text(&place)).flatten();
        problems.extend(no_scenarios.into_iter().chain(no_templates));
        let layers = layered(layers.into_iter()).map_err(|more| problems.extend(more));
        let templates = Templates::new(&name_of(directory), templates)
            .map_err(|more| problems.extend(more.iter().map(|problem| located(problem, None))));
        let schema = schema
            .map(|source| OwnSchema::new(&source))
            .transpose()
            .map_err(|problem| problems.push(*problem));
        let (Ok(layers), Ok(templates), Ok(schema), true) =
            (layers, templates, schema, problems.is_empty())
        else {
            return Err(problems);
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

/// What a chart is called: as its directory.
fn name_of(directory: &Path) -> String {
    std::path::absolute(directory)
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .filter(|name| name != "benchctl")
        .unwrap_or_else(|| "chart".to_owned())
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
    broken(path, &path.display().to_string(), &reason)
}

/// A folder in which there is no template, but perhaps one under another name.
fn no_template(path: &Path, folder: &Folder) -> Diagnostic {
    let reason = format!("it holds no *{ENDING} file");
    let problem = broken(path, &path.display().to_string(), &reason);
    match folder.others.first() {
        Some(other) => problem.help(format!("rename {other} to {other}{ENDING}")),
        None => problem,
    }
}

fn broken(path: &Path, name: &str, reason: &str) -> Diagnostic {
    let problem = Diagnostic::error(codes::FILE, format!("cannot read {name}: {reason}"));
    problem.at(&Source::unread(path.to_string_lossy()), Span::default()).help(format!(
        "a chart holds values.yaml and templates/*{ENDING}, and perhaps scenarios/*.yaml; `benchctl init --chart DIR` writes one"
    ))
}
