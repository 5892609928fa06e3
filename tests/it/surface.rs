//! The command line itself: streams, exit codes, help.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::process::{benchctl, root, run, stdout, text};

#[test]
fn a_mistyped_scenario_never_reaches_the_cluster() {
    let output = run(&["render", "--scenario", "prodution"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    assert!(
        text(&output.stderr).contains("did you mean `production`"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn exit_codes() {
    for (args, code) in [
        (&["render"][..], 0),
        (&["template"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["render", "--no-such-flag"], 2),
        (&["rendr"], 2),
        (&["render", "-s", "Deployment"], 2),
        (&["render", "--set", "benchmark.engin=x"], 3),
        (&["scenario", "show", "prodution"], 3),
        (&["render", "-f", "no-such-file.yaml"], 1),
        (&["render", "-f", "-", "-f", "-"], 2),
        (&["render", "-f", ""], 2),
        (&["values", "-f", "a.yaml,"], 2),
    ] {
        let output = run(args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            text(&output.stderr)
        );
        if code != 0 {
            assert!(output.stdout.is_empty(), "{args:?}");
        }
    }
}

#[test]
fn colours_of_usage_errors_are_asked_for() {
    for (args, is_coloured) in [
        (&["render", "--color", "always", "--no-such-flag"][..], true),
        (&["render", "--color=never", "--no-such-flag"], false),
        (&["render", "--no-such-flag"], false),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            text(&output.stderr).contains('\u{1b}'),
            is_coloured,
            "{args:?}"
        );
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    // More than a pipe holds, so that the writer is still there when the reader goes.
    let set = format!("benchmark.job.run={}", "x".repeat(100_000));
    let args = ["values", "--set", &set];
    assert!(stdout(&args).len() > 1 << 16);
    let mut child = benchctl(root(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn every_command_has_examples_in_its_help() {
    for command in ["render", "values", "config", "scenario", "schema"] {
        let help = stdout(&[command, "--help"]);
        assert!(help.contains("Examples:"), "{command}");
    }
}

#[test]
fn values_come_from_stdin_too() {
    let values = std::fs::File::open(root().join("examples/custom-production.yaml")).unwrap();
    let piped = benchctl(root(), &["config", "-f", "-"])
        .stdin(values)
        .output()
        .unwrap();
    assert_eq!(
        text(&piped.stdout),
        stdout(&["config", "-f", "examples/custom-production.yaml"])
    );
}

#[test]
fn output_directories_hold_one_file_a_manifest() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&["render", "--output-dir", directory.path().to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty());
    for name in ["serviceaccount", "configmap", "job"] {
        let path = directory
            .path()
            .join(format!("benchctl/templates/{name}.yaml"));
        assert!(
            text(&std::fs::read(&path).unwrap()).starts_with("---\n# Source: benchctl/templates/"),
            "{name}"
        );
    }
    assert!(
        !directory
            .path()
            .join("benchctl/templates/namespace.yaml")
            .exists()
    );
}

#[test]
fn presets_are_shown_as_they_lie_in_the_repository() {
    let stored = std::fs::read_to_string(root().join("scenarios/production.yaml")).unwrap();
    assert_eq!(stdout(&["scenario", "show", "production"]), stored);
    let changed = stdout(&[
        "scenario",
        "show",
        "production",
        "-f",
        "examples/custom-production.yaml",
    ]);
    assert!(
        changed.contains("mean: 2048") && changed.contains("max: 2048"),
        "{changed}"
    );
}

#[test]
fn provenance_names_every_layer() {
    let text = stdout(&[
        "values",
        "-f",
        "examples/custom-production.yaml",
        "--set",
        "benchmark.seed=7",
        "--provenance",
    ]);
    let line = |start: &str| {
        text.lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        line("benchmark.seed: 7").ends_with("# --set argument 1"),
        "{text}"
    );
    assert!(
        line("benchmark.scenario:").ends_with("# examples/custom-production.yaml:3:3"),
        "{text}"
    );
    assert!(
        line("benchmark.scenarios.production.data.output.mean").contains("# preset `production`:"),
        "{text}"
    );
    assert!(
        line("benchmark.job.backoffLimit").contains("# built-in defaults:"),
        "{text}"
    );
}
