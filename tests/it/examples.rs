//! Every preset and example, with every engine that can run it: what is printed is the config that was meant.

use bench_contract::Config;
use benchctl::chart::Chart;
use benchctl::pipeline::{Checked, Skip};
use benchctl::values::{Override, Sources, load};

use crate::process::{config_of, documents, files, root, run, stdout};

fn check(args: &[&str], sources: &Sources) {
    let mut all = vec!["render"];
    all.extend_from_slice(args);
    let printed = documents(&stdout(&all));
    let read: Config = serde_json::from_value(config_of(&printed)).unwrap();
    let chart = Chart::built_in().unwrap();
    let checked = Checked::new(&chart, load(sources), Skip::default());
    let (_, run) = checked.resolved(&chart).unwrap();
    let job = printed
        .iter()
        .find(|document| document["kind"] == "Job")
        .unwrap();
    assert_eq!(
        read,
        run.config(job["metadata"]["name"].as_str().unwrap()),
        "{args:?}"
    );
    assert_eq!(
        stdout(&[&["config"], args].concat()),
        config_text(&printed),
        "{args:?}"
    );
}

fn config_text(printed: &[serde_json::Value]) -> String {
    let map = printed
        .iter()
        .find(|document| document["kind"] == "ConfigMap")
        .unwrap();
    map["data"]["config.yml"].as_str().unwrap().to_owned()
}

#[test]
fn presets_read_back_as_they_were_meant() {
    for (engine, presets) in [
        ("loadgen", &["baseline", "saturation", "production"][..]),
        (
            "inference-perf",
            &["baseline", "saturation", "sweep", "production", "dataset"],
        ),
    ] {
        for preset in presets {
            let set = format!("benchmark.engine={engine}");
            let flag = Override {
                flag: "--scenario",
                path: &["benchmark", "scenario"],
                value: (*preset).to_owned(),
            };
            let sources = Sources {
                set: vec![set.clone()],
                overrides: vec![flag],
                ..Sources::default()
            };
            check(&["--scenario", preset, "--set", &set], &sources);
        }
    }
}

#[test]
fn examples_read_back_as_they_were_meant() {
    let mut examples = files("examples");
    examples.retain(|path| path.is_file());
    assert!(examples.len() > 5);
    for example in examples {
        let path = example
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let full = example.to_str().unwrap().to_owned();
        check(
            &["-f", &path],
            &Sources {
                values: vec![full],
                ..Sources::default()
            },
        );
    }
}

#[test]
fn what_loadgen_cannot_run_yet_is_refused_with_the_remedy() {
    let output = run(&["render", "--scenario", "sweep"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(
        messages.contains("`benchmark.engine: inference-perf` runs it"),
        "{messages}"
    );
}

#[test]
fn nothing_in_a_config_for_inference_perf_is_ours() {
    const OURS: [&str; 9] = [
        "slo",
        "seed",
        "warmup",
        "connections",
        "timeouts",
        "ready_timeout",
        "salt",
        "report",
        "shards",
    ];
    for preset in ["baseline", "saturation", "sweep", "production", "dataset"] {
        let text = stdout(&[
            "config",
            "--scenario",
            preset,
            "--set",
            "benchmark.engine=inference-perf",
        ]);
        for key in OURS {
            assert!(!text.contains(&format!("{key}:")), "{preset}: {key}");
        }
    }
}
