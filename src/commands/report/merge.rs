//! `benchctl report merge`.

use std::io;
use std::path::{Path, PathBuf};

use bench_contract::{FailOn, MergeKind, Report, RequestRecord};
use bench_report::{Merge, MergeError, Rebuilt, json, junit, page};
use bench_yaml::{Diagnostic, Source, Span};

use super::super::files::{NewFile, write_all, write_stream};
use super::UNLIKE;
use super::read::{Found, find};
use super::records::{each, records_of, refused};
use crate::output::{Failure, Output};

/// What did not happen.
const CONSEQUENCE: &str = "nothing was merged";

/// Bytes of lines that are compressed together, as loadgen does it: each such frame can be read by itself.
const FRAME: usize = 256 * 1024;

/// zstd's level, as loadgen has it.
const LEVEL: i32 = 1;

/// Merges the runs at `paths` into the folder `into`.
pub(super) fn run(paths: &[String], into: &Path, output: &Output) -> Result<(), Failure> {
    let runs = paths
        .iter()
        .map(|path| find(path, CONSEQUENCE))
        .collect::<Result<Vec<Found>, Failure>>()?;
    for run in &runs {
        records_of(run, CONSEQUENCE)?;
        refuse_itself(run, into)?;
    }
    let reports: Vec<Report> = runs.iter().map(|run| run.report.clone()).collect();
    let merge = Merge::new(reports).map_err(|error| unlike(&runs, &error))?;
    let (kind, count) = (merge.kind(), runs.len());
    let rebuilt = match kind {
        MergeKind::Shards => with_records(merge, &runs, into)?,
        MergeKind::Repeats => {
            merged(merge, &runs, |_| Ok(())).map_err(|failed| failed.failure(into))?
        }
    };
    let report = rebuilt.report;
    let mut files: Vec<NewFile> = vec![
        (into.join("report.json"), json(&value(&report)?)),
        (into.join("report.html"), page::html(&report)),
    ];
    if report.judged().next().is_some() {
        files.push((into.join("junit.xml"), junit::xml(&report)));
    }
    write_all(&files)?;
    for missing in &report.run.partial_because {
        output.note(&format!("partial: {missing}"));
    }
    output.note(&format!(
        "merged {count} {} into {}",
        match kind {
            MergeKind::Shards => "shards",
            MergeKind::Repeats => "repeats",
        },
        into.display()
    ));
    Ok(())
}

fn value(report: &Report) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(report)
        .map_err(|error| Failure::io(format!("cannot serialise the report: {error}"), ""))
}

/// Why merging ended early.
enum Failed {
    /// What is read.
    Reading(Failure),
    /// What is written.
    Writing(io::Error),
}

impl Failed {
    fn failure(self, into: &Path) -> Failure {
        match self {
            Self::Reading(failure) => failure,
            Self::Writing(error) => Failure::io(
                format!("cannot write into {}: {error}", into.display()),
                "choose another folder",
            ),
        }
    }
}

/// Merges, and writes the records of the merged run. They are in their place only when all of it has succeeded.
fn with_records(merge: Merge, runs: &[Found], into: &Path) -> Result<Rebuilt, Failure> {
    let (mut done, mut reading) = (None, None);
    let written = write_stream(&into.join("requests.jsonl.zst"), |out| {
        let mut lines = Vec::with_capacity(2 * FRAME);
        let rebuilt = merged(merge, runs, |record| {
            serde_json::to_writer(&mut lines, record).map_err(io::Error::from)?;
            lines.push(b'\n');
            if lines.len() >= FRAME {
                out.write_all(&zstd::bulk::compress(&lines, LEVEL)?)?;
                lines.clear();
            }
            Ok(())
        });
        match rebuilt {
            Ok(rebuilt) => done = Some(rebuilt),
            Err(Failed::Writing(error)) => return Err(error),
            Err(Failed::Reading(failure)) => {
                reading = Some(failure);
                return Err(io::Error::other("its sources cannot be merged"));
            }
        }
        if !lines.is_empty() {
            out.write_all(&zstd::bulk::compress(&lines, LEVEL)?)?;
        }
        Ok(())
    });
    match (written, done) {
        (Ok(()), Some(rebuilt)) => Ok(rebuilt),
        (Ok(()), None) => Err(Failure::io("nothing came of the records", "")),
        (Err(failure), _) => Err(reading.unwrap_or(failure)),
    }
}

