//! What runs before have left in a folder, and whose it is.

use std::path::{Path, PathBuf};

use super::Occasion;
use crate::run_id::mark;

/// What keeps room for the reports. It is no result: a run that was killed before it began has left no more.
pub(super) const RESERVE: &str = ".room-for-reports";

/// How the name of a file ends as long as it is not whole.
pub(super) const UNFINISHED: &str = ".partial";

/// The folder of this attempt at a run: not one that an earlier attempt of the same Job has left something in. `is_of_run`:
/// whether only attempts at this run have this path; else its config says whose it is.
pub(super) fn beside_attempts(
    path: PathBuf,
    prefix: &str,
    is_of_run: bool,
    occasion: Occasion<'_>,
) -> PathBuf {
    let Some(pod) = occasion.pod else {
        return path;
    };
    let is_taken = |folder: &Path| !results(folder, prefix).is_empty();
    if !is_taken(&path) || !(is_of_run || is_of(&path, prefix, occasion.run_id)) {
        return path;
    }
    // A pod whose container is started again has its name still.
    let attempt = path.join(format!("attempt-{pod}"));
    let others = (2..).map(|place| path.join(format!("attempt-{pod}-{place}")));
    let mut places = std::iter::once(attempt.clone()).chain(others);
    places.find(|place| !is_taken(place)).unwrap_or(attempt)
}

/// Names of the files of a run that are in a folder.
pub(super) fn results(folder: &Path, prefix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| is_ours(name, prefix)).collect()
}

/// Whether what is in a folder is of this run, as its config says.
fn is_of(folder: &Path, prefix: &str, run_id: &str) -> bool {
    let config = std::fs::read(folder.join(format!("{prefix}config.yaml")));
    config.is_ok_and(|bytes| bytes.starts_with(mark(run_id).as_bytes()))
}

/// Whether a run writes a file of this name.
fn is_ours(name: &str, prefix: &str) -> bool {
    let Some(name) = name.strip_prefix(prefix) else {
        return false;
    };
    // What was being written when a run was killed.
    let name = name.strip_suffix(UNFINISHED).unwrap_or(name);
    let fixed = [
        "report.json",
        "report.html",
        "junit.xml",
        "requests.jsonl.zst",
        "summary_lifecycle_metrics.json",
        "per_request_lifecycle_metrics.json",
        "config.yaml",
    ];
    let stage = name
        .strip_prefix("stage_")
        .and_then(|rest| rest.strip_suffix("_lifecycle_metrics.json"));
    fixed.contains(&name) || stage.is_some_and(|number| number.parse::<u32>().is_ok())
}
