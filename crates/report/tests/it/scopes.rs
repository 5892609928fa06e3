//! Objectives of each stage, of some, and of the whole run; and of stages that did not begin.

use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{
    Check, CheckVerdict, FailOn, Limit, NotBegun, Outcome, Place, Report, RequestRecord, Slo,
    SloMetric, SloStages, StageLoad,
};
use bench_report::table::{self, Style};
use bench_report::{
    Settings, Stage, StageCollector, junit, message, outcome, page, report, stage_reports,
};

use crate::made::head;
use crate::records::{MS, facts, failed, ok, reads, slo, with_slos};

/// Stages of so many requests, 10 a second, whose TTFT is the number given, in milliseconds.
fn stages(settings: &Settings, of: &[(u64, u64)]) -> Vec<Stage> {
    let settings = Arc::new(settings.clone());
    let mut stages = Vec::new();
    for (number, &(n, ttft)) in (0..).zip(of) {
        let mut facts = facts(LoadType::Constant, 10.0, n as f64 / 10.0);
        (facts.stage, facts.origin_ns) = (number, u64::from(number) * 1_000_000 * MS);
        let mut collector = StageCollector::new(settings.clone());
        for k in 0..n {
            let at = facts.origin_ns + k * 100 * MS;
            let record = RequestRecord {
                stage: number,
                ..ok(k, at, (ttft + k * 7919 % 5) * MS, 4)
            };
            collector.add(&record, &reads(&record));
        }
        stages.push(Stage { facts, collector });
    }
    stages
}

fn run(slos: &[Slo], of: &[(u64, u64)], not_begun: &[u32]) -> Report {
    let stages = stages(&with_slos(slos), of);
    let mut head = head();
    head.objectives = slos.to_vec();
    head.not_begun = not_begun.iter().map(|&stage| missing(stage)).collect();
    report(head, &stages, stage_reports(&stages), &FailOn::ALL)
}

fn missing(stage: u32) -> NotBegun {
    NotBegun {
        stage,
        load: StageLoad {
            kind: LoadType::Constant,
            rate: Some(10.0),
            duration_s: Some(60.0),
            ..StageLoad::default()
        },
        planned: Some(600),
        checks: Vec::new(),
    }
}

fn on(mut slo: Slo, stages: SloStages) -> Slo {
    slo.stages = stages;
    slo
}

fn places(report: &Report) -> Vec<(String, CheckVerdict)> {
    let judged = report.judged();
    judged
        .map(|(place, check)| (place.to_string(), check.verdict))
        .collect()
}

#[test]
fn an_objective_is_judged_where_it_is_meant() {
    // The last stage is meant to saturate.
    let of = [(600, 20), (600, 40), (600, 4000)];
    let p95 = || slo(SloMetric::Ttft, 95.0, 1.0);
    use CheckVerdict::{Fail, Pass};
    let each = run(&[p95()], &of, &[]);
    assert_eq!(
        places(&each),
        [("stage 0", Pass), ("stage 1", Pass), ("stage 2", Fail)]
            .map(|(place, verdict)| (place.to_owned(), verdict))
    );
    let some = run(&[on(p95(), SloStages::Of(vec![0, 1]))], &of, &[]);
    assert_eq!(
        places(&some),
        [("stage 0", Pass), ("stage 1", Pass)].map(|(place, verdict)| (place.to_owned(), verdict))
    );
    assert_eq!((some.verdict.exit_code, each.verdict.exit_code), (0, 4));
    let whole = run(&[on(p95(), SloStages::Whole)], &[(600, 4000); 3], &[]);
    assert_eq!(places(&whole), [("whole run".to_owned(), Fail)]);
    assert!(
        whole.verdict.reasons[0].starts_with("whole run: p95 ttft <= 1s failed: "),
        "{:?}",
        whole.verdict
    );
    assert!(whole.stages.iter().all(|stage| stage.checks.is_empty()));
    // Where stages differ from each other in their level, all of them together count as hardly more samples than there are
    // stages, as repeats do.
    let mixed = run(&[on(p95(), SloStages::Whole)], &of, &[]);
    let check = &mixed.checks[0];
    assert_eq!((check.count, check.share_above), (1800, Some(1.0 / 3.0)));
    assert!(check.n_eff < 20.0, "{}", check.n_eff);
}

