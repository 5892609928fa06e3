//! `benchctl report`: reads the report of a run, and shows it.

use std::fs;
use std::path::{Path, PathBuf};

use bench_contract::{REPORT_SCHEMA_VERSION, Report};
use bench_report::table::Style;
use bench_report::{page, plot, table};
use bench_yaml::{Color, Diagnostic, Source, Span};
use serde_json::Value;

use super::files::{NewFile, write_all};
use super::stored;
use crate::cli::{ReportArgs, ReportCommand};
use crate::output::{Failure, Output};
use crate::values::{codes, read_text, system_reason, unreadable};

/// The file that a run leaves its report in.
const REPORT: &str = "report.json";

/// A text that is no report.
const NOT_A_REPORT: &str = "B160";

/// A report that this version cannot read.
const UNKNOWN_LAYOUT: &str = "B161";

/// What to name instead of what is no report.
const WHICH: &str =
    "name the report.json that loadgen writes, or the folder of a run that it is in";

pub(super) fn run(args: &ReportArgs, output: &Output) -> Result<(), Failure> {
    match &args.command {
        ReportCommand::Show { path } => {
            let report = read(path, "nothing was shown")?;
            let style = Style {
                color: output.data_color() == Color::Always,
                width: 100,
            };
            output.data(&table::report(&report, style))
        }
        ReportCommand::Html {
            path,
            output: file,
            plots,
        } => html(path, file.as_deref(), plots.as_deref(), output),
    }
}

/// The page, to a file or to stdout; pictures, to a folder. With pictures alone, no page.
fn html(
    path: &str,
    file: Option<&Path>,
    plots: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    let report = read(path, "nothing was written")?;
    let mut files: Vec<NewFile> = Vec::new();
    if let Some(folder) = plots {
        let pictures = plot::files(&report);
        if pictures.is_empty() {
            output.note("the report holds nothing that a picture could be drawn from");
        }
        files.extend(
            pictures
                .into_iter()
                .map(|(name, svg)| (folder.join(name), svg)),
        );
    }
    let pictures = files.len();
    let to_stdout = match file {
        Some(file) => file.as_os_str() == "-",
        None => plots.is_none(),
    };
    if let Some(file) = file.filter(|_| !to_stdout) {
        files.push((file.to_owned(), page::html(&report)));
    }
    write_all(&files)?;
    if let Some(folder) = plots.filter(|_| pictures > 0) {
        output.note(&format!(
            "wrote {pictures} pictures into {}",
            folder.display()
        ));
    }
    if to_stdout {
        return output.data(&page::html(&report));
    }
    if let Some(file) = file {
        output.note(&format!("wrote {}", file.display()));
    }
    Ok(())
}

/// Reads the report at `path`: a file, the folder of a run, an address in a store, or `-`.
fn read(path: &str, consequence: &str) -> Result<Report, Failure> {
    text(path)
        .and_then(|source| report(&source))
        .map_err(|problem| Failure::of(vec![*problem], consequence))
}

fn text(path: &str) -> Result<Source, Box<Diagnostic>> {
    if path == "-" {
        return read_text(path, "report");
    }
    if bench_store::Address::is_meant(path) {
        return stored::text(path, REPORT);
    }
    let file = if Path::new(path).is_dir() {
        in_folder(Path::new(path))?
    } else {
        PathBuf::from(path)
    };
    let name = file.display().to_string();
    let unread = |message: String| {
        Diagnostic::error(codes::FILE, message).at(&Source::unread(&name), Span::default())
    };
    match fs::read(&file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(&name, text)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message = format!("`{name}` is no report: byte {at} is not UTF-8");
                let problem = Diagnostic::error(NOT_A_REPORT, message);
                Err(Box::new(
                    problem
                        .at(&Source::unread(&name), Span::default())
                        .help(WHICH),
                ))
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("cannot read report `{name}`: {}", system_reason(&error));
            Err(Box::new(unread(message).help(WHICH)))
        }
        Err(error) => Err(Box::new(unreadable(&name, "report", &error))),
    }
}

