//! How a run can end, and what it leaves behind.

use std::time::Duration;

use bench_contract::{CheckVerdict, Outcome, RunStatus, ValidityState};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::Bench;

pub(crate) fn signal(child: &std::process::Child, name: &str) {
    let done = std::process::Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(done.unwrap().success());
}

#[test]
fn slos_decide_the_exit_code() {
    let bench = Bench::new(SimArgs::default());
    let judged = |slo: serde_json::Value, args: &[&str], verdict: CheckVerdict, code: i32| {
        let ran = bench.run(&bench.config(json!({"slo": slo})), args);
        let stage = &ran.report().stages[0];
        // On a machine that is too busy, nothing is decided, and the flags of these runs let that pass.
        let (verdict, code) = match stage.validity.state {
            ValidityState::Invalid => (CheckVerdict::Invalid, 0),
            ValidityState::Valid | ValidityState::Suspect => (verdict, code),
        };
        assert_eq!(stage.checks[0].verdict, verdict);
        let ran = ran.expect(code);
        assert_eq!(ran.report().verdict.slo, Some(verdict));
        ran.stdout
    };
    let passed = json!([{"metric": "ttft_scheduled", "percentile": 50, "max": "30s"}]);
    judged(passed, &[], CheckVerdict::Pass, 0);
    let failed = json!([{"metric": "ttft", "percentile": 50, "max": "5ms"}]);
    let table = judged(failed.clone(), &[], CheckVerdict::Fail, 4);
    assert!(
        table.contains("FAIL") || table.contains("INVALID"),
        "{table}"
    );
    judged(failed, &["--fail-on", "error"], CheckVerdict::Fail, 0);
    let open = json!([{"metric": "ttft", "percentile": 99, "max": "30s"}]);
    judged(open, &[], CheckVerdict::Inconclusive, 5);
}

#[test]
fn sigterm_leaves_a_partial_report_in_which_nothing_is_lost() {
    for name in ["TERM", "INT"] {
        let bench = Bench::new(SimArgs::default());
        let child = bench.start(&bench.config(
            json!({"load": {"stages": [{"rate": 20, "duration": 60}, {"rate": 1, "duration": 5}]}}),
        ));
        let records = bench.results().join("requests.jsonl.zst");
        while !records.exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        while bench.sim.as_ref().unwrap().stats().requests < 5 {
            std::thread::sleep(Duration::from_millis(20));
        }
        signal(&child, name);
        let ran = bench.wait(child).expect(8);
        let report = ran.report();
        assert_eq!(report.run.status, RunStatus::Partial);
        assert!(report.counts.is_conserved());
        assert_eq!(
            report.counts.planned, 1205,
            "the stage that was not started counts too"
        );
        assert!(report.counts.sent >= 5 && report.counts.not_sent > 0);
        assert_eq!(
            report.counts.sent,
            report.counts.ok(),
            "what was in flight was awaited"
        );
        assert!(
            report
                .run
                .partial_because
                .iter()
                .any(|why| why.contains("stage 1 and later were not started")),
            "{:?}",
            report.run
        );
        assert_eq!(ran.records().len(), 1200);
    }
}

#[test]
fn a_second_signal_gives_up_what_is_in_flight() {
    let bench = Bench::new(SimArgs {
        ttft: Duration::from_secs(60),
        ..SimArgs::default()
    });
    let child = bench.start(&bench.config(json!({})));
    while bench.sim.as_ref().unwrap().stats().requests < 5 {
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "TERM");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "TERM");
    let report = bench.wait(child).expect(8).report();
    assert!(report.counts.is_conserved());
    assert!(report.counts.outcomes[&Outcome::Cancelled] >= 5);
}

#[test]
fn a_server_that_never_comes_is_waited_for_and_then_said() {
    let bench = Bench::new(SimArgs::default());
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let config = bench.config(
        json!({"server": {"base_url": format!("http://{closed}"), "ready_timeout": "600ms"}}),
    );
    let ran = bench.run(&config, &[]).expect(7);
    assert!(
        ran.stderr.contains("waiting for http://") && ran.stderr.contains("not ready within 0.6 s"),
        "{}",
        ran.stderr
    );
    let report = ran.report();
    assert_eq!(report.run.status, RunStatus::Partial);
    assert!(
        report.run.partial_because[0].contains("refused"),
        "{:?}",
        report.run
    );
}

#[test]
fn a_server_that_starts_late_is_waited_for() {
    let bench = Bench::new(SimArgs {
        startup_delay: Duration::from_secs(1),
        ..SimArgs::default()
    });
    let ran = bench.run(&bench.config(json!({})), &[]).expect(0);
    assert!(
        ran.stderr.contains("GET /v1/models answers 503"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        ran.report().target.model,
        "sim",
        "the first model that the server lists"
    );
}

#[test]
fn a_server_that_only_fails_is_exit_code_7() {
    let bench = Bench::new(SimArgs {
        fault_500: 1.0,
        ..SimArgs::default()
    });
    let ran = bench
        .run(
            &bench.config(json!({"slo": [{"metric": "error_rate", "max": 0.1}]})),
            &[],
        )
        .expect(7);
    assert_eq!(ran.report().counts.outcomes[&Outcome::HttpError], 50);
}

#[test]
fn a_folder_that_cannot_be_made_ends_the_run_before_it_begins() {
    let bench = Bench::new(SimArgs::default());
    let ran = bench
        .run(
            &bench.config(json!({})),
            &["--storage.local_storage.path", "/dev/null/results"],
        )
        .expect(1);
    assert!(ran.stderr.contains("/dev/null/results"), "{}", ran.stderr);
    assert_eq!(bench.sim.as_ref().unwrap().stats().requests, 0);
}

#[test]
fn wrong_usage_and_wrong_configs_print_nothing_on_stdout() {
    let bench = Bench::new(SimArgs::default());
    let ran = bench
        .run(&bench.config(json!({"load": {"type": "bursty"}})), &[])
        .expect(3);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("bursty"), "{}", ran.stderr);
    bench
        .run(
            &bench.config(json!({"load": {"num_worker": 1}})),
            &["--strict"],
        )
        .expect(3);
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .output()
        .unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&out.stderr).contains("-c FILE"));
}

