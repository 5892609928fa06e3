//! Behaviour of the whole crate on texts.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Parsed {
    parse(&Source::new("values.yaml", text), &ParseOptions::default())
}

fn json(text: &str) -> serde_json::Value {
    let parsed = read(text);
    assert_eq!(parsed.problems, [], "{text}");
    to_json(&parsed.documents[0])
}

fn codes_of(text: &str) -> Vec<&'static str> {
    read(text)
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect()
}

#[test]
fn types_scalars_by_the_core_schema() {
    let value = json(
        "a: 15\nb: 0.20\nc: 'yes'\nd: ~\ne:\nf: true\ng: 2024-01-01\nh: 12:30\ni: 18446744073709551615\n\
         j: !!str 1\nk: 0x1F\nl: 1e3\nm: |\n  x\n  y\np: \"\\u00e9\"\n",
    );
    let expected = serde_json::json!({
        "a": 15, "b": 0.2, "c": "yes", "d": null, "e": null, "f": true, "g": "2024-01-01", "h": "12:30",
        "i": u64::MAX, "j": "1", "k": 31, "l": 1000.0, "m": "x\ny\n", "p": "é",
    });
    assert_eq!(value, expected);
    assert!(value["a"].is_i64());
}

#[test]
fn reads_ambiguous_scalars_as_yaml_1_1_when_asked() {
    let source = Source::new("c", "a: yes\nb: 0644\nc: 1_000\non: 12:30\n");
    let parsed = parse(&source, &ParseOptions::lenient());
    assert_eq!(
        to_json(&parsed.documents[0]),
        serde_json::json!({"a": true, "b": 420, "c": 1000, "on": 750})
    );
    assert!(!parsed.has_errors());
    assert_eq!(parsed.problems.len(), 5);
}

#[test]
fn stringifies_keys() {
    assert_eq!(
        json("1: a\ntrue: b\n1.50: c\n'x': d\n"),
        serde_json::json!({"1": "a", "true": "b", "1.5": "c", "x": "d"})
    );
}

#[test]
fn counts_documents() {
    assert_eq!(read("").documents.len(), 0);
    assert_eq!(read("# only a comment\n").documents.len(), 0);
    assert_eq!(read("---\n").documents.len(), 1);
    assert_eq!(read("a: 1\n---\nb: 2\n...\n").documents.len(), 2);
}

#[test]
fn goes_on_after_a_broken_document() {
    let parsed = read("a: 1\n---\nb: [\n---\nc: yes\nc: 2\n");
    assert_eq!(parsed.documents.len(), 2);
    assert_eq!(
        codes_of("a: 1\n---\nb: [\n---\nc: yes\nc: 2\n"),
        ["B001", "B106", "B105"]
    );
}

#[test]
fn accepts_windows_files() {
    assert_eq!(
        json("\u{feff}a: 1\r\nb: \"x\"\r\n"),
        serde_json::json!({"a": 1, "b": "x"})
    );
}

#[test]
fn expands_aliases_and_merges() {
    let value =
        json("base: &b {x: 1, z: 2}\none:\n  z: 3\n  <<: *b\ntwo: {<<: [*b, {w: 4}], q: *b}\n");
    assert_eq!(value["one"], serde_json::json!({"z": 3, "x": 1}));
    assert_eq!(
        value["two"],
        serde_json::json!({"x": 1, "z": 2, "w": 4, "q": {"x": 1, "z": 2}})
    );
}

#[test]
fn anchors_on_keys_are_anchors() {
    assert_eq!(
        json("&k name: 1\nother: *k\nmap: {*k : 2}\n").get("other"),
        Some(&"name".into())
    );
}

#[test]
fn keeps_only_so_many_problems() {
    let mut problems = read(&format!("- {}", "yes\n- ".repeat(5_000))).problems;
    assert_eq!(problems.len(), 100);
    let last = problems.pop().unwrap();
    assert_eq!(
        last.notes,
        ["4900 more problems in this text are not shown"]
    );
}