/// The report in the folder of a run: `report.json`, or the only one with a prefix.
fn in_folder(folder: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    let plain = folder.join(REPORT);
    if plain.is_file() {
        return Ok(plain);
    }
    let shown = folder.display().to_string();
    let problem = |message: String| {
        let source = Source::unread(&shown);
        Diagnostic::error(codes::FILE, message).at(&source, Span::default())
    };
    let entries = fs::read_dir(folder).map_err(|error| {
        let reason = system_reason(&error);
        Box::new(problem(format!("cannot read the folder `{shown}`: {reason}")).help(WHICH))
    })?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let reports: Vec<&String> = names.iter().filter(|name| name.ends_with(REPORT)).collect();
    match reports.as_slice() {
        [only] => Ok(folder.join(only)),
        [] => {
            let found = problem(format!("there is no report.json in `{shown}`"));
            let is_inference_perf = names
                .iter()
                .any(|name| name.ends_with("lifecycle_metrics.json"));
            Err(Box::new(if is_inference_perf {
                found.help("it holds reports of inference-perf, which leave out what a verdict needs; loadgen writes report.json beside them")
            } else {
                found.help(WHICH)
            }))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            let found = problem(format!("there are {} reports in `{shown}`", names.len()));
            Err(Box::new(
                found.help(format!("name one of them: {}", names.join(", "))),
            ))
        }
    }
}

/// A text as a report.
fn report(source: &Source) -> Result<Report, Box<Diagnostic>> {
    let whole = |code: &'static str, message: String| {
        Diagnostic::error(code, message).at(source, Span::default())
    };
    let value: Value =
        serde_json::from_str(&source.text).map_err(|error| Box::new(not_json(source, &error)))?;
    let Some(version) = value.get("schema_version").and_then(Value::as_u64) else {
        let is_inference_perf = value.get("load_summary").is_some();
        let problem = whole(
            NOT_A_REPORT,
            "it is JSON, and no report: it has no schema_version".to_owned(),
        );
        return Err(Box::new(if is_inference_perf {
            problem.help(
                "it is a report in inference-perf's layout; loadgen writes report.json beside it",
            )
        } else {
            problem.help(WHICH)
        }));
    };
    if version != u64::from(REPORT_SCHEMA_VERSION) {
        let writer = value.pointer("/tool/version").and_then(Value::as_str);
        let writer = writer.map_or_else(String::new, |version| format!(" (loadgen {version})"));
        let problem = whole(
            UNKNOWN_LAYOUT,
            format!(
                "the report has layout {version}{writer}, and this benchctl reads layout {REPORT_SCHEMA_VERSION}"
            ),
        );
        return Err(Box::new(problem.help(
            "use the benchctl of the version that wrote it, or a newer one",
        )));
    }
    let mut reader = serde_json::Deserializer::from_str(&source.text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        let (reason, span) = (reason(inner), place(source, inner));
        let problem = Diagnostic::error(
            NOT_A_REPORT,
            format!("it is no report that loadgen wrote: {reason}"),
        );
        let problem = problem.at(source, span).path(path);
        Box::new(
            problem.help("it was changed by hand or damaged: take the file that loadgen wrote"),
        )
    })
}

/// A text that is not JSON, or not all of it.
fn not_json(source: &Source, error: &serde_json::Error) -> Diagnostic {
    let span = place(source, error);
    if source.text.trim().is_empty() {
        let problem = Diagnostic::error(NOT_A_REPORT, "the file is empty");
        return problem.at(source, Span::default()).help(WHICH);
    }
    if error.is_eof() {
        let problem = Diagnostic::error(NOT_A_REPORT, "the report ends in the middle");
        let problem = problem.at(source, span).label("it was cut off here");
        return problem
            .help("copy it again from where it was written; what was cut off cannot be guessed");
    }
    let problem = Diagnostic::error(NOT_A_REPORT, format!("it is not JSON: {}", reason(error)));
    problem.at(source, span).help(WHICH)
}

/// What is wrong, without the place, which is shown.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Where it is wrong.
fn place(source: &Source, error: &serde_json::Error) -> Span {
    let lines = source.text.split_inclusive('\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (before + error.column().saturating_sub(1)).min(source.text.len());
    while !source.text.is_char_boundary(at) {
        at -= 1;
    }
    let end = source.text[at..]
        .chars()
        .next()
        .filter(|c| *c != '\n')
        .map_or(at, |c| at + c.len_utf8());
    Span::new(at, end)
}
