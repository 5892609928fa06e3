//! `benchctl report convert`.

use std::io::{BufWriter, Write};
use std::path::Path;

use bench_contract::{Config, FailOn, Metric, Report, RequestRecord, StageReport};
use bench_report::convert::{RequestRows, RowFormat, stage_rows};
use bench_report::{Rebuilt, Settings, Stage, StageCollector, inference_perf, json, junit};
use bench_yaml::{Diagnostic, Source, Span};

use super::super::files::{NewFile, write_all, write_stream};
use super::OBJECTIVES;
use super::read::{Found, find};
use super::records::{current, each, rebuilt, records_of, refused};
use crate::cli::{ConvertArgs, ConvertTo, ConvertWhat};
use crate::output::{Failure, Output, cannot_print};

/// What did not happen.
const CONSEQUENCE: &str = "nothing was written";

/// Bytes of rows that are written together.
const TOGETHER: usize = 1 << 16;

pub(super) fn run(args: &ConvertArgs, output: &Output) -> Result<(), Failure> {
    let format = match args.to {
        ConvertTo::Csv => RowFormat::Csv,
        ConvertTo::Jsonl => RowFormat::JsonLines,
        ConvertTo::Junit | ConvertTo::InferencePerf if args.what.is_some() => {
            return Err(Failure::usage(
                "--what says what a row is, and only csv and jsonl have rows",
                "leave it out, or convert --to csv",
            ));
        }
        ConvertTo::Junit => return to_junit(args, output),
        ConvertTo::InferencePerf => return to_inference_perf(args, output),
    };
    match args.what.unwrap_or(ConvertWhat::Requests) {
        ConvertWhat::Requests => requests(args, format, output),
        ConvertWhat::Stages => {
            let report = current(&args.path, CONSEQUENCE, output)?;
            whole(args.output.as_deref(), stage_rows(&report, format), output)
        }
    }
}

/// A text to a file or to stdout.
fn whole(file: Option<&Path>, text: String, output: &Output) -> Result<(), Failure> {
    match file.filter(|file| file.as_os_str() != "-") {
        None => output.data(&text),
        Some(file) => {
            write_all(&[(file.to_owned(), text)])?;
            output.note(&format!("wrote {}", file.display()));
            Ok(())
        }
    }
}

fn to_junit(args: &ConvertArgs, output: &Output) -> Result<(), Failure> {
    let report = current(&args.path, CONSEQUENCE, output)?;
    if report.judged().next().is_none() {
        let problem = Diagnostic::error(OBJECTIVES, "the run has no objectives of its own")
            .at(&Source::unread(&args.path), Span::default())
            .help("judge it by others: benchctl report judge --slo slo.yaml --junit junit.xml");
        return Err(Failure::of(vec![problem], CONSEQUENCE));
    }
    whole(args.output.as_deref(), junit::xml(&report), output)
}

/// The files of inference-perf, into a folder.
fn to_inference_perf(args: &ConvertArgs, output: &Output) -> Result<(), Failure> {
    let Some(folder) = args
        .output
        .as_deref()
        .filter(|file| file.as_os_str() != "-")
    else {
        return Err(Failure::usage(
            "inference-perf's reports are several files",
            "name a folder for them: -o reports",
        ));
    };
    let found = find(&args.path, CONSEQUENCE)?;
    let records = records_of(&found, CONSEQUENCE)?;
    let Rebuilt {
        stages,
        missing,
        report,
        ..
    } = rebuilt(&found, records, &FailOn::ALL, CONSEQUENCE)?;
    let collectors: Vec<&StageCollector> = stages.iter().map(|stage| &stage.collector).collect();
    let mut files: Vec<NewFile> = vec![(
        folder.join("summary_lifecycle_metrics.json"),
        json(&inference_perf::summary(&collectors)),
    )];
    files.extend(stages.iter().map(|stage| {
        let name = format!("stage_{}_lifecycle_metrics.json", stage.facts.stage);
        let text = json(&inference_perf::stage(&stage.collector, &stage.facts));
        (folder.join(name), text)
    }));
    spare_originals(&found, folder, &files)?;
    for what in &missing {
        output.note(&format!("{}: {what}", found.records_name()));
    }
    if lacks_gaps(&stages, &report) {
        output.note(&format!(
            "inter_token_latency is null: {} does not hold when tokens came, because report.request_lifecycle.per_request was off; the files that loadgen wrote have it",
            found.records_name()
        ));
    }
    write_all(&files)?;
    output.note(&format!(
        "wrote {} files into {}",
        files.len(),
        folder.display()
    ));
    Ok(())
}

