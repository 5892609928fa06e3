//! What a run has come to in a few lines, for places that have no room for more.

use bench_contract::Report;

use crate::headline::outcome;

/// What Kubernetes keeps of the message that a container leaves when it ends, in bytes.
pub const TERMINATION_MESSAGE: usize = 4096;

/// The verdict with its exit code, the reasons, a line each, and the run's name, in at most `room` bytes.
#[must_use]
pub fn message(report: &Report, room: usize) -> String {
    let mut text = outcome(report);
    for line in report
        .verdict
        .reasons
        .iter()
        .chain([&format!("run {}", report.run.id)])
    {
        text.push('\n');
        text.push_str(line);
    }
    if text.len() > room {
        let end = room.saturating_sub("…".len());
        let end = (0..=end).rev().find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
