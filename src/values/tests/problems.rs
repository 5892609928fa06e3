//! What is wrong with values and arguments: all of it at once, at its place, with a remedy.

use bench_yaml::{Color, render};
use serde_json::json;

use super::*;

fn drawn(result: Result<Effective, Vec<Diagnostic>>) -> String {
    render(&result.unwrap_err(), Color::Never)
}

#[test]
fn reports_all_problems_of_all_sources() {
    let sources = Sources {
        values: vec![
            "no-such-file.yaml".to_owned(),
            "https://x/y.yaml".to_owned(),
        ],
        set_json: vec![
            "a={".to_owned(),
            "{\"a\": 1} x".to_owned(),
            "a=text".to_owned(),
        ],
        set_file: vec!["a=no-such-file".to_owned()],
        set_literal: vec!["a".to_owned()],
        ..set(&[
            "a[x]=1,never=read",
            "=x",
            "a={b",
            "a[0]b=1",
            "a[-1]=1",
            "a[65537]=1",
        ])
    };
    let codes = codes_of(fold_with("a: yes\nb: 1\nb: 2\n---\n- x\n", sources));
    assert_eq!(
        codes,
        [
            "B002", "B002", "B106", "B105", "B004", "B116", "B116", "B116", "B113", "B115", "B114",
            "B114", "B113", "B113", "B002", "B114"
        ]
    );
}

#[test]
fn points_into_arguments() {
    assert_eq!(
        drawn(fold_with(
            "",
            set(&["benchmark.dependencies.packages[abc]=x"])
        )),
        "error[B113]: a list index must be a number between 0 and 65536, found `abc`\n\
         --> --set argument 1\n \
         |\n \
         | benchmark.dependencies.packages[abc]=x\n \
         |                                 ^^^\n \
         |\n \
         = help: protect a bracket that belongs to a key with a backslash: `\\[`\n"
    );
    assert_eq!(
        drawn(fold_with(
            "benchmark:\n  scenario: baseline\n",
            set(&["benchmark.scenario.name=x"])
        )),
        "error[B112]: cannot set `benchmark.scenario.name`: `benchmark.scenario` is the string \"baseline\"\n \
         --> --set argument 1\n  \
         |\n  \
         | benchmark.scenario.name=x\n  \
         |                    ^^^^ a key needs a mapping before it\n  \
         |\n \
         ::: <stdin>:2:13\n  \
         |\n\
         2 |   scenario: baseline\n  \
         |             -------- set here\n  \
         |\n  \
         = help: write the path as the values have it: `benchctl values` shows them\n"
    );
    assert_eq!(
        drawn(fold_with("", set(&["benchmark.target.baseUrl=http://a,b"]))),
        "error[B114]: `b` has no value\n\
         --> --set argument 1\n \
         |\n \
         | benchmark.target.baseUrl=http://a,b\n \
         |                                   ^ expected `=` and a value\n \
         |\n \
         = help: if the comma before belongs to the value, write `\\,` or use --set-literal; or set it: `b=…`\n"
    );
}

#[test]
fn conflicts_follow_lists_of_the_preset() {
    let result = fold_with(
        "",
        set(&["benchmark.scenarios.baseline.load.stages[0].rate.x=1"]),
    );
    assert_eq!(codes_of(result), ["B112"]);
    let result = fold_with(
        "",
        set(&["benchmark.scenarios.baseline.load.stages[0][1]=1"]),
    );
    assert_eq!(codes_of(result), ["B112"]);
}

#[test]
fn an_empty_list_of_helm_warns() {
    let effective = fold_with("", set(&["a={}"])).unwrap();
    assert_eq!(effective.json()["a"], json!([""]));
    assert_eq!(
        effective
            .problems()
            .iter()
            .map(|warning| warning.code)
            .collect::<Vec<_>>(),
        ["B117"]
    );
}

#[test]
fn full_width_colons_are_seen() {
    let text = drawn(fold_with("benchmark：1", Sources::default()));
    assert!(text.contains("full-width"), "{text}");
}