#[test]
fn check_sends_nothing_and_shows_the_plan() {
    let bench = Bench::new(SimArgs::default());
    let file = bench.folder.path().join("c.yml");
    std::fs::write(&file, bench.config(json!({})).to_string()).unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .arg("check")
        .arg("-c")
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("50 requests of about 32 + 8 tokens"),
        "{text}"
    );
    assert_eq!(bench.sim.as_ref().unwrap().stats().requests, 0);
}

#[test]
fn a_signal_while_waiting_for_the_server_is_heeded_at_once() {
    // It accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = Bench::new(SimArgs::default());
    let url = format!("http://{}", silent.local_addr().unwrap());
    let child =
        bench.start(&bench.config(json!({"server": {"base_url": url, "ready_timeout": 300}})));
    let _asking = silent.accept().unwrap();
    signal(&child, "TERM");
    let report = bench.wait(child).expect(8).report();
    assert_eq!((report.counts.planned, report.counts.not_sent), (50, 50));
    assert_eq!(report.run.status, RunStatus::Partial);
}

#[test]
fn a_server_that_accepts_and_never_answers_is_given_up_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = Bench::new(SimArgs::default());
    let url = format!("http://{}", silent.local_addr().unwrap());
    let ran = bench.run(
        &bench.config(json!({"server": {"base_url": url, "ready_timeout": "500ms"}})),
        &[],
    );
    assert!(ran.expect(7).stderr.contains("not ready within 0.5 s"));
}

#[test]
fn a_signal_after_the_last_reply_is_no_interruption() {
    let bench = Bench::new(SimArgs {
        itl: Duration::from_millis(300),
        ..SimArgs::default()
    });
    let child = bench.start(&bench.config(json!({})));
    while bench.sim.as_ref().unwrap().stats().requests < 50 {
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "TERM");
    let report = bench.wait(child).expect(0).report();
    assert_eq!(
        (report.run.status, report.counts.ok()),
        (RunStatus::Complete, 50)
    );
}

#[test]
fn a_wrong_tokenizer_is_said_before_the_server_is_asked() {
    let bench = Bench::new(SimArgs::default());
    let config =
        bench.config(json!({"tokenizer": {"pretrained_model_name_or_path": "/no/such/folder"}}));
    let ran = bench.run(&config, &[]).expect(3);
    assert!(
        ran.stderr.contains("/no/such/folder") && ran.stdout.is_empty(),
        "{}",
        ran.stderr
    );
}

#[test]
fn no_message_shows_a_secret() {
    let bench = Bench::new(SimArgs::default());
    let config =
        bench.config(json!({"server": {"api_key": "topsecret-1"}, "load": {"type": "bursty"}}));
    let ran = bench
        .run(
            &config,
            &[
                "--tokenizer.token",
                "topsecret-2",
                "--load.stages.7.rate",
                "1",
            ],
        )
        .expect(3);
    assert!(
        ran.stderr.contains("beyond the end") && !ran.stderr.contains("topsecret"),
        "{}",
        ran.stderr
    );
    let ran = bench.run(&config, &[]).expect(3);
    assert!(
        ran.stderr.contains("bursty") && !ran.stderr.contains("topsecret"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_pod_leaves_its_verdict_and_its_files_in_its_log() {
    let bench = Bench::new(SimArgs::default());
    let message = bench.results().with_file_name("termination-log");
    let path = message.display().to_string();
    let config = bench.config(json!({"slo": [{"metric": "ttft", "percentile": 50, "max": "5ms"}]}));
    // Somebody who is no pod has no such file, and gets none.
    bench.run(&config, &["--termination-log", &path, "--fail-on", "error"]);
    assert!(!message.exists());
    std::fs::write(
        &message,
        "left by an earlier container, and longer than what comes now".repeat(100),
    )
    .unwrap();
    let shell = crate::bench::by_shell("KUBERNETES_SERVICE_HOST=10.0.0.1 exec \"$@\"");
    let ran = bench.run_by(
        shell,
        &config,
        &["--termination-log", &path, "--fail-on", "error"],
    );
    let left = std::fs::read_to_string(&message).unwrap();
    assert!(
        left.contains("exit code 0: what failed is not in --fail-on"),
        "{left}"
    );
    assert!(
        left.contains(&format!("run {}", ran.report().run.id)),
        "{left}"
    );
    for part in ["SUMMARY", "STAGE_0"] {
        let (_, rest) = ran
            .stdout
            .split_once(&format!("=== START_{part} ===\n"))
            .unwrap();
        let (marked, _) = rest.split_once(&format!("=== END_{part} ===")).unwrap();
        let name = format!("{}_lifecycle_metrics.json", part.to_lowercase());
        let marked: serde_json::Value = serde_json::from_str(marked).unwrap();
        assert_eq!(marked, ran.json(&name));
    }
    assert!(ran.stdout.lines().last().unwrap().starts_with("verdict"));
}
