//! Executed behaviour of Helm (`tests/conformance`), case by case, with the deliberate differences in one table.

use bench_yaml::{Ambiguous, ParseOptions, Source};
use serde::Deserialize;
use serde_json::Value;

use super::layer::{Layer, read_mapping};
use super::load::{Change, Sources, load_with};
use super::tests::fold;
use super::{Effective, Loaded};

const CASES: &str = include_str!("../../tests/conformance/values-cases.jsonl");

/// What we do where we do not do what Helm does.
enum Ours {
    /// An error with this code.
    Error(&'static str),
    /// This value instead.
    Value(&'static str),
}

const AMBIGUOUS: &str = "YAML 1.1 and 1.2 read it differently, so the user is asked to quote it";
const DROPPED: &str = "Helm sets nothing and says nothing";
const DUPLICATE: &str = "Helm takes the last of two keys and says nothing";
const NULL_PARENT: &str =
    "a null parent counts as absent, since it mostly is a section whose lines are commented out";

/// Every deliberate difference, with its reason.
const DIFFERENCES: [(u32, Ours, &str); 21] = [
    (91, Ours::Error("B115"), DROPPED),
    (97, Ours::Error("B115"), DROPPED),
    (132, Ours::Error("B115"), DROPPED),
    (133, Ours::Error("B115"), DROPPED),
    (151, Ours::Error("B115"), DROPPED),
    (
        210,
        Ours::Error("B115"),
        "an index without a value makes an empty list, which nobody can have meant",
    ),
    (164, Ours::Value(r#"{"a": [2]}"#), NULL_PARENT),
    (
        190,
        Ours::Value(r#"{"a": 9007199254740993}"#),
        "integers stay integers; Helm goes through a 64-bit float",
    ),
    (228, Ours::Error("B105"), DUPLICATE),
    (309, Ours::Error("B105"), DUPLICATE),
    (325, Ours::Error("B105"), DUPLICATE),
    (229, Ours::Error("B106"), AMBIGUOUS),
    (262, Ours::Error("B106"), AMBIGUOUS),
    (264, Ours::Error("B106"), AMBIGUOUS),
    (274, Ours::Error("B106"), AMBIGUOUS),
    (275, Ours::Error("B106"), AMBIGUOUS),
    (310, Ours::Error("B106"), AMBIGUOUS),
    (312, Ours::Error("B106"), AMBIGUOUS),
    (
        272,
        Ours::Error("B106"),
        "YAML 1.1 proper and PyYAML, inference-perf's reader, have a string there",
    ),
    (
        298,
        Ours::Error("B106"),
        "a leading zero means octal to YAML 1.1, and this is none: PyYAML has a string there",
    ),
    (
        320,
        Ours::Value(
            r#"{"benchmark": {"scenarios": {"baseline": {"load": {"stages": [{"rate": 5, "duration": 300}]}}}}}"#,
        ),
        "a list index edits the list of the preset, whose other fields Helm would lose",
    ),
];

#[derive(Deserialize)]
struct Case {
    id: u32,
    mode: String,
    inputs: Vec<String>,
    base_yaml: Option<String>,
    chart_defaults_yaml: Option<String>,
    expect: Value,
    error: Option<String>,
}

/// The value, or the code of the first error.
type Outcome = Result<Value, &'static str>;

#[test]
fn agrees_with_helm_but_for_the_table() {
    let (mut agreeing, mut different, mut wrong) = (0, 0, Vec::new());
    for line in CASES.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let ours = run(&case);
        let difference = DIFFERENCES.iter().find(|(id, _, _)| *id == case.id);
        let agrees = match (&ours, case.error.is_some()) {
            (Ok(value), false) => expected(&case, value),
            (Err(_), true) => true,
            (Ok(_), true) | (Err(_), false) => false,
        };
        match (agrees, difference) {
            (true, None) => agreeing += 1,
            (true, Some(_)) => {
                wrong.push(format!("case {}: listed as different, but agrees", case.id));
            }
            (false, Some((_, Ours::Error(code), _))) if ours == Err(code) => different += 1,
            (false, Some((_, Ours::Value(json), _)))
                if ours.as_ref().ok() == Some(&serde_json::from_str::<Value>(json).unwrap()) =>
            {
                different += 1;
            }
            (false, _) => wrong.push(format!(
                "case {} {} {:?} on {:?}: Helm {} {:?}, ours {ours:?}",
                case.id, case.mode, case.inputs, case.base_yaml, case.expect, case.error
            )),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!((agreeing, different), (139, DIFFERENCES.len()));
}

fn run(case: &Case) -> Outcome {
    match case.mode.as_str() {
        "yaml" => yaml(&case.inputs[0]),
        _ => merge(case),
    }
}

/// One scalar as the value of a key.
fn yaml(text: &str) -> Outcome {
    let source = Source::new("case", format!("_:\n  {text}\n"));
    let options = ParseOptions {
        ambiguous: Ambiguous::Error,
        ..ParseOptions::default()
    };
    let parsed = bench_yaml::parse(&source, &options);
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.is_error()) {
        return Err(problem.code);
    }
    Ok(parsed.documents[0].to_json()["_"].clone())
}

fn merge(case: &Case) -> Outcome {
    let effective = fold_case(case).map_err(|problems| {
        problems
            .iter()
            .find(|problem| problem.is_error())
            .map_or("none", |problem| problem.code)
    })?;
    // Without defaults Helm's table shows the values of the user.
    Ok(if case.chart_defaults_yaml.is_some() {
        effective.json()
    } else {
        effective.user_supplied()
    })
}

fn fold_case(case: &Case) -> Result<Effective, Vec<bench_yaml::Diagnostic>> {
    let defaults = match &case.chart_defaults_yaml {
        Some(text) => vec![Layer::parse("defaults", &Source::new("defaults", text))?],
        None => Vec::new(),
    };
    let mut loaded = Loaded::default();
    let files = if matches!(case.mode.as_str(), "merge" | "toyaml") {
        case.inputs.as_slice()
    } else {
        &[]
    };
    for text in case.base_yaml.iter().chain(files) {
        let fields = read_mapping("file", &Source::new("file", text), &mut loaded.problems);
        loaded.changes.push(Change::Merge(fields));
    }
    let mut sources = Sources::default();
    let inputs = case.inputs.clone();
    match case.mode.as_str() {
        "set" => sources.set = inputs,
        "set-string" => sources.set_string = inputs,
        "set-json" => sources.set_json = inputs,
        "set-literal" => sources.set_literal = inputs,
        _ => {}
    }
    let flags = load_with(&sources, &mut || Err("none".to_owned()));
    loaded.changes.extend(flags.changes);
    loaded.problems.extend(flags.problems);
    fold(&defaults, loaded)
}

/// Whether a value is what Helm has. Numbers compare as numbers: Helm knows no integers in files.
fn expected(case: &Case, ours: &Value) -> bool {
    match case.mode.as_str() {
        "yaml" => same(&case.expect["_"], ours),
        // Length and last item of a list that is too long to write down.
        _ if case.expect == "LEN65537" => ours["a"]
            .as_array()
            .is_some_and(|items| items.len() == 65_537 && items.last() == Some(&"x".into())),
        _ => same(&case.expect, ours),
    }
}

fn same(helm: &Value, ours: &Value) -> bool {
    match (helm, ours) {
        (Value::Number(helm), Value::Number(ours)) => match (helm.as_i64(), ours.as_i64()) {
            (Some(helm), Some(ours)) => helm == ours,
            _ => helm.as_f64() == ours.as_f64(),
        },
        (Value::Array(helm), Value::Array(ours)) => {
            helm.len() == ours.len() && helm.iter().zip(ours).all(|(helm, ours)| same(helm, ours))
        }
        (Value::Object(helm), Value::Object(ours)) => {
            helm.len() == ours.len()
                && helm
                    .iter()
                    .all(|(key, helm)| ours.get(key).is_some_and(|ours| same(helm, ours)))
        }
        _ => helm == ours,
    }
}
