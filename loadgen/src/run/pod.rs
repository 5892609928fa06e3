//! What a run says to the cluster that it runs in: the files of a pod are gone with it, its log and its message stay.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::Path;

use bench_contract::Report;
use bench_report::{TERMINATION_MESSAGE, message};

use super::documents::NamedFile;

/// Leaves the verdict in `log`, which Kubernetes makes before the start, and where `kubectl describe pod` shows it. Where there is
/// no such file, nobody waits for one.
pub(super) fn leave_message(report: &Report, log: &Path) {
    leave(&message(report, TERMINATION_MESSAGE), log);
}

/// Leaves other words there, where there is no verdict.
pub(super) fn leave(text: &str, log: &Path) {
    if let Ok(mut file) = OpenOptions::new().write(true).truncate(true).open(log) {
        let _ = file.write_all(text.as_bytes());
    }
}

/// Whether stdout is the log of a pod: not where somebody sits at a terminal in one.
pub(super) fn is_log_of_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && !std::io::stdout().is_terminal()
}

/// The files of inference-perf's among `files`, for the log, between the lines by which its users cut them out of it.
pub(super) fn marked(files: &[NamedFile]) -> String {
    let mut text = String::new();
    for (name, bytes) in files {
        let Some(part) = name.strip_suffix("_lifecycle_metrics.json") else {
            continue;
        };
        let is_known = part == "summary" || part.starts_with("stage_");
        let json = bytes
            .as_ref()
            .ok()
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(json) = json.filter(|_| is_known) {
            let part = part.to_ascii_uppercase();
            let json = json.trim_end();
            text.push_str(&format!(
                "=== START_{part} ===\n{json}\n=== END_{part} ===\n"
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_marked_as_inference_perf_marks_them() {
        let file = |name: &str, text: &str| (name.to_owned(), Ok(text.as_bytes().to_vec()));
        let files = [
            file("report.json", "{}"),
            file("summary_lifecycle_metrics.json", "{\"a\": 1}\n"),
            file("stage_12_lifecycle_metrics.json", "{}"),
            file("per_request_lifecycle_metrics.json", "[]"),
        ];
        assert_eq!(
            marked(&files),
            "=== START_SUMMARY ===\n{\"a\": 1}\n=== END_SUMMARY ===\n\
             === START_STAGE_12 ===\n{}\n=== END_STAGE_12 ===\n"
        );
    }
}
