//! kubectl reads YAML 1.1, editors read 1.2: what is printed means the same to both.

use bench_yaml::{ParseOptions, Source, parse};
use benchctl::render::to_yaml;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::process::{config_of, documents, of_kind, stdout};
use crate::yaml11::{self, Node, Scalar};

/// Texts that YAML 1.1, YAML 1.2 or a careless writer take for something else.
const TRICKY: [&str; 22] = [
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "n",
    "true",
    "null",
    "~",
    "0644",
    "0x1F",
    "1_000",
    "12:30",
    "2026-11-24",
    "1e3",
    ".inf",
    "=",
    "<<",
    "- a",
    "a: b",
    "# no comment",
    "'quoted\" \\ text\u{2028}\u{85}\u{7f}",
];

/// What the readers of YAML 1.1 find, Helm's and kubectl's as ours has them and the one of the specification.
fn read_as_11(text: &str) -> Vec<Value> {
    let parsed = parse(&Source::new("test", text), &ParseOptions::lenient());
    assert_eq!(parsed.problems, [], "{text}");
    let found: Vec<Value> = parsed
        .documents
        .iter()
        .map(bench_yaml::Node::to_json)
        .collect();
    let old = yaml11::read(text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    assert_eq!(old.len(), found.len(), "{text}");
    for (old, found) in old.iter().zip(&found) {
        yaml11::same(old, found).unwrap_or_else(|why| panic!("{why}\n{text}"));
    }
    found
}

fn anything() -> impl Strategy<Value = Value> {
    let text = || {
        prop_oneof![
            proptest::sample::select(&TRICKY[..]).prop_map(str::to_owned),
            r"[-+0-9:._eExXoOaAnNyYfFsS~]{1,8}",
            r"[0-9]{1,4}[-:._][0-9]{1,2}([-:.][0-9]{0,2}([ tT][0-9]{1,2}:[0-9]{2}:[0-9]{2}Z?)?)?",
            any::<String>(),
            r#"[ -?]{0,2}[\u{a0}\u{3000}][a:?" \\\u{3000}-]{0,4}"#,
            r"[\u{a0}\u{3000}a][a:-]{1023,1026}",
        ]
    };
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_alike(value in anything()) {
        let text = to_yaml(&value).unwrap();
        prop_assert_eq!(documents(&text), std::slice::from_ref(&value));
        prop_assert_eq!(&read_as_11(&text), &[value]);
    }
}

/// Whether only the letter of YAML 1.1 takes a text for something else than YAML 1.2 does, and the readers of Helm and kubectl
/// do as YAML 1.2: dates, `=` and `<<` as values, numbers in base 60, `1e3` without its point and sign, and `.` or `1.2.3`,
/// which nobody can read.
fn is_of_the_letter(text: &str, old: &Scalar, new: &Value) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let is_number = mantissa.contains(|c: char| c.is_ascii_digit());
    match (old, new) {
        (Scalar::Timestamp | Scalar::Default | Scalar::Merge, Value::String(_)) => true,
        (Scalar::Int(_), Value::String(_)) => text.contains(':'),
        (Scalar::Float(_), Value::String(_)) => {
            text.contains(':') || mantissa.matches('.').count() > 1 || !is_number
        }
        (Scalar::Text(_), Value::Number(_)) => text.contains(['e', 'E']),
        _ => false,
    }
}

proptest! {
    /// What is let through from a user's file is what every reader would have taken it for.
    #[test]
    fn what_is_accepted_has_one_meaning(
        text in prop_oneof![
            proptest::sample::select(&TRICKY[..18]).prop_map(str::to_owned),
            r"[-+]?(0[xXoObB]?)?[0-9a-fA-F_]{1,6}",
            r"[-+]?[0-9_]{0,3}\.[0-9_.]{0,3}([eE][-+]?[0-9]{0,2})?",
            r"[-+]?[0-9]{1,3}(:[0-9]{1,2}){1,3}(\.[0-9]{0,2})?",
            r"[yYnNoOtTfFuU~.=<][a-zA-Z.<]{0,4}",
        ]
    ) {
        let parsed = parse(&Source::new("test", format!("a: {text}\n")), &ParseOptions::default());
        if !parsed.problems.is_empty() {
            return Ok(());
        }
        let new = &parsed.documents[0].to_json()["a"];
        let old = yaml11::resolve(&text);
        let is_same = yaml11::same(&Node::Scalar(old.clone()), new).is_ok();
        prop_assert!(is_same || is_of_the_letter(&text, &old, new), "{text}: {old:?} and {new}");
    }
}

#[test]
fn tricky_texts_arrive_as_they_were_given() {
    for text in TRICKY {
        // JSON allows this character bare, and YAML does not.
        let json = |value: Value| value.to_string().replace('\u{7f}', "\\u007f");
        let set = |key: &str| format!("{key}={}", json(json!(text)));
        let name = format!(
            "benchmark.podAnnotations={}",
            json(json!({"example.com/a": text}))
        );
        let env = format!(
            "benchmark.env={}",
            json(json!([{"name": "A", "value": text}]))
        );
        let printed = stdout(&[
            "render",
            "--set-json",
            &set("benchmark.target.modelName"),
            "--set-json",
            &set("benchmark.scenarios.baseline.description"),
            "--set-json",
            &name,
            "--set-json",
            &env,
        ]);
        let found = documents(&printed);
        assert_eq!(found, read_as_11(&printed), "{text:?}");
        let config = config_of(&found);
        assert_eq!(config["server"]["model_name"], text);
        assert_eq!(
            config,
            read_as_11(
                of_kind(&found, "ConfigMap")["data"]["config.yml"]
                    .as_str()
                    .unwrap()
            )[0]
        );
        let job = of_kind(&found, "Job");
        assert_eq!(
            job["metadata"]["annotations"]["benchmark.description"],
            text
        );
        assert_eq!(
            job["spec"]["template"]["metadata"]["annotations"]["example.com/a"],
            text
        );
        let env = job["spec"]["template"]["spec"]["containers"][0]["env"]
            .as_array()
            .unwrap();
        assert!(
            env.contains(&json!({"name": "A", "value": text})),
            "{text:?}"
        );
    }
}

#[test]
fn labels_and_keys_that_look_like_booleans() {
    let printed = stdout(&[
        "render",
        "--set-json",
        r#"benchmark.podLabels={"on": "yes", "y": "0644", "n": "1e3"}"#,
    ]);
    let read = read_as_11(&printed);
    let labels = &of_kind(&read, "Job")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(
        (&labels["on"], &labels["y"], &labels["n"]),
        (&json!("yes"), &json!("0644"), &json!("1e3"))
    );
}

#[test]
fn integers_stay_integers() {
    let printed = stdout(&[
        "render",
        "--set",
        "benchmark.scenarios.baseline.load.stages[0].rate=20000",
    ]);
    assert!(printed.contains("rate: 20000\n"), "{printed}");
    let fraction = stdout(&[
        "config",
        "--set-json",
        "benchmark.scenarios.baseline.load.stages=[{\"rate\":0.5,\"duration\":60.0}]",
    ]);
    assert!(
        fraction.contains("rate: 0.5\n") && fraction.contains("duration: 60\n"),
        "{fraction}"
    );
}
