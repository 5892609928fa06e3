//! What holds for every argument, however odd.

use bench_yaml::{Color, Source, render};
use proptest::prelude::*;

use super::load::load_with;
use super::set::{Kind, Line, parse};
use super::tests::{fold, fold_with, set};
use super::*;

fn argument() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("=".to_owned()),
        Just(".".to_owned()),
        Just(",".to_owned()),
        Just("[0]".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("\\".to_owned()),
        Just("a".to_owned()),
        Just("benchmark".to_owned()),
        Just("scenario".to_owned()),
        Just("\"é한\"".to_owned()),
        Just("-7".to_owned()),
        Just("null".to_owned()),
        ".{0,2}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A key without characters of the grammar, and a value likewise.
fn plain_pairs() -> impl Strategy<Value = Vec<(Vec<String>, String)>> {
    let path = prop::collection::vec("[a-z]{1,3}", 1..4);
    prop::collection::vec((path, "[a-zA-Z ]{0,6}x"), 1..5)
}

proptest! {
    #[test]
    fn any_argument_is_read_or_refused_with_a_place(text in argument()) {
        for kind in [Kind::Json, Kind::Set, Kind::String, Kind::File, Kind::Literal] {
            let source = Source::argument("argument", &text);
            let mut problems = Vec::new();
            let line = parse(kind, &source, &mut problems);
            for problem in &problems {
                prop_assert!(problem.source.is_some());
                let helps = !problem.help.is_empty() || !problem.label.is_empty();
                prop_assert!(helps, "no remedy: {:?}", problem);
            }
            render(&problems, Color::Never);
            if let Line::Pairs(pairs) = line {
                for step in pairs.iter().flat_map(|pair| &pair.path) {
                    prop_assert!(text.get(step.span.range()).is_some());
                }
            }
        }
    }

    #[test]
    fn folding_places_every_leaf_in_its_text(arguments in prop::collection::vec(argument(), 1..4)) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let sources = Sources { set_string: set(&arguments).set, ..set(&arguments) };
        let again = sources.clone();
        let result = fold_with("", sources);
        if let Ok(effective) = &result {
            for (pointer, layer) in effective.leaves() {
                let place = effective.locate(&pointer).unwrap();
                prop_assert_eq!(&place.layer, &layer);
                prop_assert!(place.source.text.get(place.value_span.range()).is_some());
                prop_assert!(effective.json().pointer(&pointer).is_some());
            }
            prop_assert_eq!(effective.json(), fold_with("", again).unwrap().json());
        }
    }

    #[test]
    fn plain_pairs_mean_what_they_say(pairs in plain_pairs()) {
        let line: Vec<String> = pairs.iter().map(|(path, value)| format!("{}={value}", path.join("."))).collect();
        let sources = Sources { set_string: vec![line.join(",")], ..Sources::default() };
        let Ok(effective) = fold(&[], load_with(&sources, &mut || Ok(Vec::new()))) else { return Ok(()) };
        let (path, value) = pairs.last().unwrap();
        let pointer = format!("/{}", path.join("/"));
        let json = effective.json();
        prop_assert_eq!(json.pointer(&pointer).and_then(|value| value.as_str()), Some(value.as_str()));
    }
}
