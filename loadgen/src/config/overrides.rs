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

/// Whether the key at `path` (dotted) holds a secret, which no message may show.
pub(super) fn is_secret(path: &str) -> bool {
    matches!(path, "server.api_key" | "tokenizer.token")
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
        let name = format!("--{}", self.path);
        if is_secret(&self.path) {
            return Source::argument(name, "*".repeat(self.text.len()));
        }
        Source::argument(name, &self.text)
    }

    /// Sets the key in `value`, making sections that are not there.
    ///
    /// # Errors
    /// When it names a place in a list that is neither in it nor the next one.
    pub fn apply(&self, value: &mut Value) -> Result<(), String> {
        let mut at = value;
        for part in self.path.split('.') {
            at = match (part.parse::<usize>(), at) {
                (Ok(index), Value::Array(list)) => {
                    if index > list.len() {
                        let length = list.len();
                        return Err(format!(
                            "place {index} is beyond the end of a list of {length}"
                        ));
                    }
                    if index == list.len() {
                        list.push(Value::Null);
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
        Ok(())
    }
}
