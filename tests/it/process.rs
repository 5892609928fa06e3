//! Running `benchctl` and reading what it prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bench_yaml::{ParseOptions, Source, parse};
use serde_json::Value;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command that runs `benchctl` in a directory, with nothing of the caller's environment that could matter.
pub(crate) fn benchctl(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_benchctl"));
    command
        .current_dir(directory)
        .args(args)
        .env_remove("NO_COLOR")
        .stdin(std::process::Stdio::null());
    command
}

/// What `benchctl` prints in the root of the repository.
pub(crate) fn run(args: &[&str]) -> Output {
    benchctl(root(), args).output().unwrap()
}

/// What `benchctl` prints to stdout, which must succeed.
pub(crate) fn stdout(args: &[&str]) -> String {
    let output = run(args);
    assert!(
        output.status.success(),
        "{args:?}\n{}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The documents of a YAML text, whose scalars mean the same in YAML 1.1 and 1.2.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let parsed = parse(&Source::new("test", text), &ParseOptions::default());
    assert_eq!(parsed.problems, [], "{text}");
    parsed
        .documents
        .iter()
        .map(bench_yaml::Node::to_json)
        .collect()
}

/// The object of this kind.
pub(crate) fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents
        .iter()
        .find(|document| document["kind"] == kind)
        .unwrap()
}

/// The `config.yml` in rendered manifests, as an object.
pub(crate) fn config_of(documents: &[Value]) -> Value {
    let text = of_kind(documents, "ConfigMap")["data"]["config.yml"]
        .as_str()
        .unwrap()
        .to_owned();
    self::documents(&text).remove(0)
}

/// The files of a directory of the repository, in order.
pub(crate) fn files(directory: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join(directory))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}