/// Merges, and hands each record of the merged run to `keep`.
fn merged(
    mut merge: Merge,
    runs: &[Found],
    mut keep: impl FnMut(&RequestRecord) -> io::Result<()>,
) -> Result<Rebuilt, Failed> {
    let mut cuts = Vec::new();
    for (which, run) in runs.iter().enumerate() {
        let records = records_of(run, CONSEQUENCE).map_err(Failed::Reading)?;
        let mut failed = None;
        let cut = each(records, CONSEQUENCE, |record| {
            failed = match merge.add(which, record) {
                Err(error) => Some(Failed::Reading(unlike(runs, &error))),
                Ok(None) => None,
                Ok(Some(record)) => keep(&record).err().map(Failed::Writing),
            };
            failed.is_none()
        });
        cuts.push(cut.map_err(Failed::Reading)?);
        if let Some(failed) = failed {
            return Err(failed);
        }
    }
    merge
        .finish(&cuts, &FailOn::ALL)
        .map_err(|error| Failed::Reading(unlike(runs, &error)))
}

/// Merging a folder into itself would replace what is read.
fn refuse_itself(run: &Found, into: &Path) -> Result<(), Failure> {
    let of = |path: &Path| -> Option<PathBuf> { path.canonicalize().ok() };
    let folder = Path::new(&run.name).parent().map(|folder| {
        if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        }
    });
    if folder
        .and_then(of)
        .is_some_and(|folder| of(into) == Some(folder))
    {
        return Err(Failure::usage(
            format!("{} holds one of the runs that are merged", into.display()),
            "name a folder of its own with -o",
        ));
    }
    Ok(())
}

/// What to say of runs that do not belong together, and where they are.
fn unlike(runs: &[Found], error: &MergeError) -> Failure {
    let name = |place: usize| runs.get(place).map_or("", |run| run.name.as_str());
    let problem = |places: &[usize]| {
        let mut problem = Diagnostic::error(UNLIKE, error.to_string());
        if let Some((last, others)) = places.split_last() {
            problem = problem.at(&Source::unread(name(*last)), Span::default());
            for other in others {
                problem = problem.note(format!("the other is {}", name(*other)));
            }
        }
        problem
    };
    let problem = match error {
        MergeError::TooFew => {
            return Failure::usage(error.to_string(), "name the folders of two runs or more");
        }
        MergeError::Unlike {
            which,
            kind,
            difference,
        } => Diagnostic::error(
            UNLIKE,
            bench_report::unlike(*kind, difference, name(which.0), name(which.1)),
        )
        .at(&Source::unread(name(which.1)), Span::default())
        .help(match kind {
            MergeKind::Shards => "shards are what one Job with several completions leaves",
            MergeKind::Repeats => {
                "only what differs by its seed is a repeat; to see what else differs, compare them: benchctl report compare"
            }
        }),
        MergeError::Mixed { same, other } => problem(&[same.0, same.1, *other])
            .help("merge the shards of each run first, and then what has become of them"),
        MergeError::SameShard { which, .. } => {
            problem(&[which.0, which.1]).help("name each shard once")
        }
        MergeError::Records { which, error } => refused(name(*which), error),
        MergeError::Together(_) => {
            problem(&[]).help("name each shard once, each with the records that loadgen wrote for it")
        }
    };
    Failure::of(vec![problem], CONSEQUENCE)
}