#[test]
fn all_stages_together_decide_what_none_does_alone() {
    let p99 = slo(SloMetric::Ttft, 99.0, 1.0);
    let of = [(200, 20), (200, 20)];
    let each = run(std::slice::from_ref(&p99), &of, &[]);
    assert_eq!(each.verdict.slo, Some(CheckVerdict::Inconclusive));
    let whole = run(&[on(p99, SloStages::Whole)], &of, &[]);
    let check = &whole.checks[0];
    assert_eq!(check.verdict, CheckVerdict::Pass, "{}", check.reason);
    assert_eq!(whole.verdict.reasons, ["every SLO passed"]);
    // The level differs between the stages, which is no correlation within one of them.
    let steps = run(
        &[on(slo(SloMetric::Ttft, 50.0, 0.030), SloStages::Whole)],
        &[(400, 20), (400, 40)],
        &[],
    );
    assert_eq!(steps.checks[0].count, 800);
}

#[test]
fn shares_and_rates_of_the_whole_are_those_of_all_requests() {
    let share = |metric, max: f64, min: f64| Slo {
        metric,
        percentile: None,
        max: Limit::new(max),
        min: Limit::new(min),
        stages: SloStages::Whole,
    };
    let slos = [
        share(SloMetric::ErrorRate, 0.3, f64::NAN),
        share(SloMetric::Throughput, f64::NAN, 1.0),
        on(slo(SloMetric::Itl, 99.0, 0.05), SloStages::Whole),
    ];
    let mut stages = stages(&with_slos(&slos), &[(300, 20), (300, 20)]);
    stages[1].facts.load.duration_s = Some(36.0);
    for k in 300..360 {
        let at = stages[1].facts.origin_ns + k * 100 * MS;
        let record = failed(k, at, Outcome::Reset, "reset by peer");
        stages[1].collector.add(&record, &[]);
    }
    let mut head = head();
    head.objectives = slos.to_vec();
    let report = report(head, &stages, stage_reports(&stages), &FailOn::ALL);
    let [errors, throughput, itl] = report.checks.as_slice() else {
        panic!("{:?}", report.checks)
    };
    assert_eq!(
        (errors.count, errors.share_above),
        (660, Some(60.0 / 660.0))
    );
    let tokens = 600.0 * 4.0;
    let window: f64 = report.stages.iter().map(|it| it.throughput.window_s).sum();
    assert!((throughput.observed.unwrap() - tokens / window).abs() < 1e-9);
    assert!(
        throughput.reason.contains("over all stages"),
        "{}",
        throughput.reason
    );
    assert_eq!((itl.count, itl.verdict), (1800, CheckVerdict::Pass));
}

#[test]
fn one_invalid_stage_voids_the_whole() {
    let p50 = on(slo(SloMetric::Ttft, 50.0, 1.0), SloStages::Whole);
    let mut stages = stages(
        &with_slos(std::slice::from_ref(&p50)),
        &[(300, 20), (1, 20)],
    );
    let held_back = failed(
        1,
        stages[1].facts.origin_ns + 100 * MS,
        Outcome::NotSent,
        "limit",
    );
    stages[1].collector.add(&held_back, &[]);
    let mut head = head();
    head.objectives = vec![p50];
    let report = report(head, &stages, stage_reports(&stages), &FailOn::ALL);
    assert_eq!(report.checks[0].verdict, CheckVerdict::Invalid);
    assert!(
        report.checks[0]
            .reason
            .starts_with("a stage is invalid; as measured: ")
    );
    assert_eq!(report.verdict.exit_code, 6);
}

#[test]
fn stages_that_did_not_begin_leave_their_objectives_open() {
    let slos = [
        slo(SloMetric::Ttft, 50.0, 1.0),
        on(slo(SloMetric::Ttft, 95.0, 1.0), SloStages::Whole),
        on(slo(SloMetric::E2e, 50.0, 9.0), SloStages::Of(vec![0])),
    ];
    let report = run(&slos, &[(600, 20)], &[1, 2]);
    use CheckVerdict::{Inconclusive, Pass};
    let found = places(&report);
    let named: Vec<(&str, CheckVerdict)> = found
        .iter()
        .map(|(place, it)| (place.as_str(), *it))
        .collect();
    assert_eq!(
        named,
        [
            ("stage 0", Pass),
            ("stage 0", Pass),
            ("stage 1", Inconclusive),
            ("stage 2", Inconclusive),
            ("whole run", Inconclusive),
        ]
    );
    assert!(
        report.checks[0]
            .reason
            .ends_with("; but 2 of 3 stages did not begin"),
        "{}",
        report.checks[0].reason
    );
    assert_eq!(
        (report.verdict.slo, report.verdict.exit_code),
        (Some(Inconclusive), 5)
    );
    let open = "stages 1 to 2 did not begin: 2 objectives are undecided";
    assert!(report.verdict.reasons.iter().any(|reason| reason == open));

    let xml = junit::xml(&report);
    assert!(
        xml.contains("tests=\"5\" failures=\"0\" errors=\"0\" skipped=\"3\""),
        "{xml}"
    );
    assert!(xml.contains("<testsuite name=\"whole run\""), "{xml}");
    assert!(xml.contains("<skipped message=\"inconclusive: the stage did not begin\"/>"));
    let plain = Style {
        color: false,
        width: 100,
    };
    for text in [
        table::report(&report, plain),
        table::judgement(&report, plain),
    ] {
        assert_eq!(text.matches(open).count(), 1, "{text}");
        assert!(text.contains("whole run, p95 ttft <= 1s: "), "{text}");
    }
    assert!(message(&report, 4096).contains(open));
    let html = page::html(&report);
    assert!(html.contains("whole") && html.contains("the stage did not begin"));
}

