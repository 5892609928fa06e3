//! What the fold promises beyond Helm's table: provenance, all problems at once, and remedies.

use std::fs;

use bench_yaml::{Color, Diagnostic, Source, render};
use serde_json::json;

use super::load::load_with;
use super::*;

const DEFAULTS: &str = "benchmark:
  scenario: baseline
  target:
    baseUrl: http://x
    headers: {}
  image: {tag: '', pull: null}
";
const PRESET: &str = "benchmark:
  scenarios:
    baseline:
      load:
        stages:
        - rate: 1.0
          duration: 300
";

fn defaults() -> Vec<Layer> {
    vec![
        Layer::parse(
            "built-in defaults",
            &Source::new("built-in defaults", DEFAULTS),
        )
        .unwrap(),
        Layer::parse(
            "preset `baseline`",
            &Source::new("preset `baseline`", PRESET),
        )
        .unwrap(),
    ]
}

/// The fold, or all problems where one of them is an error.
pub(super) fn fold(defaults: &[Layer], loaded: Loaded) -> Result<Effective, Vec<Diagnostic>> {
    let effective = fold_on(defaults, loaded);
    if effective.problems().iter().any(Diagnostic::is_error) {
        Err(effective.problems().to_vec())
    } else {
        Ok(effective)
    }
}

/// The fold over the defaults with a text on standard input.
pub(super) fn fold_with(stdin: &str, sources: Sources) -> Result<Effective, Vec<Diagnostic>> {
    let mut sources = sources;
    if !stdin.is_empty() {
        sources.values.push("-".to_owned());
    }
    fold(
        &defaults(),
        load_with(&sources, &mut || Ok(stdin.as_bytes().to_vec())),
    )
}

pub(super) fn set(arguments: &[&str]) -> Sources {
    Sources {
        set: arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect(),
        ..Sources::default()
    }
}

fn codes_of(result: Result<Effective, Vec<Diagnostic>>) -> Vec<&'static str> {
    result
        .unwrap_err()
        .iter()
        .map(|problem| problem.code)
        .collect()
}

fn drawn(result: Result<Effective, Vec<Diagnostic>>) -> String {
    render(&result.unwrap_err(), Color::Never)
}

#[test]
fn every_leaf_knows_its_layer_and_place() {
    let stdin = "benchmark:\n  target:\n    modelName: m\n";
    let sources = Sources {
        overrides: vec![Override {
            flag: "--scenario",
            path: &["benchmark", "scenario"],
            value: "sweep".to_owned(),
        }],
        ..set(&[
            "benchmark.target.headers.a\\.b=1,benchmark.scenario=x",
            "benchmark.gpus=8",
        ])
    };
    let effective = fold_with(stdin, sources).unwrap();
    let layer = |pointer| effective.layer_of(pointer).unwrap();
    assert_eq!(layer("/benchmark/target/baseUrl"), "built-in defaults");
    assert_eq!(layer("/benchmark/target/modelName"), "<stdin>");
    assert_eq!(layer("/benchmark/target/headers/a.b"), "--set argument 1");
    assert_eq!(layer("/benchmark/gpus"), "--set argument 2");
    assert_eq!(layer("/benchmark/scenario"), "--scenario");
    assert_eq!(
        layer("/benchmark/scenarios/baseline/load/stages/0/rate"),
        "preset `baseline`"
    );

    let place = effective.locate("/benchmark/target/headers/a.b").unwrap();
    assert_eq!(place.source.slice(place.value_span), "1");
    assert_eq!(place.source.slice(place.key_span.unwrap()), "a\\.b");
    let place = effective.locate("/benchmark/target").unwrap();
    assert_eq!(
        place.source.location(place.key_span.unwrap()).to_string(),
        "<stdin>:2:3"
    );
    let (pointer, place) = effective
        .locate_nearest("/benchmark/target/modelName/x/y")
        .unwrap();
    assert_eq!(
        (pointer.as_str(), &*place.layer),
        ("/benchmark/target/modelName", "<stdin>")
    );
    assert!(effective.locate_nearest("/nothing").is_none());
    assert_eq!(effective.leaves().len(), 8);
}

