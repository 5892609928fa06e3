//! Which manifests `--show-only` asks for.

use bench_yaml::{Diagnostic, suggest};
use glob::{MatchOptions, Pattern};
use serde_json::Value;

use crate::output::Failure;
use crate::render::Document;

/// A manifest as text and as an object.
pub(super) type Item = (Document, Value);

/// What a selector says: the path of a template, as Helm has it, or a kind and perhaps a name, as `kubectl` has them.
/// In each `*`, `?` and `[a-z]` stand for other characters, but not for `/`.
struct Selector {
    path: Pattern,
    kind: Pattern,
    name: Option<Pattern>,
}

impl Selector {
    fn new(text: &str) -> Result<Self, Failure> {
        let pattern = |part: &str| {
            Pattern::new(part).map_err(|error| {
                Failure::usage(
                    format!("--show-only {text}: {}", error.msg),
                    "put a character that stands for itself in brackets: `[[]`",
                )
            })
        };
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind, Some(pattern(name)?)),
            None => (text, None),
        };
        Ok(Self {
            path: pattern(text)?,
            kind: pattern(kind)?,
            name,
        })
    }

    fn matches(&self, item: &Item) -> bool {
        let exact = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        // Kinds are recognised however they are written.
        let any_case = MatchOptions {
            case_sensitive: false,
            ..exact
        };
        let (kind, name) = kind_and_name(item);
        let is_path = |path: &str| self.path.matches_with(path, exact);
        let is_named = |wanted: &Pattern| wanted.matches_with(name, exact);
        is_path(&item.0.source)
            || is_path(path(item))
            || self.kind.matches_with(kind, any_case) && self.name.as_ref().is_none_or(is_named)
    }
}

/// The manifests that one of the selectors names; all without any.
pub(super) fn select<'a>(all: &'a [Item], selectors: &[String]) -> Result<Vec<&'a Item>, Failure> {
    let mut patterns = Vec::with_capacity(selectors.len());
    for text in selectors {
        let selector = Selector::new(text)?;
        if !all.iter().any(|item| selector.matches(item)) {
            return Err(nothing(all, text));
        }
        patterns.push(selector);
    }
    let is_chosen = |item: &&Item| {
        patterns.is_empty() || patterns.iter().any(|selector| selector.matches(item))
    };
    Ok(all.iter().filter(is_chosen).collect())
}

fn nothing(all: &[Item], selector: &str) -> Failure {
    let (mut names, mut shown) = (Vec::new(), Vec::new());
    for item in all {
        let (kind, name) = kind_and_name(item);
        names.extend([
            path(item).to_owned(),
            kind.to_owned(),
            format!("{kind}/{name}"),
        ]);
        shown.push(format!("{kind}/{name} ({})", path(item)));
    }
    let message = format!("--show-only {selector} names nothing that is rendered");
    let problem = Diagnostic::error("", message).note(format!("rendered: {}", shown.join(", ")));
    let help = match suggest(selector, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "name a Kind, Kind/name or the path of a template; `*` stands for any text".to_owned()
        }
    };
    Failure::Usage(Box::new(problem.help(help)))
}

/// The path of the template inside its chart.
fn path(item: &Item) -> &str {
    let source = &item.0.source;
    source.split_once('/').map_or(source, |(_, path)| path)
}

fn kind_and_name(item: &Item) -> (&str, &str) {
    let text = |pointer: &str| {
        let value = item.1.pointer(pointer);
        value.and_then(Value::as_str).unwrap_or_default()
    };
    (text("/kind"), text("/metadata/name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items() -> Vec<Item> {
        let item = |file: &str, kind: &str, name: &str| {
            let document = Document {
                source: format!("benchctl/templates/{file}"),
                text: String::new(),
            };
            (document, json!({"kind": kind, "metadata": {"name": name}}))
        };
        vec![
            item("serviceaccount.yaml", "ServiceAccount", "sa"),
            item("configmap.yaml", "ConfigMap", "bench-1"),
            item("job.yaml", "Job", "bench-1"),
        ]
    }

    #[test]
    fn paths_kinds_and_names_select() {
        for (selector, expected) in [
            ("templates/job.yaml", &["Job"][..]),
            ("benchctl/templates/job.yaml", &["Job"]),
            ("templates/*.yaml", &["ServiceAccount", "ConfigMap", "Job"]),
            ("templates/[cj]*.yaml", &["ConfigMap", "Job"]),
            ("templates/jo?.yaml", &["Job"]),
            ("Job", &["Job"]),
            ("JOB", &["Job"]),
            ("configmap", &["ConfigMap"]),
            ("*map", &["ConfigMap"]),
            ("job/bench-1", &["Job"]),
            ("Job/bench-*", &["Job"]),
            ("*/bench-1", &["ConfigMap", "Job"]),
        ] {
            let items = items();
            let Ok(found) = select(&items, &[selector.to_owned()]) else {
                unreachable!("{selector} names something");
            };
            let kinds: Vec<&str> = found
                .into_iter()
                .map(|item| kind_and_name(item).0)
                .collect();
            assert_eq!(kinds, expected, "{selector}");
        }
        let both = ["Job".to_owned(), "templates/*map.yaml".to_owned()];
        assert_eq!(
            select(&items(), &both).map(|found| found.len()).ok(),
            Some(2)
        );
        assert_eq!(select(&items(), &[]).map(|found| found.len()).ok(), Some(3));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for selector in [
            "*",
            "Job/Bench-1",
            "jobs",
            "templates/*/job.yaml",
            "TEMPLATES/job.yaml",
            "",
            "[",
            "job/",
        ] {
            let items = items();
            let found = select(&items, &[selector.to_owned()]);
            assert_eq!(found.is_err(), selector != "*", "{selector}");
        }
    }
}
