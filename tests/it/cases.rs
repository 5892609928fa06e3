//! A folder of cases: `args` (one a line), what they read, and what they print. `UPDATE_CASES=1 cargo test` writes the
//! expectations; look at the difference before committing it.

use std::fs;
use std::path::Path;

use crate::process::{benchctl, files, text};

#[test]
fn every_case_prints_what_is_expected() {
    let is_update = std::env::var_os("UPDATE_CASES").is_some();
    let mut failures = Vec::new();
    let mut count = 0;
    for case in files("tests/cases") {
        count += 1;
        if let Err(reason) = check(&case, is_update) {
            failures.push(format!("{}\n{reason}", case.display()));
        }
    }
    assert!(count > 20, "only {count} cases");
    assert!(
        failures.is_empty(),
        "UPDATE_CASES=1 cargo test writes them anew\n{}",
        failures.join("\n\n")
    );
}

fn check(case: &Path, is_update: bool) -> Result<(), String> {
    let args = fs::read_to_string(case.join("args")).map_err(|error| format!("args: {error}"))?;
    let args: Vec<&str> = args.lines().collect();
    let mut command = benchctl(case, &args);
    if let Ok(input) = fs::File::open(case.join("stdin")) {
        command.stdin(input);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    let (data, messages) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().unwrap_or(-1);
    // From 4 on, codes are verdicts on what was printed.
    if (1..4).contains(&code) && !data.is_empty() {
        return Err(format!(
            "exit code {code}, and stdout is not empty:\n{data}"
        ));
    }
    let messages = if code == 0 {
        messages
    } else {
        format!("exit code {code}\n{messages}")
    };
    compare(&case.join("expected.out"), &data, is_update)?;
    compare(&case.join("expected.err"), &messages, is_update)
}

/// An expectation that is empty has no file.
fn compare(path: &Path, found: &str, is_update: bool) -> Result<(), String> {
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    if is_update {
        let written = if found.is_empty() {
            fs::remove_file(path)
        } else {
            fs::write(path, found)
        };
        return written.map_err(|error| format!("{}: {error}", path.display()));
    }
    Err(format!(
        "{} differs\n--- expected\n{expected}\n--- found\n{found}",
        path.display()
    ))
}