#[test]
fn texts_of_problems_hold_no_secrets() {
    let problem =
        Diagnostic::error("B001", "found hf_0123456789abcdef").note("sk-0123456789abcdef");
    assert_eq!(problem.message, "found hf_********");
    assert_eq!(problem.notes, ["sk-********"]);
}

#[test]
fn bounds_what_aliases_expand_to() {
    let mut text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..12 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
    }
    assert_eq!(codes_of(&text), ["B006"]);
    let mut deep = "a0: &a0 [1]\n".to_owned();
    for level in 1..120 {
        deep.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert_eq!(codes_of(&deep), ["B006"]);
    assert_eq!(codes_of(&"[".repeat(500)), ["B006"]);
}

#[test]
fn spans_cover_what_was_written() {
    let source = Source::new(
        "v",
        "top:\n  name: \"x y\"   # c\n  list:\n  - a: 1\n  - b\n\n# end\nempty:\nalias: &x {k: v}\nother: *x\n",
    );
    let parsed = parse(&source, &ParseOptions::default());
    let at = |pointer: &str| {
        parsed.documents[0]
            .locate(pointer)
            .map(|place| source.slice(place.value))
            .unwrap()
    };
    assert_eq!(at("/top/name"), "\"x y\"");
    assert_eq!(at("/top/list"), "- a: 1\n  - b");
    assert_eq!(at("/top/list/0/a"), "1");
    assert_eq!(at("/top/list/1"), "b");
    assert_eq!(at("/empty"), "empty");
    assert_eq!(at("/other"), "*x");
    assert_eq!(at("/other/k"), "v");
    let key = parsed.documents[0]
        .locate("/top/list")
        .and_then(|place| place.key)
        .unwrap();
    assert_eq!(source.slice(key), "list");
    assert!(
        parsed.documents[0]
            .locate("/top/list/0")
            .unwrap()
            .key
            .is_none()
    );
}

#[test]
fn paths_reach_nodes() {
    let parsed = read("a:\n  b.c: [1, {d: 2}]\n");
    let root = &parsed.documents[0];
    assert_eq!(
        root.get_path("a.b\\.c[1].d").map(Node::to_json),
        Some(2.into())
    );
    assert_eq!(root.get_path("a.x"), None);
    assert_eq!(root.get_path("a[0]"), None);
    assert_eq!(root.pointer("/a/b.c/0").map(Node::to_json), Some(1.into()));
}

#[test]
fn draws_several_places_and_files() {
    let file = Source::new("values.yaml", "a: 1\nb: x\n");
    let argument = Source::argument("--set argument 1", "b.c=2");
    let problem = Diagnostic::error("B112", "cannot set `b.c`: `b` is a string")
        .at(&argument, Span::new(0, 3))
        .label("needs a mapping")
        .secondary(&file, Span::new(8, 9), "set here")
        .note("a fact")
        .help("a remedy");
    let first = Diagnostic::warning("B300", "something general");
    assert_eq!(
        render(&[problem, first], Color::Never),
        "warning[B300]: something general\n\
         \n\
         error[B112]: cannot set `b.c`: `b` is a string\n \
         --> --set argument 1\n  \
         |\n  \
         | b.c=2\n  \
         | ^^^ needs a mapping\n  \
         |\n \
         ::: values.yaml:2:4\n  \
         |\n\
         2 | b: x\n  \
         |    - set here\n  \
         |\n  \
         = note: a fact\n  \
         = help: a remedy\n"
    );
}

#[test]
fn output_steers_no_terminal() {
    let source = Source::new(
        "a\u{1b}[2J.yaml",
        "k: \"\u{9b}2J\"\nk: hf_0123456789abcdef\n",
    );
    let parsed = parse(&source, &ParseOptions::default());
    let problem =
        Diagnostic::error("B001", "x \u{1b}[31m hf_0123456789abcdef").at(&source, Span::new(0, 1));
    let drawn = render(&[parsed.problems, vec![problem]].concat(), Color::Never);
    assert!(!drawn.contains(['\u{1b}', '\u{9b}']), "{drawn}");
    assert!(!drawn.contains("0123456789"), "{drawn}");
}

