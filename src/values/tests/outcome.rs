//! What comes out of the fold: values in order, each with its layer and place.

use serde_json::json;

use super::*;

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
