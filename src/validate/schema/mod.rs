//! Merged values against their schema: every mistake in one pass, each with what was expected.
//!
//! A walker of our own over the keywords that our schema uses: compiling it for a general validator costs more than the
//! whole rest of a start, and that validator's messages would have to be taken apart again.

mod shape;
mod words;

use bench_yaml::{dotted, mask, suggest};
use serde_json::{Map, Value};

use self::shape::{
    branches, example_of, expectation, expected_instead, has_defaults, has_type, inner_key,
    is_null, out_of_range, places_of, type_name,
};
use self::words::{bare_kind, kind, last, place, plain, step, with_examples};
use crate::problem::Problem;

/// The text of a value as its user wrote it, by pointer: `0.20`, where the value is 0.2.
pub type Written<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything in `values` that the schema does not allow, and every section that was emptied.
#[must_use]
pub fn check_values(schema: &Value, values: &Value, written: Written<'_>) -> Vec<Problem> {
    let mut walk = Walk {
        root: schema,
        written,
        problems: Vec::new(),
    };
    walk.check(schema, values, "");
    let meant: Vec<Option<String>> = walk
        .problems
        .iter()
        .filter(|problem| problem.code == "B101")
        .map(|problem| problem.absent.clone())
        .collect();
    // What is there under a misspelt name is not missing.
    walk.problems
        .retain(|problem| problem.code != "B111" || !meant.contains(&problem.absent));
    for problem in &mut walk.problems {
        if problem.label.is_empty() && problem.help.is_empty() {
            let help = "write what is expected there, or remove it";
            problem.help.push(help.to_owned());
        }
    }
    walk.problems
}

