//! The README's commands do what the README shows.
//!
//! A `console` block is executed: each `$ command` has to print the lines below it (`...` stands for any lines, `[..]` for any
//! text) and to end with exit code 0, or with the one in a line `? CODE`. A `sh` block names commands that other tests run.

use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = include_str!("../../README.md");

struct Step {
    line: usize,
    command: String,
    code: i32,
    output: Vec<String>,
}

fn steps(kind: &str) -> Vec<Step> {
    let (mut steps, mut inside) = (Vec::<Step>::new(), false);
    for (number, line) in (1..).zip(README.lines()) {
        match line {
            "```" => inside = false,
            _ if line == format!("```{kind}") => inside = true,
            _ if !inside => {}
            _ => match (
                line.strip_prefix("$ "),
                line.strip_prefix("? "),
                steps.last_mut(),
            ) {
                (Some(command), ..) => {
                    steps.push(Step {
                        line: number,
                        command: command.to_owned(),
                        code: 0,
                        output: Vec::new(),
                    });
                }
                (None, Some(code), Some(step)) => step.code = code.parse().unwrap(),
                (None, None, Some(step)) => step.output.push(line.to_owned()),
                _ => panic!("README.md:{number}: output before a command"),
            },
        }
    }
    steps
}

/// A folder with the programs, and with a `kubectl` that takes what it is given.
fn programs(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let benchctl = Path::new(env!("CARGO_BIN_EXE_benchctl"));
    let loadgen = benchctl.with_file_name("loadgen");
    assert!(loadgen.is_file(), "build it first: cargo build -p loadgen");
    for program in [benchctl, &loadgen] {
        std::os::unix::fs::symlink(program, bin.join(program.file_name().unwrap())).unwrap();
    }
    let kubectl = bin.join("kubectl");
    std::fs::write(&kubectl, "#!/bin/sh\ngrep -q '^kind: Job$'\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(kubectl, mode).unwrap();
    bin
}

#[test]
fn console_blocks_are_what_the_programs_print() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!(
        "{}:{}",
        programs(folder.path()).display(),
        std::env::var("PATH").unwrap()
    );
    for (of, called) in [
        ("examples", "examples"),
        ("tests/cases/report-judge/results", "results"),
        ("tests/cases/report-compare/after", "after"),
    ] {
        let of = Path::new(env!("CARGO_MANIFEST_DIR")).join(of);
        std::os::unix::fs::symlink(of, folder.path().join(called)).unwrap();
    }
    let steps = steps("console");
    assert!(steps.len() > 4, "the README has lost its commands");
    for step in steps {
        let ran = Command::new("sh")
            .args(["-c", &format!("{{ {}\n}} 2>&1", step.command)])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("NO_COLOR", "1")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env("HF_HOME", folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        let at = format!("README.md:{}: $ {}", step.line, step.command);
        assert_eq!(ran.status.code(), Some(step.code), "{at}\n{text}");
        let printed: Vec<&str> = text.lines().collect();
        let shown: Vec<&str> = step.output.iter().map(String::as_str).collect();
        assert!(
            matches(&shown, &printed),
            "{at}\nprints\n{text}\nand the README shows\n{}",
            shown.join("\n")
        );
    }
}

fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        (["...", rest @ ..], _) => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        ([line, shown @ ..], [text, printed @ ..]) => {
            matches_line(line, text) && matches(shown, printed)
        }
        ([], []) => true,
        _ => false,
    }
}

fn matches_line(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split("[..]");
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || (open && shown.ends_with("[..]"))
}

#[test]
fn what_readers_are_told_to_make_is_in_the_makefile() {
    let makefile = include_str!("../../Makefile");
    let targets: Vec<&str> = README
        .split("make ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next())
        .collect();
    assert!(targets.contains(&"demo") && targets.contains(&"test"));
    for target in targets {
        assert!(
            makefile.contains(&format!("\n{target}:")),
            "no `make {target}`"
        );
    }
}

#[test]
fn the_values_file_of_the_readme_is_the_one_in_examples() {
    let shown = README
        .split("# examples/custom-production.yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shown.yaml");
    std::fs::write(&file, shown).unwrap();
    let render = |file: &Path| {
        let ran = Command::new(env!("CARGO_BIN_EXE_benchctl"))
            .arg("render")
            .arg("-f")
            .arg(file)
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        ran.stdout
    };
    assert_eq!(
        render(&file),
        render(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/custom-production.yaml"))
    );
}
