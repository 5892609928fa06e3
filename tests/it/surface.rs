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
fn help_that_cannot_be_written_is_a_failure() {
    for args in [&["--help"][..], &["--version"], &["plan", "--help"]] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = benchctl(root(), args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let messages = text(&output.stderr);
        assert!(
            messages.starts_with("error: cannot write to stdout"),
            "{messages}"
        );
    }
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
    for command in [
        "render",
        "values",
        "config",
        "validate",
        "diff",
        "plan",
        "init",
        "report",
        "scenario",
        "schema",
        "completions",
        "man",
    ] {
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

#[test]
fn differences_are_the_exit_code_when_they_are_asked_for() {
    let args = [
        "diff",
        "--set=benchmark.target.modelName=other",
        "--against-values=examples/baseline.yaml",
    ];
    let without = run(&args);
    let with = run(&[&args[..], &["--exit-code"]].concat());
    assert_eq!(without.status.code(), Some(0));
    assert_eq!(with.status.code(), Some(1));
    assert_eq!(without.stdout, with.stdout);
    assert!(text(&with.stdout).contains("+      model_name: other\n"));
    let coloured = stdout(&[&args[..], &["--color=always"]].concat());
    assert!(coloured.contains("\u{1b}[32m+      model_name: other\u{1b}[0m\n"));
}

#[test]
fn what_was_rendered_does_not_differ_from_itself_and_is_valid() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rendered.yaml");
    let values = "examples/custom-production.yaml";
    std::fs::write(&path, stdout(&["render", "-f", values])).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(stdout(&["diff", "-f", values, "--against", path]), "");
    let checked = run(&["validate", "--strict", path]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(checked.stderr.is_empty() && checked.stdout.is_empty());
}

#[test]
fn examples_and_starters_are_valid_and_decidable() {
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for scenario in ["baseline", "saturation", "sweep", "production", "dataset"] {
        let starter = directory.path().join(format!("{scenario}.yaml"));
        let starter = starter.to_str().unwrap().to_owned();
        assert!(
            run(&["init", &starter, "--scenario", scenario])
                .status
                .success()
        );
        // What a user has written is not overwritten.
        assert_eq!(run(&["init", &starter]).status.code(), Some(1));
        assert!(
            run(&["init", &starter, "--scenario", scenario, "--force"])
                .status
                .success()
        );
        let uncommented = uncommented(&std::fs::read_to_string(&starter).unwrap());
        let whole = directory.path().join(format!("{scenario}-whole.yaml"));
        std::fs::write(&whole, uncommented).unwrap();
        files.push(starter);
        files.push(whole.to_str().unwrap().to_owned());
    }
    let mut args = vec!["validate"];
    args.extend(files.iter().map(String::as_str));
    let checked = run(&args);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let examples: Vec<String> = std::fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    let mut args = vec!["validate"];
    args.extend(examples.iter().map(String::as_str));
    let checked = run(&args);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(
        !text(&checked.stderr).contains("B125"),
        "{}",
        text(&checked.stderr)
    );
}

/// The starter as it is when everything that it offers is wanted.
fn uncommented(starter: &str) -> String {
    let lines = starter.lines().skip_while(|line| *line != "benchmark:");
    lines
        .map(|line| {
            let is_offer = line.trim_start().starts_with("# ") && line.contains(": ")
                || line.trim_end().ends_with(':')
                || line.contains("# - ")
                || line.contains("  - ");
            let is_prose = line.contains("The server") || line.contains("What ");
            if is_offer
                && !is_prose
                && !line.contains("Secret")
                && !line.contains("slo")
                && !line.contains("metric:")
            {
                format!("{}\n", line.replacen("# ", "", 1))
            } else {
                format!("{line}\n")
            }
        })
        .collect()
}

#[test]
fn a_thousand_files_are_checked_each_on_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..1000).map(|index| format!("{index}.yaml")).collect();
    for (index, name) in names.iter().enumerate() {
        let text = match index {
            7 => "benchmark: {scenario: prodution}\n".to_owned(),
            _ => format!("benchmark: {{scenario: production, seed: {index}}}\n"),
        };
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let mut args = vec!["validate"];
    args.extend(names.iter().map(String::as_str));
    let output = benchctl(directory.path(), &args).output().unwrap();
    let messages = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        messages.ends_with("error: 1 problem in 7.yaml; 1 of 1000 files are invalid\n"),
        "{messages}"
    );
}
