//! A render is a function of its inputs: the same bytes in another directory, for another user, under another locale.

use crate::process::{benchctl, root, run, text};

#[test]
fn the_same_bytes_everywhere() {
    let example = root().join("examples/production.yaml");
    let args = ["render", "-f", example.to_str().unwrap()];
    let here = run(&args);
    assert!(here.status.success(), "{}", text(&here.stderr));
    let elsewhere = tempfile::tempdir().unwrap();
    let there = benchctl(elsewhere.path(), &args)
        .env("HOME", elsewhere.path())
        .env("LC_ALL", "ko_KR.UTF-8")
        .env("LANG", "de_DE.UTF-8")
        .env("TZ", "Asia/Seoul")
        .env("COLUMNS", "40")
        .output()
        .unwrap();
    let bare = benchctl(elsewhere.path(), &args)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(text(&here.stdout), text(&there.stdout));
    assert_eq!(text(&here.stdout), text(&bare.stdout));
}

#[test]
fn the_name_follows_what_runs() {
    let name = |args: &[&str]| {
        let mut all = vec!["render", "-s", "Job", "-o", "json"];
        all.extend_from_slice(args);
        let output = run(&all);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        list["items"][0]["metadata"]["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let base = name(&[]);
    assert_eq!(base, name(&["--create-namespace"]));
    assert_eq!(base, name(&["--set", "benchmark.scenario=baseline"]));
    let pod = "benchmark.securityContext.pod";
    let ordered = |json: &str| name(&["--set-json", &format!("{pod}={json}")]);
    assert_eq!(
        ordered(r#"{"runAsUser": 1000, "fsGroup": 1000, "supplementalGroups": [1, 2]}"#),
        ordered(r#"{"supplementalGroups": [1, 2], "fsGroup": 1000, "runAsUser": 1000}"#)
    );
    assert_ne!(
        ordered(r#"{"supplementalGroups": [1, 2]}"#),
        ordered(r#"{"supplementalGroups": [2, 1]}"#)
    );
    for change in [
        "benchmark.seed=7",
        "benchmark.job.run=second",
        "benchmark.image.tag=v9",
        "benchmark.resources.limits.cpu=8",
        "benchmark.scenarios.baseline.load.stages[0].rate=2",
        "benchmark.podLabels.team=a",
    ] {
        assert_ne!(base, name(&["--set", change]), "{change}");
    }
}
