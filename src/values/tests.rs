//! What the fold promises beyond Helm's table: provenance, all problems at once, and remedies.

use bench_yaml::{Diagnostic, Source};

use super::load::load_with;
use super::*;

mod outcome;
mod problems;
mod reading;

const DEFAULTS: &str = "benchmark:
  scenario: baseline
  target:
    baseUrl: http://x
    headers: {}
  image: {tag: '', pull: null}
";
const PRESET: &str = "benchmark:
  scenarios:
    baseline:
      load:
        stages:
        - rate: 1.0
          duration: 300
";

fn defaults() -> Vec<Layer> {
    vec![
        Layer::parse(
            "built-in defaults",
            &Source::new("built-in defaults", DEFAULTS),
        )
        .unwrap(),
        Layer::parse(
            "preset `baseline`",
            &Source::new("preset `baseline`", PRESET),
        )
        .unwrap(),
    ]
}

/// The fold, or all problems where one of them is an error.
pub(super) fn fold(defaults: &[Layer], loaded: Loaded) -> Result<Effective, Vec<Diagnostic>> {
    let effective = fold_on(defaults, loaded);
    if effective.problems().iter().any(Diagnostic::is_error) {
        Err(effective.problems().to_vec())
    } else {
        Ok(effective)
    }
}

/// The fold over the defaults with a text on standard input.
pub(super) fn fold_with(stdin: &str, sources: Sources) -> Result<Effective, Vec<Diagnostic>> {
    let mut sources = sources;
    if !stdin.is_empty() {
        sources.values.push("-".to_owned());
    }
    fold(
        &defaults(),
        load_with(&sources, &mut || Ok(stdin.as_bytes().to_vec())),
    )
}

pub(super) fn set(arguments: &[&str]) -> Sources {
    Sources {
        set: arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect(),
        ..Sources::default()
    }
}

fn codes_of(result: Result<Effective, Vec<Diagnostic>>) -> Vec<&'static str> {
    result
        .unwrap_err()
        .iter()
        .map(|problem| problem.code)
        .collect()
}