struct Walk<'a> {
    root: &'a Value,
    written: Written<'a>,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn check(&mut self, schema: &Value, value: &Value, pointer: &str) {
        if let Some(branches) = branches(schema) {
            self.check_any(schema, &branches, value, pointer);
            return;
        }
        if !has_type(schema, value) {
            self.wrong_type(schema, value, pointer);
            return;
        }
        if let Some(word) = schema.get("const").filter(|word| *word != value) {
            self.wrong_word(&[word.as_str().unwrap_or_default()], value, pointer);
            return;
        }
        match value {
            Value::Object(entries) => self.check_object(schema, entries, pointer),
            Value::Array(items) => {
                if let Some(of_item) = schema.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.check(of_item, item, &step(pointer, &index.to_string()));
                    }
                }
            }
            Value::Number(_) | Value::String(_) => {
                if let Some(reason) = out_of_range(schema, value) {
                    let shown = self.shown(value, pointer);
                    let problem = Problem::value(
                        "B103",
                        pointer,
                        format!("expected {reason}, found {shown}"),
                    );
                    self.problems.push(with_examples(problem, schema));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A choice: of words, of one schema or null, or of several schemas.
    fn check_any(&mut self, schema: &Value, branches: &[&Value], value: &Value, pointer: &str) {
        let words: Vec<&str> = branches
            .iter()
            .filter_map(|branch| branch.get("const")?.as_str())
            .collect();
        if words.len() == branches.len() {
            if value.as_str().is_none_or(|word| !words.contains(&word)) {
                self.wrong_word(&words, value, pointer);
            }
            return;
        }
        let others: Vec<&&Value> = branches.iter().filter(|branch| !is_null(branch)).collect();
        if value.is_null() && others.len() < branches.len() {
            return;
        }
        if let [only] = others.as_slice() {
            self.check(only, value, pointer);
            return;
        }
        let fits = |branch: &&&Value| {
            let mut inner = Walk {
                root: self.root,
                written: self.written,
                problems: Vec::new(),
            };
            inner.check(branch, value, pointer);
            inner.problems.is_empty()
        };
        if others.iter().any(fits) {
            return;
        }
        let shown = self.shown(value, pointer);
        let expected: Vec<String> = others.iter().map(|branch| expectation(branch)).collect();
        let message = format!("expected {}, found {shown}", expected.join(" or "));
        self.problems.push(with_examples(
            Problem::value("B103", pointer, message),
            schema,
        ));
    }

    fn check_object(&mut self, schema: &Value, entries: &Map<String, Value>, pointer: &str) {
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        for (key, value) in entries {
            let inner = step(pointer, key);
            match (properties.get(key), schema.get("additionalProperties")) {
                (Some(property), _) => self.check(property, value, &inner),
                (None, Some(Value::Bool(false))) => self.unknown_key(properties, key, pointer),
                (None, Some(rest)) => self.check(rest, value, &inner),
                (None, None) => {}
            }
        }
        for (key, property) in properties {
            if entries.contains_key(key) {
                continue;
            }
            if property.get("default").is_some()
                || property
                    .get("properties")
                    .is_some_and(|_| has_defaults(property))
            {
                self.problems.push(emptied(&step(pointer, key), property));
            }
        }
        for key in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !entries.contains_key(key) {
                let example = properties
                    .get(key)
                    .and_then(example_of)
                    .map_or_else(String::new, |e| format!("{key}: {e}"));
                let problem = Problem::value(
                    "B111",
                    pointer,
                    format!("{} has no `{key}`", place(pointer)),
                )
                .absent(step(pointer, key))
                .label(format!("`{key}` is missing"));
                self.problems.push(if example.is_empty() {
                    problem.help("add it")
                } else {
                    problem.help(format!("add it, for example `{example}`"))
                });
            }
        }
    }

    fn unknown_key(&mut self, properties: &Map<String, Value>, key: &str, pointer: &str) {
        let problem = Problem::key(
            "B101",
            step(pointer, key),
            format!("unknown key `{key}` in {}", place(pointer)),
        );
        let near = suggest(key, properties.keys().map(String::as_str));
        // `hfToken` is too far from `hfTokenSecret` by its letters, and yet begins like it.
        let begins_alike = || {
            properties
                .keys()
                .find(|other| key.len() > 3 && other.starts_with(key))
                .map(String::as_str)
        };
        let problem = match near.or_else(begins_alike) {
            Some(near) => problem
                .absent(step(pointer, near))
                .label(format!("did you mean `{near}`?")),
            None => {
                let mut elsewhere = Vec::new();
                places_of(self.root, key, "", &mut elsewhere);
                match elsewhere.first() {
                    Some(place) => problem.label("not here").help(format!(
                        "`{}` exists at {}",
                        last(place),
                        dotted(place)
                    )),
                    None => problem.label("remove it, or use a key that is allowed here"),
                }
            }
        };
        let allowed: Vec<&str> = properties.keys().map(String::as_str).collect();
        self.problems
            .push(problem.note(format!("allowed here: {}", allowed.join(", "))));
    }

    fn wrong_word(&mut self, words: &[&str], value: &Value, pointer: &str) {
        let shown = self.shown(value, pointer);
        let near = value
            .as_str()
            .and_then(|word| suggest(word, words.iter().copied()));
        let problem = Problem::value(
            "B103",
            pointer,
            format!("expected one of {}, found {shown}", words.join(", ")),
        );
        self.problems.push(match near {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.label("choose one of them"),
        });
    }

    fn wrong_type(&mut self, schema: &Value, value: &Value, pointer: &str) {
        if value.is_null() && has_defaults(schema) {
            self.problems.push(emptied(pointer, schema));
            return;
        }
        let shown = self.shown(value, pointer);
        let key = last(pointer);
        let problem = match (type_name(schema), value) {
            (Some("object"), _) => {
                let problem = Problem::value(
                    "B103",
                    pointer,
                    format!(
                        "{} must be a mapping, found {}",
                        place(pointer),
                        kind(value)
                    ),
                );
                match inner_key(schema, value) {
                    Some(inner) => problem.help(format!(
                        "put it under `{inner}`: {key}: {{{inner}: {}}}",
                        plain(value)
                    )),
                    None => with_examples(problem, schema),
                }
            }
            (Some("array"), _) => {
                let problem = Problem::value(
                    "B103",
                    pointer,
                    format!("{} must be a list, found {}", place(pointer), kind(value)),
                );
                if value.is_object() {
                    problem.help("start each item with `- `, or write [] for none")
                } else {
                    with_examples(problem, schema)
                }
            }
            (Some("string"), Value::Number(_) | Value::Bool(_)) => {
                let text = (self.written)(pointer).unwrap_or_else(|| value.to_string());
                Problem::value(
                    "B106",
                    pointer,
                    format!(
                        "`{key}` must be a string, found {} {text}",
                        bare_kind(value)
                    ),
                )
                .help(format!("quote it: \"{text}\""))
            }
            (Some("boolean"), _) => Problem::value(
                "B103",
                pointer,
                format!("expected true or false, found {shown}"),
            )
            .help("write true or false, without quotes"),
            _ => {
                let expected = expected_instead(schema, value);
                let message = format!("expected {expected}, found {shown}");
                let problem = with_examples(Problem::value("B103", pointer, message), schema);
                // As a machine's number it stands for several.
                let is_inexact = value.as_f64().is_some_and(|n| n.fract() == 0.0);
                if type_name(schema) == Some("integer") && is_inexact {
                    problem.help("write it in digits")
                } else {
                    problem
                }
            }
        };
        self.problems.push(problem);
    }

    /// A value in a message: its kind and, where it is short, itself. What looks like a secret is masked.
    fn shown(&self, value: &Value, pointer: &str) -> String {
        match value {
            Value::String(text) if text.chars().count() <= 60 => {
                format!("string \"{}\"", mask(text))
            }
            Value::Number(_) | Value::Bool(_) => {
                let text = (self.written)(pointer).unwrap_or_else(|| value.to_string());
                format!("{} {text}", bare_kind(value))
            }
            _ => kind(value).to_owned(),
        }
    }
}

/// A section without its defaults.
fn emptied(pointer: &str, schema: &Value) -> Problem {
    let name = dotted(pointer);
    let key = last(pointer);
    if type_name(schema) == Some("object") {
        Problem::key(
            "B104",
            pointer,
            format!("`{name}` is empty (null) and would delete every default below it"),
        )
        .label("nothing stands below it")
        .help(format!(
            "remove the line, or write `{key}: {{}}` to keep the defaults"
        ))
    } else {
        let default = schema
            .get("default")
            .map_or_else(String::new, |default| format!(", `{key}: {default}`"));
        Problem::key(
            "B104",
            pointer,
            format!("`{name}` is empty (null) and would delete its default"),
        )
        .label("no value")
        .help(format!("remove the line for the default{default}"))
    }
}
