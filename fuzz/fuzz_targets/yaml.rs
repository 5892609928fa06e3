//! Any text as YAML, as 1.2 and as 1.1: a tree whose places are right, or problems that can be drawn.
#![no_main]

use bench_yaml::{Diagnostic, Node, ParseOptions, Source, Value, parse};
use benchctl_fuzz::must_be_the_users;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let source = Source::new("fuzz.yaml", text);
    let strict = parse(&source, &ParseOptions::default());
    let lenient = parse(&source, &ParseOptions::lenient());
    for parsed in [&strict, &lenient] {
        must_be_the_users(&parsed.problems);
        for problem in &parsed.problems {
            let _ = problem.location();
        }
        for document in &parsed.documents {
            let _ = document.to_json();
            walk(document, &source);
        }
    }
    // `12:30`, a number to YAML 1.1 alone, and to Helm and kubectl no more than to 1.2, is let through.
    let is_sexagesimal = |text: &str| {
        text.contains(':') && text.bytes().all(|byte| b"0123456789:_.+-".contains(&byte))
    };
    let told = |problem: &Diagnostic| !is_sexagesimal(source.slice(problem.span));
    if strict.problems.is_empty() && lenient.problems.iter().all(told) {
        assert!(
            lenient.problems.is_empty(),
            "fine for 1.2 and not for 1.1: {:?}",
            lenient.problems
        );
        let json = |documents: &[Node]| documents.iter().map(Node::to_json).collect::<Vec<_>>();
        assert_eq!(
            json(&strict.documents),
            json(&lenient.documents),
            "1.1 and 1.2 differ, and nobody said so"
        );
    }
});

fn walk(node: &Node, source: &Source) {
    let _ = source.slice(node.span);
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                let _ = source.slice(entry.key_span);
                walk(&entry.value, source);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| walk(item, source)),
        _ => {}
    }
}
