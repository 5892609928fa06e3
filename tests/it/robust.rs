//! Whatever is written at whatever key: it renders, or the user is told; the program itself is never at fault.

use benchctl::chart::Chart;
use benchctl::pipeline::{Checked, Skip, Wanted};
use benchctl::values::{Sources, load};
use serde_json::{Value, json};

use crate::process::{benchctl, root, stdout, text};

fn codes(sources: &Sources) -> Vec<&'static str> {
    let chart = Chart::built_in().unwrap();
    let checked = Checked::new(&chart, load(sources), Skip::default());
    let Err(refused) = checked.whole(&chart, Wanted::default()) else {
        return Vec::new();
    };
    let codes: Vec<&'static str> = refused
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(|problem| problem.code)
        .collect();
    assert!(!codes.is_empty(), "a failure without an error");
    codes
}

#[test]
fn the_program_is_never_at_fault() {
    let effective: Value = serde_json::from_str(&stdout(&["values", "-o", "json"])).unwrap();
    let mut pointers = Vec::new();
    collect(&effective, String::new(), &mut pointers);
    let values = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!("/"),
        json!("a: b\n"),
        json!(["x"]),
        json!({"x": "y z"}),
    ];
    let (mut refused, mut rendered) = (0, 0);
    for pointer in pointers
        .iter()
        .filter(|pointer| !pointer.contains("/scenarios/s"))
    {
        for (index, value) in values.iter().enumerate() {
            let set = format!("{}={value}", bench_yaml::dotted(pointer));
            let engine = if index % 2 == 0 {
                "loadgen"
            } else {
                "inference-perf"
            };
            let set_json = vec![format!("benchmark.engine=\"{engine}\""), set.clone()];
            let codes = codes(&Sources {
                set_json,
                ..Sources::default()
            });
            assert!(
                codes.iter().all(|code| !code.starts_with("B9")),
                "{set}: {codes:?}"
            );
            if codes.is_empty() {
                rendered += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(
        refused > 300 && rendered > 44,
        "{refused} refused, {rendered} rendered"
    );
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    let Value::Object(entries) = value else {
        pointers.push(pointer);
        return;
    };
    if !pointer.is_empty() {
        pointers.push(pointer.clone());
    }
    for (key, value) in entries {
        collect(value, format!("{pointer}/{key}"), pointers);
    }
}

#[test]
fn printed_values_render_the_same() {
    let directory = tempfile::tempdir().unwrap();
    for example in [
        "examples/production.yaml",
        "examples/saturation.yaml",
        "examples/custom-production.yaml",
    ] {
        let file = directory.path().join("values.yaml");
        std::fs::write(&file, stdout(&["values", "-f", example])).unwrap();
        assert_eq!(
            stdout(&["render", "-f", file.to_str().unwrap()]),
            stdout(&["render", "-f", example]),
            "{example}"
        );
    }
}

#[test]
fn a_refused_manifest_is_shown_on_request() {
    let args = ["render", "--set", "benchmark.priorityClassName=My_Class"];
    let quiet = benchctl(root(), &args).output().unwrap();
    let loud = benchctl(root(), &[&args[..], &["--debug"]].concat())
        .output()
        .unwrap();
    assert!(
        !text(&quiet.stderr).contains("kind: Job") && text(&loud.stderr).contains("| kind: Job")
    );
    assert!(loud.stdout.is_empty());
    let skipped = stdout(&[&args[..], &["--skip-manifest-validation"]].concat());
    assert!(skipped.contains("priorityClassName: My_Class"));
}
