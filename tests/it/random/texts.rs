//! Texts that a careless reader, writer or template breaks.

use proptest::prelude::*;
use serde_json::Value;

/// Each is a string to a user who quotes it, and something else to somebody on the way.
const ODD: [&str; 63] = [
    "",
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "N",
    "true",
    "null",
    "~",
    "Null",
    "0644",
    "0o17",
    "0x1F",
    "0b11",
    "1_000",
    "12:30",
    "12:30:45.5",
    "2026-11-24",
    "2026-11-24 10:00:00Z",
    "1e3",
    "1.0e+3",
    "10.0.0.1",
    ".5",
    "5.",
    "-1",
    "+1",
    "-.inf",
    ".NaN",
    "=",
    "<<",
    "- a",
    "a: b",
    "a:",
    ": a",
    "? a",
    "# no comment",
    "a # b",
    "'quoted\" \\",
    "[a",
    "{a: 1}",
    "{{ name }}",
    "{% raw %}",
    "$(HOME)",
    "${HOME}",
    "a\nb\n",
    "a\r\nb",
    "\n",
    " a",
    "a ",
    "\ta",
    "---",
    "...",
    "--- a\n---\n",
    "%TAG",
    "!!int 1",
    "&a",
    "*a",
    "| a",
    "\u{feff}\u{2028}\u{85}\u{7f}\u{1}",
    "日本語 \u{1f680}",
    "\u{3000}a\u{a0}",
    "`@",
];

/// Any text.
pub(super) fn text() -> BoxedStrategy<String> {
    prop_oneof![
        6 => proptest::sample::select(&ODD[..]).prop_map(str::to_owned),
        2 => r"[-+0-9:._eExXoOyYnN~]{1,8}",
        1 => r"[a-z \n\t]{0,40}",
        1 => any::<String>(),
        1 => r"[a-z]{1,30}( [a-z:#]{1,12}){20,60}",
    ]
    .boxed()
}

/// Any text that says something.
pub(super) fn some_text() -> BoxedStrategy<String> {
    text()
        .prop_map(|text| {
            if text.is_empty() {
                "null".to_owned()
            } else {
                text
            }
        })
        .boxed()
}

/// A value of a label, among them those that YAML 1.1 takes for something else.
pub(super) fn label() -> BoxedStrategy<String> {
    let odd = [
        "",
        "yes",
        "NO",
        "on",
        "y",
        "null",
        "0644",
        "0x1F",
        "0b11",
        "1_000",
        "1e3",
        "1.5",
        "2026-11-24",
        "10.0.0.1",
    ];
    prop_oneof![
        proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
    ]
    .boxed()
}

/// A key of a label or an annotation.
pub(super) fn label_key() -> BoxedStrategy<String> {
    let odd = [
        "on",
        "y",
        "No",
        "null",
        "1",
        "0644",
        "1_000",
        "1e3",
        "2026-11-24",
        "true",
        "example.com/a",
        "x.y/0x1F",
    ];
    prop_oneof![
        3 => proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => r"([a-z]{1,8}\.[a-z]{1,8}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
    ]
    .boxed()
}

/// A name of an object that may stand in one of DNS.
pub(super) fn name() -> BoxedStrategy<String> {
    prop_oneof![
        3 => proptest::sample::select(vec!["a", "on", "no", "0644", "1e3", "null", "12", "0x1f"]).prop_map(str::to_owned),
        1 => r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?",
    ]
    .boxed()
}

/// Something of any type, where something else may be asked for.
pub(super) fn anything() -> BoxedStrategy<Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::sample::select(vec![0.5, -0.0, 1e-9, 1e300, 4_294_967_296.0])
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    prop_oneof![
        4 => scalar.clone(),
        1 => prop::collection::vec(scalar.clone(), 0..3).prop_map(Value::from),
        1 => prop::collection::hash_map(text(), scalar, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
    ]
    .boxed()
}
