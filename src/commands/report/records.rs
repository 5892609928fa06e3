//! The records beside a report, and the reports that are made of them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use bench_contract::trace::unpacked;
use bench_contract::{Cut, FailOn, RecordError, RecordReader, Report, RequestRecord, RunStatus};
use bench_report::{Rebuild, RebuildError, Rebuilt};
use bench_yaml::{Diagnostic, Source, Span};

use super::BAD_RECORDS;
use super::read::{Found, find};
use crate::output::{Failure, Output};
use crate::values::{codes, system_reason, unreadable};

/// The report at `path`; of a run that has not ended, one that is made of its records.
pub(super) fn current(path: &str, consequence: &str, output: &Output) -> Result<Report, Failure> {
    let found = find(path, consequence)?;
    if found.report.run.status != RunStatus::Unfinished {
        return Ok(found.report);
    }
    let Some(records) = found.records(consequence)? else {
        output.note(&format!(
            "{}: the run has not ended, and there are no records beside it: what is here was known when a stage last began or ended",
            found.name
        ));
        return Ok(found.report);
    };
    let rebuilt = rebuilt(&found, records, &FailOn::ALL, consequence)?;
    output.note(&format!(
        "{}: the run has not ended, or was killed: this is made of the records beside it",
        found.name
    ));
    Ok(rebuilt.report)
}

/// What helps where there are no records.
pub(super) const COPY_RECORDS: &str =
    "copy requests.jsonl.zst from the folder that loadgen wrote, and put it beside report.json";

/// The records of a run, which have to be there.
pub(super) fn records_of<'a>(found: &'a Found, consequence: &str) -> Result<&'a Path, Failure> {
    found.records(consequence)?.ok_or_else(|| {
        let problem = Diagnostic::error(BAD_RECORDS, "there are no records beside this report")
            .at(&Source::unread(&found.name), Span::default())
            .help(COPY_RECORDS);
        Failure::of(vec![problem], consequence)
    })
}

/// What comes of the records of a run.
pub(super) fn rebuilt(
    found: &Found,
    records: &Path,
    fail_on: &[FailOn],
    consequence: &str,
) -> Result<Rebuilt, Failure> {
    let refuse = |error: RebuildError| Failure::of(vec![refused(&found.name, &error)], consequence);
    let rebuild = Rebuild::new(found.report.clone()).map_err(refuse)?;
    fill(rebuild, &found.name, records, fail_on, consequence)
}

/// The same from a [`Rebuild`] of the caller's.
pub(super) fn fill(
    mut rebuild: Rebuild,
    report: &str,
    records: &Path,
    fail_on: &[FailOn],
    consequence: &str,
) -> Result<Rebuilt, Failure> {
    let refuse =
        |name: &str, error: &RebuildError| Failure::of(vec![refused(name, error)], consequence);
    let name = records.display().to_string();
    let mut strange = None;
    let cut = each(records, consequence, |record| {
        rebuild
            .add(record)
            .map_err(|error| strange = Some(error))
            .is_ok()
    })?;
    if let Some(error) = strange {
        return Err(refuse(&name, &error));
    }
    rebuild
        .finish(cut.as_ref(), fail_on)
        .map_err(|error| match error {
            RebuildError::Definitions(_) | RebuildError::Config(_) => refuse(report, &error),
            RebuildError::UnknownStage(_)
            | RebuildError::Twice { .. }
            | RebuildError::Beyond { .. }
            | RebuildError::TooMany { .. } => refuse(&name, &error),
        })
}

/// Hands every record of a file to `take`, as long as it wants more. Where they end before the file does is returned.
pub(super) fn each(
    records: &Path,
    consequence: &str,
    mut take: impl FnMut(&RequestRecord) -> bool,
) -> Result<Option<Cut>, Failure> {
    let mut reader = open(records, consequence)?;
    loop {
        match reader.read() {
            Ok(Some(record)) if take(&record) => {}
            Ok(Some(_) | None) => return Ok(reader.cut().cloned()),
            Err(error) => return Err(unread(records, &error, consequence)),
        }
    }
}

fn open(records: &Path, consequence: &str) -> Result<RecordReader<Box<dyn BufRead>>, Failure> {
    let name = records.display().to_string();
    File::open(records)
        .and_then(|file| unpacked(BufReader::with_capacity(1 << 16, file)))
        .map(RecordReader::new)
        .map_err(|error| Failure::of(vec![unreadable(&name, "records", &error)], consequence))
}

fn unread(records: &Path, error: &RecordError, consequence: &str) -> Failure {
    let name = records.display().to_string();
    let problem = match error {
        RecordError::Io(error) => Diagnostic::error(
            codes::FILE,
            format!("cannot read records `{name}`: {}", system_reason(error)),
        ),
        RecordError::Line { .. } => Diagnostic::error(BAD_RECORDS, error.to_string())
            .help("it was changed by hand or damaged: take the file that loadgen wrote"),
    };
    Failure::of(
        vec![problem.at(&Source::unread(&name), Span::default())],
        consequence,
    )
}

/// What to say of records and a report that do not fit together.
pub(super) fn refused(name: &str, error: &RebuildError) -> Diagnostic {
    let help = match error {
        RebuildError::Definitions(_) => {
            "use the benchctl of the version that wrote it; its report.json can still be shown"
        }
        RebuildError::Config(_) => {
            "it was changed by hand or damaged, or a newer loadgen wrote it: take the file that loadgen wrote, or a newer benchctl"
        }
        RebuildError::UnknownStage(_)
        | RebuildError::Twice { .. }
        | RebuildError::Beyond { .. }
        | RebuildError::TooMany { .. } => {
            "copy report.json and the records together, from the folder that loadgen wrote"
        }
    };
    Diagnostic::error(BAD_RECORDS, error.to_string())
        .at(&Source::unread(name), Span::default())
        .help(help)
}
