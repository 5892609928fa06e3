//! What is written to start from: scenarios, values files, manual pages.

use crate::process::{root, run, stdout, text};

#[test]
fn completions_and_manual_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            stdout(&["completions", shell]).contains("validate"),
            "{shell}"
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let output = run(&["man", "--output-dir", directory.path().to_str().unwrap()]);
    assert!(output.status.success());
    let page = |name: &str| {
        let path = directory.path().join(format!("{name}.1"));
        std::fs::read_to_string(&path).unwrap_or_default()
    };
    let mut referred = 0;
    let mut names = vec!["benchctl".to_owned()];
    while let Some(name) = names.pop() {
        let text = page(&name).replace(r"\-", "-");
        let footer = format!("\"benchctl {}\"", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&format!(".TH {name} 1")), "{name}");
        assert!(
            text.lines()
                .any(|line| line.starts_with(".TH") && line.contains(&footer))
        );
        let others = text.lines().filter_map(|line| line.strip_suffix("(1)"));
        names.extend(others.map(str::to_owned).inspect(|_| referred += 1));
    }
    assert!(referred > 12, "{referred}");
}

#[test]
fn a_new_scenario_is_a_valid_values_file() {
    let directory = tempfile::tempdir().unwrap();
    for preset in ["baseline", "saturation", "sweep", "production", "dataset"] {
        let path = directory.path().join(format!("{preset}.yaml"));
        let path = path.to_str().unwrap();
        let args = ["scenario", "new", "nightly", "--from", preset, "-O", path];
        assert!(run(&args).status.success());
        assert_eq!(run(&args).status.code(), Some(1));
        let checked = run(&["validate", path]);
        assert!(checked.status.success(), "{}", text(&checked.stderr));
        let started = directory.path().join(format!("init-{preset}.yaml"));
        let started = started.to_str().unwrap();
        assert!(
            run(&["init", started, "--scenario", preset])
                .status
                .success()
        );
        let engine = |path: &str| {
            let values = stdout(&["values", "-f", path, "-o", "json"]);
            let values: serde_json::Value = serde_json::from_str(&values).unwrap();
            values["benchmark"]["engine"].clone()
        };
        assert_eq!(engine(path), engine(started), "{preset}");
    }
    let saturation = directory.path().join("saturation.yaml");
    assert!(stdout(&["config", "-f", saturation.to_str().unwrap()]).contains("rate: 40"));
}

#[test]
fn a_fitted_scenario_is_a_valid_values_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fitted.yaml");
    let path = path.to_str().unwrap();
    let trace = root().join("tests/cases/scenario-fit-azure/trace.csv");
    let trace = std::fs::read(trace).unwrap();
    let packed = directory.path().join("trace.csv.zst");
    std::fs::write(&packed, zstd::encode_all(&trace[..], 1).unwrap()).unwrap();
    let args = ["scenario", "fit", packed.to_str().unwrap(), "-O", path];
    let written = run(&args);
    assert!(written.status.success(), "{}", text(&written.stderr));
    let checked = run(&["validate", "--strict", path]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}
