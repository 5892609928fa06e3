//! Charts of a user's own, as files.

use crate::process::{benchctl, stdout, text};

#[test]
fn a_chart_of_ones_own_starts_as_the_built_in_one() {
    let directory = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| benchctl(directory.path(), args).output().unwrap();
    let init = ["init", "--chart", "own"];
    assert!(run(&init).status.success());
    let again = run(&init);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again.stderr).contains("--force"),
        "{}",
        text(&again.stderr)
    );
    assert!(run(&[&init[..], &["--force"]].concat()).status.success());
    for scenario in ["baseline", "production"] {
        let args = ["render", "--create-namespace", "--scenario", scenario];
        let own = run(&[&args[..], &["--chart", "own"]].concat());
        let built_in = stdout(&args);
        assert_eq!(text(&own.stderr), "");
        assert_eq!(
            text(&own.stdout).replace("# Source: own/", "# Source: benchctl/"),
            built_in
        );
    }
}

#[test]
fn templates_of_several_manifests_are_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let templates = directory.path().join("chart/templates");
    std::fs::create_dir_all(&templates).unwrap();
    std::fs::write(directory.path().join("chart/values.yaml"), "a: 1\n").unwrap();
    let map = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: x}}\n")
    };
    let two = format!("{}---\n{}", map("one"), map("two"));
    for (file, text) in [
        ("maps.yaml", &two),
        ("maps.yml", &map("three")),
        ("last.yaml", &map("four")),
    ] {
        std::fs::write(templates.join(format!("{file}.j2")), text).unwrap();
    }
    let render = |more: &[&str]| {
        let args = [&["render", "--chart", "chart"][..], more].concat();
        let output = benchctl(directory.path(), &args).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    let read = |path: &str| std::fs::read_to_string(directory.path().join(path)).unwrap();
    let names = |text: &str| -> Vec<String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let items = value["items"].as_array().cloned().unwrap_or(vec![value]);
        items
            .iter()
            .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    render(&["--output-dir", "json", "-o", "json"]);
    assert_eq!(
        names(&read("json/chart/templates/maps.yaml.json")),
        ["one", "two"]
    );
    assert_eq!(
        names(&read("json/chart/templates/maps.yml.json")),
        ["three"]
    );
    assert_eq!(names(&read("json/chart/templates/last.json")), ["four"]);
    render(&["--output-dir", "yaml"]);
    assert_eq!(
        read("yaml/chart/templates/maps.yaml")
            .matches("# Source:")
            .count(),
        2
    );
}