#[test]
fn defaults_come_first_and_additions_after() {
    let effective = fold_with(
        "zeta: 1\nbenchmark: {alpha: 2, scenario: x}\n",
        Sources::default(),
    )
    .unwrap();
    assert_eq!(
        effective.json().to_string(),
        json!({
            "benchmark": {
                "scenario": "x",
                "target": {"baseUrl": "http://x", "headers": {}},
                "image": {"tag": ""},
                "scenarios": {"baseline": {"load": {"stages": [{"rate": 1, "duration": 300}]}}},
                "alpha": 2,
            },
            "zeta": 1,
        })
        .to_string()
    );
    assert_eq!(
        effective.user_supplied(),
        json!({"zeta": 1, "benchmark": {"alpha": 2, "scenario": "x"}})
    );
}

#[test]
fn an_index_edits_the_list_of_the_preset() {
    let path = "benchmark.scenarios.baseline.load.stages";
    for kind in ["set", "set-json", "set-literal"] {
        let mut sources = Sources::default();
        let argument = format!("{path}[0].duration=600");
        match kind {
            "set" => sources.set.push(argument),
            "set-json" => sources.set_json.push(argument),
            _ => sources.set_literal.push(argument),
        }
        let effective = fold_with("", sources).unwrap();
        let stage = effective
            .json()
            .pointer("/benchmark/scenarios/baseline/load/stages/0")
            .cloned()
            .unwrap();
        assert_eq!(stage["rate"], 1, "{kind}");
        assert_eq!(
            effective.layer_of("/benchmark/scenarios/baseline/load/stages/0/rate"),
            Some("preset `baseline`")
        );
    }
    // The user's own list is the user's.
    let stdin = "benchmark: {scenarios: {baseline: {load: {stages: [{rate: 7}]}}}}";
    let effective = fold_with(stdin, set(&[&format!("{path}[0].duration=600")])).unwrap();
    let stages = effective
        .json()
        .pointer("/benchmark/scenarios/baseline/load/stages")
        .cloned();
    assert_eq!(stages, Some(json!([{"rate": 7, "duration": 600}])));
    // A list deleted on the way is absent, and so are sections that are empty.
    let effective = fold_with("benchmark:\n", set(&[&format!("{path}[1].rate=2")])).unwrap();
    let stages = effective
        .json()
        .pointer("/benchmark/scenarios/baseline/load/stages")
        .cloned();
    assert_eq!(
        stages,
        Some(json!([{"rate": 1, "duration": 300}, {"rate": 2}]))
    );
    assert_eq!(effective.deleted(), []);
}