/// Whether the run knew token gaps that its records do not hold.
fn lacks_gaps(stages: &[Stage], report: &Report) -> bool {
    let known = |stage: &StageReport| stage.metrics.contains_key(&Metric::ChunkGap);
    let mut pairs = report.stages.iter().zip(stages);
    pairs.any(|(report, stage)| known(report) && !inference_perf::has_gaps(&stage.collector))
}

/// Refuses to replace what loadgen itself has written beside the report: it may know more than the records do.
fn spare_originals(found: &Found, folder: &Path, files: &[NewFile]) -> Result<(), Failure> {
    let of_run = Path::new(&found.name).parent().map(|parent| match parent {
        parent if parent.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    });
    let place = |path: &Path| path.canonicalize().ok();
    let is_own = of_run
        .and_then(place)
        .is_some_and(|own| place(folder) == Some(own));
    let is_there = files.iter().any(|(file, _)| file.is_file());
    if is_own && is_there {
        return Err(Failure::usage(
            format!(
                "{} holds the files that loadgen itself has written",
                folder.display()
            ),
            "name another folder with -o, for example -o inference-perf",
        ));
    }
    Ok(())
}

/// A row a request, however many there are.
fn requests(args: &ConvertArgs, format: RowFormat, output: &Output) -> Result<(), Failure> {
    let found = find(&args.path, CONSEQUENCE)?;
    let records = records_of(&found, CONSEQUENCE)?;
    let config: Config = serde_json::from_value(found.report.config.clone()).map_err(|error| {
        let error = bench_report::RebuildError::Config(error.to_string());
        Failure::of(vec![refused(&found.name, &error)], CONSEQUENCE)
    })?;
    let rows = RequestRows::new(Settings::from_config(&config), format);
    let mut count = 0_u64;
    let mut write = |out: &mut dyn Write| -> Result<(), Failed> {
        let mut text = rows.head();
        let mut failed = None;
        let cut = each(records, CONSEQUENCE, |record: &RequestRecord| {
            rows.add(&mut text, record);
            count += 1;
            if text.len() >= TOGETHER {
                failed = out.write_all(text.as_bytes()).err();
                text.clear();
            }
            failed.is_none()
        });
        let cut = cut.map_err(Failed::Reading)?;
        match failed {
            Some(error) => return Err(Failed::Writing(error)),
            None => out.write_all(text.as_bytes()).map_err(Failed::Writing)?,
        }
        if let Some(cut) = cut {
            output.note(&format!("{}: cut: {cut}", found.records_name()));
        }
        Ok(())
    };
    match args
        .output
        .as_deref()
        .filter(|file| file.as_os_str() != "-")
    {
        Some(file) => {
            let mut reading = None;
            write_stream(file, |out| {
                write(out).map_err(|failed| match failed {
                    Failed::Writing(error) => error,
                    Failed::Reading(failure) => {
                        reading = Some(failure);
                        std::io::Error::other("its source cannot be read")
                    }
                })
            })
            .map_err(|failure| reading.unwrap_or(failure))?;
            output.note(&format!("wrote {}, {count} rows", file.display()));
            Ok(())
        }
        None => {
            // Nothing is printed unless all of it can be read.
            each(records, CONSEQUENCE, |_| true)?;
            let mut out = BufWriter::new(std::io::stdout().lock());
            let written = write(&mut out).and_then(|()| out.flush().map_err(Failed::Writing));
            match written {
                Err(Failed::Writing(error)) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    Err(cannot_print(&error))
                }
                Err(Failed::Reading(failure)) => Err(failure),
                Ok(()) | Err(Failed::Writing(_)) => Ok(()),
            }
        }
    }
}

/// Why rows could not be written.
enum Failed {
    Reading(Failure),
    Writing(std::io::Error),
}
