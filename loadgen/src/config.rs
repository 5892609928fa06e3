//! Reading `config.yml`: text to a checked [`Config`], with every problem pointed at where it stands.

mod known;
mod overrides;

pub use overrides::{Override, split_overrides};

use bench_contract::Config;
use bench_contract::config::{ConfigProblem, Severity};
use bench_yaml::{Diagnostic, Node, ParseOptions, Source, Span, parse, pointer_push};
use serde_json::Value;

/// A config that can run, and what is worth saying about it.
#[derive(Debug)]
pub struct Loaded {
    /// The config.
    pub config: Config,
    /// What may not have been meant.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a config, lays `overrides` over it, and checks it. Unknown keys are warnings, or errors when `strict`.
///
/// # Errors
/// Everything that keeps it from running, each with its place.
pub fn load(
    source: &Source,
    overrides: &[Override],
    strict: bool,
) -> Result<Loaded, Vec<Diagnostic>> {
    let options = ParseOptions::lenient();
    let given = parse(source, &options);
    // Messages show the text around a problem, so they are made from a text in which secrets are hidden.
    let source = &given
        .documents
        .first()
        .map_or_else(|| source.clone(), |root| hidden(source, root));
    let parsed = parse(source, &options);
    let mut problems = parsed.problems;
    if parsed.documents.len() > 1 {
        let second = parsed.documents[1].span;
        problems.push(
            Diagnostic::error("C001", "a config is one document, and this is a second one")
                .at(source, second)
                .help("remove the `---` before it, or keep each config in a file of its own"),
        );
    }
    let place = Place {
        source,
        root: parsed.documents.first(),
        overrides,
    };
    if let Some(root) = place
        .root
        .filter(|root| !root.to_json().is_object() && !root.to_json().is_null())
    {
        problems.push(
            Diagnostic::error(
                "C001",
                format!("a config is a mapping, and this is {}", root.kind()),
            )
            .at(source, root.span)
            .help("begin with `server:`, `load:` and `data:`"),
        );
    }
    if problems.iter().any(Diagnostic::is_error) {
        return Err(problems);
    }
    let mut value = given.documents.first().map_or(Value::Null, Node::to_json);
    if value.is_null() {
        value = Value::Object(serde_json::Map::new());
    }
    for change in overrides {
        if let Err(reason) = change.apply(&mut value) {
            let argument = change.source();
            let span = Span::new(0, argument.text.len());
            let message = format!("cannot set `{}`: {reason}", change.path);
            problems.push(Diagnostic::error("C007", message).at(&argument, span));
        }
    }
    if problems.iter().any(Diagnostic::is_error) {
        return Err(problems);
    }
    known::warn_about_aliases(&value, &place, &mut problems);
    if let Some(config) = read(&value, &place, strict, &mut problems) {
        let found = config.check().into_iter().chain(config.check_engine());
        problems.extend(found.map(|problem| place.config_problem(problem)));
        if !problems.iter().any(Diagnostic::is_error) {
            return Ok(Loaded {
                config,
                warnings: problems,
            });
        }
    }
    Err(problems)
}

/// The source with every secret written over, each by as many letters as it has bytes, so that all places stay.
fn hidden(source: &Source, root: &Node) -> Source {
    let mut text = source.text.to_string();
    for pointer in ["/server/api_key", "/tokenizer/token"] {
        if let Some(located) = root.locate(pointer) {
            let range = located.value.range();
            text.replace_range(range.clone(), &"x".repeat(range.len()));
        }
    }
    Source {
        text: text.into(),
        ..source.clone()
    }
}

fn read(
    value: &Value,
    place: &Place<'_>,
    strict: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Config> {
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(value, &mut track);
    let result = serde_ignored::deserialize(deserializer, |path| unknown.push(path.to_string()));
    problems.extend(
        unknown
            .iter()
            .map(|path| known::unknown_key(path, place, strict)),
    );
    match result {
        Ok(config) => Some(config),
        Err(error) => {
            let path = track.path().to_string();
            let message = if path == "." {
                error.to_string()
            } else {
                format!("`{path}`: {error}")
            };
            problems.push(place.at(Diagnostic::error("C003", message), &path));
            None
        }
    }
}

/// Where the keys of a config stand.
struct Place<'a> {
    source: &'a Source,
    root: Option<&'a Node>,
    overrides: &'a [Override],
}

impl Place<'_> {
    /// Points `diagnostic` at the key `path` (dotted, with `[i]` or `.i` for places in lists): at the command line where an
    /// override has set it, else at the nearest key that the file has.
    fn at(&self, diagnostic: Diagnostic, path: &str) -> Diagnostic {
        let tokens: Vec<&str> = path
            .split(['.', '[', ']'])
            .filter(|token| !token.is_empty())
            .collect();
        let dotted = tokens.join(".");
        let diagnostic = diagnostic.path(path);
        if let Some(change) = self
            .overrides
            .iter()
            .find(|change| covers(&change.path, &dotted))
        {
            let source = change.source();
            return diagnostic.at(&source, Span::new(0, source.text.len()));
        }
        let Some(root) = self.root else {
            return diagnostic.at(self.source, Span::new(0, 0));
        };
        let mut spans = vec![Span::new(root.span.start, root.span.start)];
        let mut pointer = String::new();
        for token in tokens {
            pointer_push(&mut pointer, token);
            match root.locate(&pointer) {
                Some(located) => spans.push(located.value),
                None => {
                    // Point at the key of the section that lacks it, not at the whole section.
                    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                    spans.extend(root.locate(parent).and_then(|located| located.key));
                    break;
                }
            }
        }
        diagnostic.at(self.source, spans.pop().unwrap_or_default())
    }

    fn key_at(&self, diagnostic: Diagnostic, pointer: &str, path: &str) -> Diagnostic {
        match self
            .root
            .and_then(|root| root.locate(pointer))
            .and_then(|located| located.key)
        {
            Some(key) => diagnostic.at(self.source, key).path(path),
            None => self.at(diagnostic, path),
        }
    }

    fn config_problem(&self, problem: ConfigProblem) -> Diagnostic {
        let diagnostic = match problem.severity {
            Severity::Error => Diagnostic::error("C004", problem.message.to_string()),
            Severity::Warning => Diagnostic::warning("C004", problem.message.to_string()),
        };
        let diagnostic = self.at(diagnostic, &problem.path.to_string());
        match problem.help {
            Some(help) => diagnostic.help(help.to_string()),
            None => diagnostic,
        }
    }
}

/// Whether setting `set` decides what `path` is.
fn covers(set: &str, path: &str) -> bool {
    path == set
        || path
            .strip_prefix(set)
            .is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests;
