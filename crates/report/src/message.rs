//! What a run has come to in a few lines, for places that have no room for more.

use bench_contract::{ExitCode, Report};

use crate::headline::Headline;

/// What Kubernetes keeps of the message that a container leaves when it ends, in bytes.
pub const TERMINATION_MESSAGE: usize = 4096;

/// The verdict with its exit code, the reasons, a line each, and the run's name, in at most `room` bytes.
#[must_use]
pub fn message(report: &Report, room: usize) -> String {
    let (headline, code) = (Headline::of(report), report.verdict.exit_code);
    let meaning = match ExitCode::from_code(code) {
        Some(ExitCode::Done) if !matches!(headline, Headline::Pass | Headline::Done) => {
            "what failed is not in --fail-on"
        }
        // Of a run without objectives none has passed.
        Some(ExitCode::Done) if headline == Headline::Done => "done",
        Some(code) => code.meaning(),
        None => "unknown",
    };
    let mut text = format!("{}, exit code {code}: {meaning}", headline.word());
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
