//! Finding and reading the report of a run, and the records beside it.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use bench_contract::{REPORT_SCHEMA_VERSION, Report};
use bench_store::Address;
use bench_yaml::{Diagnostic, Source, Span};
use serde_json::Value;
use tempfile::TempDir;

use super::{NOT_A_REPORT, UNKNOWN_LAYOUT};
use crate::commands::stored;
use crate::output::Failure;
use crate::values::{codes, read_text, system_reason, unreadable};

/// The file that a run leaves its report in.
const REPORT: &str = "report.json";

/// The files that a run leaves its records in, as they are and decompressed.
const RECORDS: [&str; 2] = ["requests.jsonl.zst", "requests.jsonl"];

/// What to name instead of what is no report.
const WHICH: &str =
    "name the report.json that loadgen writes, or the folder of a run that it is in";

/// What to do about a report that is not as it was written.
const DAMAGED: &str = "it was changed by hand or damaged: take the file that loadgen wrote";

/// What a run has left.
#[derive(Debug)]
pub(super) struct Found {
    /// The report's file as people name it.
    pub(super) name: String,
    /// The report as it stands there.
    pub(super) report: Report,
    records: Records,
}

/// Where the records of a report are.
#[derive(Debug)]
enum Records {
    /// Beside it, where there are some.
    Beside(Option<PathBuf>),
    /// In the store that it is in; fetched when they are asked for.
    Stored {
        report: Address,
        fetched: OnceCell<Option<Fetched>>,
    },
}

/// Records that were in a store, in a folder that goes away with them.
#[derive(Debug)]
struct Fetched {
    address: Address,
    file: PathBuf,
    _folder: TempDir,
}

impl Found {
    /// The file of the records, where there is one.
    ///
    /// # Errors
    /// When they are in a store that does not give them.
    pub(super) fn records(&self, consequence: &str) -> Result<Option<&Path>, Failure> {
        match &self.records {
            Records::Beside(file) => Ok(file.as_deref()),
            Records::Stored { report, fetched } => {
                if fetched.get().is_none() {
                    let got = fetch(report)
                        .map_err(|problem| Failure::of(vec![*problem], consequence))?;
                    let _ = fetched.set(got);
                }
                let fetched = fetched.get().and_then(Option::as_ref);
                Ok(fetched.map(|fetched| fetched.file.as_path()))
            }
        }
    }

    /// What the records are called where they were found.
    pub(super) fn records_name(&self) -> String {
        match &self.records {
            Records::Beside(file) => file.as_deref().map(|file| file.display().to_string()),
            Records::Stored { fetched, .. } => {
                let fetched = fetched.get().and_then(Option::as_ref);
                fetched.map(|fetched| fetched.address.to_string())
            }
        }
        .unwrap_or_else(|| self.name.clone())
    }
}

/// The records beside a report in a store, as a file here.
fn fetch(report: &Address) -> Result<Option<Fetched>, Box<Diagnostic>> {
    let Some(prefix) = report.key.strip_suffix(REPORT) else {
        return Ok(None);
    };
    let folder = tempfile::tempdir().map_err(|error| {
        let reason = system_reason(&error);
        let message = format!("cannot make a temporary folder for the records: {reason}");
        let source = Source::unread(report.to_string());
        Box::new(Diagnostic::error(codes::FILE, message).at(&source, Span::default()))
    })?;
    for name in RECORDS {
        let address = Address {
            key: format!("{prefix}{name}"),
            ..report.clone()
        };
        let file = folder.path().join(name);
        if stored::download(&address, &file)? {
            return Ok(Some(Fetched {
                address,
                file,
                _folder: folder,
            }));
        }
    }
    Ok(None)
}

/// Reads the report at `path`: a file, the folder of a run, the records in it, an address in a store, or `-`.
pub(super) fn find(path: &str, consequence: &str) -> Result<Found, Failure> {
    text(path)
        .and_then(|source| {
            let report = report(&source)?;
            let records = match source.name.parse() {
                Ok(address) if Address::is_meant(&source.name) => Records::Stored {
                    report: address,
                    fetched: OnceCell::new(),
                },
                _ => Records::Beside(records(&source.name)),
            };
            Ok(Found {
                records,
                name: source.name.to_string(),
                report,
            })
        })
        .map_err(|problem| Failure::of(vec![*problem], consequence))
}

/// The records beside a report.
fn records(report: &str) -> Option<PathBuf> {
    let path = Path::new(report);
    let prefix = path.file_name()?.to_str()?.strip_suffix(REPORT)?;
    let beside = |name: &str| path.with_file_name(format!("{prefix}{name}"));
    RECORDS.into_iter().map(beside).find(|path| path.is_file())
}

/// The report beside records.
fn report_of(records: &Path) -> Option<PathBuf> {
    let name = records.file_name()?.to_str()?;
    let prefix = RECORDS
        .iter()
        .find_map(|ending| name.strip_suffix(ending))?;
    Some(records.with_file_name(format!("{prefix}{REPORT}")))
}

fn text(path: &str) -> Result<Source, Box<Diagnostic>> {
    if path == "-" {
        return read_text(path, "report");
    }
    if Address::is_meant(path) {
        // The records of a run stand for the run.
        let prefix = RECORDS.iter().find_map(|ending| path.strip_suffix(ending));
        return match prefix {
            Some(prefix) => stored::text(&format!("{prefix}{REPORT}"), REPORT),
            None => stored::text(path, REPORT),
        };
    }
    let given = Path::new(path);
    let file = if given.is_dir() {
        in_folder(given)?
    } else {
        report_of(given).unwrap_or_else(|| given.to_owned())
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
            let has_records = names
                .iter()
                .any(|name| RECORDS.iter().any(|ending| name.ends_with(ending)));
            Err(Box::new(if has_records {
                found.help("it holds records of requests, but not what they were asked for: copy the report.json that loadgen keeps beside them, from the start of a run on")
            } else if is_inference_perf {
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
    let read: Result<Report, _> = serde_path_to_error::deserialize(&mut reader);
    let read = read.map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        let (reason, span) = (reason(inner), place(source, inner));
        let problem = Diagnostic::error(
            NOT_A_REPORT,
            format!("it is no report that loadgen wrote: {reason}"),
        );
        let problem = problem.at(source, span).path(path);
        Box::new(problem.help(DAMAGED))
    })?;
    match read.contradiction() {
        None => Ok(read),
        Some(contradiction) => {
            let problem = whole(
                NOT_A_REPORT,
                format!("it is no report that loadgen wrote: {contradiction}"),
            );
            Err(Box::new(problem.help(DAMAGED)))
        }
    }
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
