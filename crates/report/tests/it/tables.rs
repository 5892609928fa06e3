//! Tables, against golden files. `UPDATE_GOLDEN=1 cargo test -p bench-report` writes them.

use std::path::Path;

use bench_contract::config::LoadType;
use bench_contract::{Metric, Outcome, RequestRecord, SloMetric, StageReport};
use bench_report::table::{self, Style};
use bench_report::{RunEnd, Settings};

use crate::made::whole;
use crate::records::{MS, collect, facts, failed, ok, poisson_records, slo, with_slos};

pub(crate) const PLAIN: Style = Style {
    color: false,
    width: 100,
};

pub(crate) fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{name} differs; UPDATE_GOLDEN=1 writes it");
    let widest = text
        .lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0);
    assert!(widest <= 100, "{name} is {widest} columns wide");
    assert!(
        text.lines().last().unwrap().starts_with("verdict"),
        "the verdict stands last"
    );
}

fn settings() -> Settings {
    Settings {
        goodput: vec![(Metric::Ttft, 0.028), (Metric::Tpot, 0.05)],
        ..with_slos(&[
            slo(SloMetric::TtftScheduled, 99.0, 1.2),
            slo(SloMetric::Tpot, 95.0, 0.05),
        ])
    }
}

#[test]
fn a_run_that_passes() {
    let stage = collect(&settings(), &poisson_records(600.0, 42)).report(&facts(
        LoadType::Poisson,
        15.0,
        600.0,
    ));
    check(
        "passes.txt",
        &table::report(&whole(vec![stage], &RunEnd::default()), PLAIN),
    );
}

#[test]
fn a_run_with_timeouts_and_errors_that_was_interrupted() {
    let records: Vec<RequestRecord> = (0..300)
        .map(|k| match k % 10 {
            _ if k >= 250 => failed(k, k * 100 * MS, Outcome::NotSent, bench_report::ASKED_TO_STOP),
            3 => failed(k, k * 100 * MS, Outcome::Timeout, "no end of the reply after 300 s"),
            7 => failed(
                k,
                k * 100 * MS,
                Outcome::HttpError,
                r#"{"error": {"message": "the engine is overloaded, and this message is so long that nobody would read the whole of it in a table", "type": "x"}}"#,
            ),
            _ => ok(k, k * 100 * MS, (20 + k * 7919 % 30) * MS, 40),
        })
        .collect();
    let stage = collect(&settings(), &records).report(&facts(LoadType::Constant, 10.0, 30.0));
    let end = RunEnd {
        interrupted: true,
        failed: vec!["cannot write report.json: no space left".to_owned()],
        ..RunEnd::default()
    };
    check(
        "interrupted.txt",
        &table::report(&whole(vec![stage], &end), PLAIN),
    );
}

#[test]
fn many_stages_have_one_row_each() {
    let stages: Vec<StageReport> = (0..6)
        .map(|stage| {
            let rate = 5.0 * f64::from(1 << stage);
            let gap = (1e9 / rate) as u64;
            let n = (rate * 60.0) as u64;
            let start = u64::from(stage) * 100_000 * MS;
            let records: Vec<RequestRecord> = (0..n)
                .map(|k| {
                    // Past the knee, the queue grows.
                    let queue = if stage == 5 { k * 2 * MS } else { 0 };
                    let mut record = ok(k, start + k * gap, (20 + k * 7919 % 30) * MS + queue, 40);
                    if stage == 4 {
                        record.dispatched_ns = record.sent_ns.map(|at| at + 4 * MS);
                        record.sent_ns = record.dispatched_ns;
                    }
                    record
                })
                .collect();
            let mut facts = facts(LoadType::Constant, rate, 60.0);
            (facts.stage, facts.origin_ns) = (stage, start);
            collect(&settings(), &records).report(&facts)
        })
        .collect();
    check(
        "stages.txt",
        &table::report(&whole(stages, &RunEnd::default()), PLAIN),
    );
}

#[test]
fn a_run_that_never_began() {
    check(
        "nothing.txt",
        &table::report(&whole(Vec::new(), &RunEnd::default()), PLAIN),
    );
}

#[test]
fn colours_come_only_when_asked_for() {
    let stage = collect(&settings(), &poisson_records(60.0, 1)).report(&facts(
        LoadType::Poisson,
        15.0,
        60.0,
    ));
    let report = whole(vec![stage], &RunEnd::default());
    assert!(!table::report(&report, PLAIN).contains('\u{1b}'));
    assert!(
        table::report(
            &report,
            Style {
                color: true,
                width: 100
            }
        )
        .contains("\u{1b}[32mPASS")
    );
}

#[test]
fn a_message_holds_the_verdict_and_the_reasons_in_the_room_that_there_is() {
    let records: Vec<RequestRecord> = (0..1000)
        .map(|k| ok(k, k * 100 * MS, 2000 * MS, 10))
        .collect();
    let stage = collect(&settings(), &records).report(&facts(LoadType::Constant, 10.0, 100.0));
    let report = whole(vec![stage], &RunEnd::default());
    let text = bench_report::message(&report, bench_report::TERMINATION_MESSAGE);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("FAIL, exit code 4: SLO failed"));
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("stage 0: p99 ttft_scheduled"),
        "{text}"
    );
    assert_eq!(lines.last(), Some("run production-1a2b3c4d"));
    for room in [0, 3, 40, 100] {
        let short = bench_report::message(&report, room);
        assert!(
            short.len() <= room.max(3) && short.ends_with('…'),
            "{room}: {short}"
        );
        assert!(text.starts_with(short.trim_end_matches('…')));
    }
}
