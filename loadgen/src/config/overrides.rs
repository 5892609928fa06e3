//! Dotted overrides on the command line, as inference-perf has them: `--load.type poisson`.

use std::ffi::OsString;

use bench_yaml::Source;
use serde_json::Value;

/// One key that the command line sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// The key, dotted: `load.type`; a number is a place in a list.
    pub path: String,
    /// The text that it was given.
    pub text: String,
}

/// Takes the dotted overrides (`--a.b value`, `--a.b=value`) out of a command line; the rest is for the ordinary parser.
///
/// # Errors
/// When an override has no value.
pub fn split_overrides(
    arguments: impl Iterator<Item = OsString>,
) -> Result<(Vec<OsString>, Vec<Override>), String> {
    let (mut rest, mut overrides) = (Vec::new(), Vec::new());
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let Some(flag) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--"))
            .filter(|flag| is_dotted(flag))
        else {
            rest.push(argument);
            continue;
        };
        let (path, text) = match flag.split_once('=') {
            Some((path, text)) => (path.to_owned(), text.to_owned()),
            None => {
                let value = arguments.next().and_then(|value| value.into_string().ok());
                (
                    flag.to_owned(),
                    value.ok_or_else(|| format!("--{flag} needs a value"))?,
                )
            }
        };
        overrides.push(Override { path, text });
    }
    Ok((rest, overrides))
}

fn is_dotted(flag: &str) -> bool {
    let path = flag.split('=').next().unwrap_or_default();
    path.contains('.')
        && path
            .split('.')
            .all(|part| !part.is_empty() && !part.contains(['/', ' ']))
}

impl Override {
    /// The override as a source that messages can point into.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::argument(format!("--{}", self.path), &self.text)
    }

    /// Sets the key in `value`, making sections that are not there.
    pub fn apply(&self, value: &mut Value) {
        let mut at = value;
        for part in self.path.split('.') {
            at = match (part.parse::<usize>(), at) {
                (Ok(index), Value::Array(list)) => {
                    if list.len() <= index {
                        list.resize(index + 1, Value::Null);
                    }
                    &mut list[index]
                }
                (_, at) => {
                    if !at.is_object() {
                        *at = Value::Object(serde_json::Map::new());
                    }
                    // Just made an object of it.
                    &mut at[part]
                }
            };
        }
        // Numbers, booleans, lists and maps are JSON; everything else is text.
        *at = serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()));
    }
}