#[test]
fn a_run_whose_server_never_was_ready_has_its_objectives_all_the_same() {
    let slos = [
        slo(SloMetric::Ttft, 50.0, 1.0),
        on(slo(SloMetric::Ttft, 95.0, 1.0), SloStages::Whole),
    ];
    let report = run(&slos, &[], &[0]);
    assert_eq!(
        (report.verdict.exit_code, report.verdict.slo),
        (7, Some(CheckVerdict::Inconclusive))
    );
    let xml = junit::xml(&report);
    assert!(xml.contains("tests=\"2\""), "{xml}");
    assert_eq!(report.checks[0].reason, "no stage has begun");
}

#[test]
fn failures_are_corrected_for_all_that_were_judged() {
    // 7 of 190 fail, where 1 % may: p = 0.0035, which is little alone and much among many.
    let errors = Slo {
        metric: SloMetric::ErrorRate,
        percentile: None,
        max: Limit::new(0.01),
        min: None,
        stages: SloStages::Each,
    };
    let of = |wholes: usize| -> CheckVerdict {
        let mut slos = vec![errors.clone()];
        let limit = |k: usize| 500.0 + k as f64;
        slos.extend(
            (0..wholes).map(|k| on(slo(SloMetric::Ttft, 50.0, limit(k)), SloStages::Whole)),
        );
        let mut stage = stages(&with_slos(&slos), &[(0, 20)]).remove(0);
        for k in 0..190 {
            let record = if k % 27 == 13 {
                failed(k, k * 100 * MS, Outcome::HttpError, "busy")
            } else {
                ok(k, k * 100 * MS, 20 * MS, 4)
            };
            stage.collector.add(&record, &reads(&record));
        }
        stage.facts.load.duration_s = Some(19.0);
        let mut head = head();
        head.objectives = slos;
        let stages = [stage];
        let report = report(head, &stages, stage_reports(&stages), &FailOn::ALL);
        report.stages[0].checks[0].verdict
    };
    assert_eq!(of(0), CheckVerdict::Fail);
    assert_eq!(of(15), CheckVerdict::Inconclusive);
}

#[test]
fn the_words_of_an_outcome_are_the_same_everywhere() {
    let late = slo(SloMetric::Ttft, 50.0, 0.001);
    let stages = stages(&with_slos(std::slice::from_ref(&late)), &[(300, 20)]);
    let of = |fail_on: &[FailOn]| {
        let mut head = head();
        head.objectives = vec![late.clone()];
        report(head, &stages, stage_reports(&stages), fail_on)
    };
    let let_be = of(&[FailOn::Invalid]);
    assert_eq!(
        outcome(&let_be),
        "FAIL, exit code 0: what failed is not in --fail-on"
    );
    assert_eq!(outcome(&of(&FailOn::ALL)), "FAIL, exit code 4: SLO failed");
    let plain = Style {
        color: false,
        width: 100,
    };
    for text in [
        table::report(&let_be, plain),
        table::judgement(&let_be, plain),
        message(&let_be, 4096),
    ] {
        assert!(text.contains(&outcome(&let_be)), "{text}");
    }
    assert_eq!(
        outcome(&run(&[], &[(300, 20)], &[])),
        "DONE, exit code 0: no SLO is set"
    );
}

#[test]
fn a_place_knows_its_stage() {
    let report = run(&[slo(SloMetric::Ttft, 50.0, 1.0)], &[(10, 20)], &[1]);
    let stages: Vec<Option<u32>> = report.judged().map(|(place, _)| place.stage()).collect();
    assert_eq!(stages, [Some(0), Some(1)]);
    assert_eq!(Place::Whole.stage(), None);
    let is_open = |check: &Check| check.reason == "the stage did not begin";
    assert!(report.not_begun[0].checks.iter().all(is_open));
}
