//! Runs that end before all of their stages have begun.

use std::path::Path;
use std::time::Duration;

use bench_contract::{CheckVerdict, Report, RunStatus};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::{Bench, Ran};
use crate::ends::signal;
use crate::rebuild::rebuilt;

/// What a run has written down so far, once `is_meant` says that it has come so far.
fn noted(results: &Path, is_meant: impl Fn(&Report) -> bool) -> Report {
    loop {
        let text = std::fs::read(results.join("report.json")).unwrap_or_default();
        match serde_json::from_slice::<Report>(&text) {
            Ok(report) if is_meant(&report) => return report,
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn junit(ran: &Ran) -> String {
    std::fs::read_to_string(ran.results.join("junit.xml")).unwrap()
}

fn undecided(report: &Report) -> usize {
    report
        .judged()
        .filter(|(_, check)| check.reason == "the stage did not begin")
        .filter(|(_, check)| check.verdict == CheckVerdict::Inconclusive)
        .count()
}

#[test]
fn a_server_that_never_is_ready_leaves_every_objective_undecided() {
    let bench = Bench::new(SimArgs::default());
    let ran = bench
        .run(
            &bench.config(json!({
                "server": {"base_url": "http://127.0.0.1:1", "ready_timeout": "200ms"},
                "load": {"stages": [{"rate": 5, "duration": 1}, {"rate": 9, "duration": 1}]},
                "slo": [{"metric": "error_rate", "max": 0.1},
                    {"metric": "error_rate", "max": 0.2, "stages": [0]},
                    {"metric": "error_rate", "max": 0.3, "stages": "whole"}],
            })),
            &[],
        )
        .expect(7);
    let report = ran.report();
    assert_eq!(report.verdict.slo, Some(CheckVerdict::Inconclusive));
    assert_eq!((report.not_begun.len(), undecided(&report)), (2, 3));
    assert_eq!(report.not_begun[1].planned, Some(9));
    let xml = junit(&ran);
    assert!(
        xml.contains("tests=\"4\" failures=\"0\" errors=\"0\" skipped=\"4\""),
        "{xml}"
    );
}

#[test]
fn stages_after_a_signal_are_undecided() {
    let bench = Bench::new(SimArgs::default());
    let child = bench.start(&bench.config(json!({
        "load": {"stages": [{"rate": 20, "duration": 1}, {"rate": 20, "duration": 60}, {"rate": 1, "duration": 1},
            {"rate": 1, "duration": 1}], "interval": 0},
        "slo": [{"metric": "throughput", "min": 0.001}],
    })));
    noted(&bench.results(), |report| report.stages.len() > 1);
    while bench.sim.as_ref().unwrap().stats().requests < 30 {
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "TERM");
    let ran = bench.wait(child).expect(8);
    let report = ran.report();
    assert_eq!(report.verdict.slo, Some(CheckVerdict::Inconclusive));
    assert_eq!((report.stages.len(), undecided(&report)), (2, 2));
    assert!(junit(&ran).contains("tests=\"4\""), "{}", junit(&ran));
    assert!(
        ran.stdout
            .contains("stages 2 to 3 did not begin: 2 objectives are undecided"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_closed_loop_that_is_killed_before_its_next_stage_is_not_complete() {
    let bench = Bench::new(SimArgs::default());
    let stage = json!({"concurrency_level": 4, "duration": 1});
    let mut child = bench.start(&bench.config(json!({
        "load": {"type": "concurrent", "stages": [stage, stage], "interval": 60},
        "slo": [{"metric": "error_rate", "max": 0.5}],
    })));
    let head = noted(&bench.results(), |report| {
        report.stages.len() == 1 && report.counts.sent > 0
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(head.run.status, RunStatus::Unfinished);
    assert_eq!((head.not_begun.len(), head.not_begun[0].planned), (1, None));
    let made = rebuilt(&bench.results()).report;
    assert_eq!(made.run.status, RunStatus::Partial);
    assert_eq!(made.verdict.exit_code, 8);
    assert_eq!(undecided(&made), 1);
    let because = made.run.partial_because.join("\n");
    assert!(
        because.contains("stage 1 and later were not started"),
        "{because}"
    );
}

#[test]
fn a_closed_loop_that_is_killed_passes_nothing() {
    let bench = Bench::new(SimArgs::default());
    let mut child = bench.start(&bench.config(json!({
        "load": {"type": "concurrent", "stages": [{"concurrency_level": 4, "duration": 60}]},
        "slo": [{"metric": "error_rate", "max": 0.5}],
    })));
    let records = bench.results().join("requests.jsonl.zst");
    while std::fs::metadata(&records).map_or(0, |file| file.len()) == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let made = rebuilt(&bench.results()).report;
    let check = &made.stages[0].checks[0];
    assert_eq!(
        check.verdict,
        CheckVerdict::Inconclusive,
        "{}",
        check.reason
    );
    let stage = &made.stages[0];
    let least = stage.counts.sent as f64 / stage.duration_s / 2.0;
    assert!(
        stage.achieved_rate > least,
        "{} a second, {} in {} s",
        stage.achieved_rate,
        stage.counts.sent,
        stage.duration_s
    );
}
