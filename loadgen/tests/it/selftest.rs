//! `loadgen selftest`, as a person and as a program call it.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs it in an empty folder, which it has to leave empty.
fn selftest(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .arg("selftest")
        .args(args)
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    ran
}

#[test]
fn it_puts_what_was_reported_beside_what_was_true() {
    let args = [
        "--rates",
        "20,40",
        "--up-to",
        "40",
        "--duration",
        "1s",
        "--tokens",
        "4",
        "-o",
        "json",
    ];
    let ran = selftest(&args);
    let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
    let result: Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{stderr}"));
    // Whether a rate was held is this machine's affair; what was sent, answered and compared is not.
    let levels = result["levels"].as_array().unwrap();
    assert!(levels.len() >= 2, "{result:#}");
    for level in levels {
        assert_eq!(level["ok"], level["planned"], "{level:#}");
        for metric in ["ttft", "tpot", "itl", "e2e"] {
            let error = &level["errors"][metric];
            let truth = error["true_mean_s"].as_f64().unwrap();
            let off = error["mean_s"].as_f64().unwrap();
            let expected = match metric {
                "ttft" => 0.020,
                "e2e" => 0.035,
                _ => 0.005,
            };
            // Writes that come late on a busy machine move a mean between tokens either way.
            assert!(truth >= 0.5 * expected, "{metric}: {error}");
            assert!(off > -0.5 * truth, "{metric}: {error}");
        }
    }
    assert!(stderr.contains("20/s"), "{stderr}");
    let code = ran.status.code();
    let held = result["highest_rate"].as_f64();
    assert_eq!(code, Some(if held.is_some() { 0 } else { 6 }), "{stderr}");
}

#[test]
fn the_table_names_every_rate() {
    let ran = selftest(&["--rates", "30", "--up-to", "30", "--duration", "1s"]);
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(
        text.contains("TTFT mean (p99)") && text.contains("30/s"),
        "{text}"
    );
}

#[test]
fn nonsense_is_refused_before_anything_runs() {
    for args in [
        ["--rates", "0"],
        ["--rates", "fast"],
        ["--duration", "10ms"],
        ["--tokens", "1"],
        ["--load.type", "poisson"],
    ] {
        let ran = selftest(&args);
        assert_eq!(ran.status.code(), Some(2), "{args:?}");
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty());
    }
}