#[test]
fn a_null_that_deletes_stays_visible() {
    let effective = fold_with(
        "benchmark:\n  target:\n  image: {pull: ~, tag: null}\n",
        Sources::default(),
    )
    .unwrap();
    let deleted: Vec<(&str, String)> = effective
        .deleted()
        .iter()
        .map(|deleted| {
            (
                deleted.pointer.as_str(),
                deleted
                    .location
                    .source
                    .location(deleted.location.value_span)
                    .to_string(),
            )
        })
        .collect();
    assert_eq!(
        deleted,
        [
            ("/benchmark/target", "<stdin>:2:3".to_owned()),
            ("/benchmark/image/tag", "<stdin>:3:25".to_owned())
        ]
    );
    assert_eq!(effective.deleted()[0].default["baseUrl"], "http://x");
    let whole = fold_with("benchmark:\n", Sources::default()).unwrap();
    assert_eq!(whole.json(), json!({}));
    assert_eq!(whole.deleted()[0].pointer, "/benchmark");
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
fn numbers_keep_their_kind() {
    let stdin = "a: 15.0\nb: 1e3\nc: 9007199254740993\nd: 0.5\ne: 18446744073709551615\nf: 1e300\n";
    let json = fold_with(stdin, set(&["g=12345678901", "h=0.5"]))
        .unwrap()
        .json();
    assert_eq!(json["a"].to_string(), "15");
    assert_eq!(json["b"].to_string(), "1000");
    assert_eq!(json["c"].to_string(), "9007199254740993");
    assert_eq!(json["d"].to_string(), "0.5");
    assert_eq!(json["e"].to_string(), "18446744073709551615");
    assert!(json["f"].is_f64());
    assert_eq!(json["g"].to_string(), "12345678901");
    assert_eq!(json["h"], "0.5");
}

#[test]
fn standard_input_is_read_once() {
    let sources = Sources {
        set_file: vec!["text=-".to_owned()],
        ..Sources::default()
    };
    assert_eq!(codes_of(fold_with("a: 1", sources.clone())), ["B118"]);
    let loaded = load_with(&sources, &mut || Ok(b"line\n".to_vec()));
    assert_eq!(fold(&[], loaded).unwrap().json(), json!({"text": "line\n"}));
    let loaded = load_with(
        &Sources {
            values: vec!["-".to_owned()],
            ..Sources::default()
        },
        &mut || Err("a terminal".to_owned()),
    );
    assert_eq!(codes_of(fold(&[], loaded)), ["B003"]);
}

#[test]
fn files_merge_in_order_and_bad_ones_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    fs::write(path("a.yaml"), "x: 1\nm: {z: 1}\n---\nx: 2\n").unwrap();
    fs::write(path("b.yaml"), "\u{feff}m: {w: 2}\r\n").unwrap();
    fs::write(path("with,comma.yaml"), "c: 1\n").unwrap();
    fs::write(path("custom-production.yaml"), "").unwrap();
    fs::write(path("utf16.yaml"), b"\xff\xfea\0:\0").unwrap();
    fs::write(path("key.pem"), "PEM\n").unwrap();
    let read = |values: &[String], set_file: &[String]| {
        let sources = Sources {
            values: values.to_vec(),
            set_file: set_file.to_vec(),
            ..Sources::default()
        };
        fold(&[], load(&sources))
    };
    let both = format!("{},{}", path("a.yaml"), path("b.yaml"));
    let merged = read(
        &[both, path("with,comma.yaml")],
        &[format!("k={}", path("key.pem"))],
    )
    .unwrap();
    assert_eq!(
        merged.json(),
        json!({"x": 2, "m": {"z": 1, "w": 2}, "c": 1, "k": "PEM\n"})
    );

    let help = |name: &str| {
        let problem = read(&[path(name)], &[]).unwrap_err().remove(0);
        (
            problem.code,
            problem.message.replace(&path(""), ""),
            problem.help.join(";").replace(&path(""), ""),
        )
    };
    let expect = |code, message: &str, help: &str| (code, message.to_owned(), help.to_owned());
    let missing = "cannot read values file `custom-prod.yaml`: not found";
    assert_eq!(
        help("custom-prod.yaml"),
        expect("B002", missing, "did you mean `custom-production.yaml`?")
    );
    let missing = "cannot read values file `aa.yaml`: not found";
    assert_eq!(
        help("aa.yaml"),
        expect("B002", missing, "did you mean `a.yaml`?")
    );
    assert_eq!(help("utf16.yaml").0, "B005");
    assert!(help("").1.contains("directory"));
    assert!(help("").2.contains("a.yaml, b.yaml"));
    assert!(
        read(&["http://h/v.yaml".to_owned()], &[]).unwrap_err()[0].help[0]
            .contains("curl -fsSL http://h/v.yaml |")
    );
}

#[test]
fn full_width_colons_are_seen() {
    let text = drawn(fold_with("benchmark：1", Sources::default()));
    assert!(text.contains("full-width"), "{text}");
}
