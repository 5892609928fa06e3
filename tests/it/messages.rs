//! Messages for programs.

use crate::process::{benchctl, run, text};

#[test]
fn notes_are_in_the_format_that_is_asked_for() {
    let messages = |args: &[&str]| {
        let output = run(args);
        text(&output.stderr)
    };
    let disabled = [
        "render",
        "--set=benchmark.enabled=false",
        "--message-format",
    ];
    let json = messages(&[&disabled[..], &["json"]].concat());
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap(),
        serde_json::json!({"severity": "note", "message": "benchmark.enabled is false: there is nothing to render"})
    );
    assert_eq!(
        messages(&[&disabled[..], &["github"]].concat()),
        "::notice::benchmark.enabled is false: there is nothing to render\n"
    );
    // A manifest that is shown is a note too.
    let refused = messages(&[
        "render",
        "--debug",
        "--message-format=json",
        "--set=benchmark.resources.requests.cpu=8",
    ]);
    let severities: Vec<String> = refused
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|object| object["severity"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(severities, ["note", "error"], "{refused}");
}

#[test]
fn a_file_that_cannot_be_read_is_named_in_its_place() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), "bechmark: {}\n").unwrap();
    std::fs::write(directory.path().join("c.yaml"), b"a: \xff\n").unwrap();
    let args = [
        "validate",
        "a.yaml",
        "b.yaml",
        "c.yaml",
        "--message-format=json",
    ];
    let output = benchctl(directory.path(), &args).output().unwrap();
    let found: Vec<(String, String)> = text(&output.stderr)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|object| {
            assert_eq!(object["line"].is_null(), object["code"] != "B101");
            let text = |key: &str| object[key].as_str().unwrap().to_owned();
            (text("code"), text("file"))
        })
        .collect();
    let expected = [("B101", "a.yaml"), ("B002", "b.yaml"), ("B005", "c.yaml")];
    assert_eq!(
        found,
        expected.map(|(code, file)| (code.to_owned(), file.to_owned()))
    );
    let args = [&args[..4], &["--message-format=github"]].concat();
    let output = benchctl(directory.path(), &args).output().unwrap();
    let annotations = text(&output.stderr);
    assert!(
        annotations.contains("::error file=b.yaml,title=B002::"),
        "{annotations}"
    );
}