#[test]
fn colour_changes_nothing_but_colour() {
    let problems = read("a: yes\nb: {c: 1, c: 2}\n").problems;
    let colored = render(&problems, Color::Always);
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let trimmed: Vec<&str> = plain.lines().map(str::trim_end).collect();
    let expected = render(&problems, Color::Never);
    assert_eq!(trimmed, expected.lines().collect::<Vec<_>>());
}

/// Text that is nearly YAML, so that the parser gets far.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a: ".to_owned()),
        Just("b:\n  ".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("- ".to_owned()),
        Just("\n---\n".to_owned()),
        Just("\t".to_owned()),
        Just("  ".to_owned()),
        Just("<<: *x\n".to_owned()),
        Just("&x ".to_owned()),
        Just("*x".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(", ".to_owned()),
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("|\n ".to_owned()),
        Just("? ".to_owned()),
        Just("!!int ".to_owned()),
        Just("%".to_owned()),
        Just("# ".to_owned()),
        Just("한\u{3000}\u{a0}".to_owned()),
        Just(" hf_0123456789abcdef".to_owned()),
        "[0-9_.:xobe+-]{1,5}",
        "yes|no|on|y|null|~|true|\\.inf",
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn check_spans(node: &Node, text: &str) {
    assert!(
        text.get(node.span.range()).is_some(),
        "{:?} in {text:?}",
        node.span
    );
    for item in node.items().into_iter().flatten() {
        check_spans(item, text);
    }
    for entry in node.entries().into_iter().flatten() {
        assert!(text.get(entry.key_span.range()).is_some());
        check_spans(&entry.value, text);
    }
}

fn check(text: &str, options: &ParseOptions) {
    let source = Source::new("t", text);
    let parsed = parse(&source, options);
    assert_eq!(parsed, parse(&source, options));
    for document in &parsed.documents {
        check_spans(document, &source.text);
    }
    for problem in &parsed.problems {
        assert!(
            source.text.get(problem.span.range()).is_some(),
            "{problem:?}"
        );
        assert!(problem.location().is_some());
        let helps = !problem.help.is_empty() || !problem.label.is_empty();
        assert!(helps, "no remedy: {problem:?} in {text:?}");
    }
    let drawn = render(&parsed.problems, Color::Never);
    assert_eq!(drawn.is_empty(), parsed.problems.is_empty());
    assert!(!drawn.contains("0123456789abcdef") || parsed.problems.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn never_panics_on_nearly_yaml(text in yamlish()) {
        check(&text, &ParseOptions::default());
        check(&text, &ParseOptions::lenient());
        check(&text, &ParseOptions { max_nodes: 5, max_depth: 2, ..ParseOptions::default() });
    }

    #[test]
    fn never_panics_on_anything(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes), &ParseOptions::default());
    }

    #[test]
    fn reads_json_as_json(value in json_value()) {
        let text = serde_json::to_string(&value).unwrap();
        let parsed = read(&text);
        prop_assert_eq!(&parsed.problems, &[]);
        prop_assert_eq!(to_json(&parsed.documents[0]), value);
    }

    #[test]
    fn drawing_never_panics(text in yamlish(), spans in prop::collection::vec((0usize..80, 0usize..80), 1..5), color in any::<bool>()) {
        let source = Source::new("t", &text);
        let mut problem = Diagnostic::error("B001", text.clone()).at(&source, Span::new(spans[0].0, spans[0].1)).label(text.clone());
        for (start, end) in spans {
            problem = problem.secondary(&source, Span::new(start, end), "here");
        }
        render(&[problem], if color { Color::Always } else { Color::Never });
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e6f64..1e6).prop_map(|value| (value + 0.5).into()),
        "[a-zA-Z0-9 :#_.가-힣\"\\\\]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::Array),
            prop::collection::hash_map("[a-z0-9.]{1,6}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
