//! `benchctl report merge`.

use std::io;
use std::path::{Path, PathBuf};

use bench_contract::{FailOn, MergeKind, Report, RequestRecord};
use bench_report::{Merge, MergeError, RebuildError, Rebuilt, json, junit, page};
use bench_yaml::{Diagnostic, Source, Span};

use super::super::files::{NewFile, Pending, write_all_with, write_pending};
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
    refuse_stale(into, kind)?;
    for doubt in merge.doubts() {
        output.note(&format!("in doubt: {doubt}"));
    }
    let (rebuilt, records) = match kind {
        MergeKind::Shards => {
            let (rebuilt, records) = with_records(merge, &runs, into)?;
            (rebuilt, Some(records))
        }
        MergeKind::Repeats => {
            let rebuilt = merged(merge, &runs, |_| Ok(()));
            (rebuilt.map_err(|failed| failed.failure(into))?, None)
        }
    };
    let report = rebuilt.report;
    let mut files: Vec<NewFile> = vec![
        (into.join("report.json"), json(&value(&report)?)),
        (into.join("report.html"), page::html(&report)),
    ];
    if report.judged().next().is_some() {
        files.push((into.join("junit.xml"), junit::xml(&report)));
    } else {
        refuse_beside(&into.join("junit.xml"), "objectives")?;
    }
    write_all_with(records, &files)?;
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

/// Merges, and writes the records of the merged run; they wait for the other files.
fn with_records(merge: Merge, runs: &[Found], into: &Path) -> Result<(Rebuilt, Pending), Failure> {
    let (mut done, mut reading) = (None, None);
    let written = write_pending(&into.join("requests.jsonl.zst"), |out| {
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
        (Ok(pending), Some(rebuilt)) => Ok((rebuilt, pending)),
        (Ok(_), None) => Err(Failure::io("nothing came of the records", "")),
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
    merge.finish(&cuts, &FailOn::ALL).map_err(|error| {
        let failure = match &error {
            MergeError::Together(RebuildError::Twice { stage, index }) => {
                twice(runs, *stage, *index, &error)
            }
            _ => unlike(runs, &error),
        };
        Failed::Reading(failure)
    })
}

/// What to say of a request that is in the records twice: which ones hold it. They are read once more for that.
fn twice(runs: &[Found], stage: u32, index: u64, error: &MergeError) -> Failure {
    let mut problem = Diagnostic::error(UNLIKE, error.to_string());
    let mut files: Vec<(usize, String)> = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        let read = records_of(run, CONSEQUENCE).and_then(|records| {
            each(records, CONSEQUENCE, |record| {
                if (record.stage, record.index, record.warmup) == (stage, index, false) {
                    files.push((place, records.display().to_string()));
                }
                true
            })
        });
        if let Err(failure) = read {
            return failure;
        }
    }
    if let Some(((last_place, last), others)) = files.split_last() {
        problem = problem.at(&Source::unread(last), Span::default());
        for (place, other) in others {
            problem = problem.note(match (place == last_place, other == last) {
                (true, _) => "it holds it twice itself".to_owned(),
                (false, true) => "it was named twice".to_owned(),
                (false, false) => format!("the other is {other}"),
            });
        }
    }
    let problem =
        problem.help("name each shard once, each with the records that loadgen wrote for it");
    Failure::of(vec![problem], CONSEQUENCE)
}

/// What an earlier result may have left, and the new one does not replace, would be taken for a part of the new one.
fn refuse_stale(into: &Path, kind: MergeKind) -> Result<(), Failure> {
    // Of records, the compressed file is written where there are some.
    let names: &[&str] = match kind {
        MergeKind::Shards => &["requests.jsonl"],
        MergeKind::Repeats => &["requests.jsonl.zst", "requests.jsonl"],
    };
    names
        .iter()
        .try_for_each(|name| refuse_beside(&into.join(name), "records"))
}

fn refuse_beside(path: &Path, what: &str) -> Result<(), Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "{} is of another result, and would stand beside one that has no such {what}",
            path.display()
        ),
        "remove it, or name another folder with -o",
    ))
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
        MergeError::ShardOfRepeat { which, .. } => problem(&[*which])
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
