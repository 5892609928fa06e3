//! Something wrong with a config.

use std::fmt;
use std::ops::Range;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run cannot start.
    Error,
    /// The run can start and may not do what was meant.
    Warning,
}

/// What of an entry is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Spot {
    /// Its value.
    #[default]
    Value,
    /// Its key.
    Key,
    /// These bytes of its value, which is a text.
    Part(Range<usize>),
}

/// Something wrong with a config, where it is and what helps.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigProblem {
    /// How bad.
    pub severity: Severity,
    /// The key.
    pub path: KeyPath,
    /// What of its entry.
    pub spot: Spot,
    /// What is wrong.
    pub message: Text,
    /// What helps.
    pub help: Option<Text>,
}

/// Where a key is: the keys down to it. Reads `load.stages[0].rate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a mapping, dots and all.
    Key(String),
    /// A place in a list, from 0.
    Index(usize),
}

impl KeyPath {
    /// The steps down from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// A key below this one.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.and(Step::Key(key.to_owned()))
    }

    /// A place in the list that this is.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.and(Step::Index(index))
    }

    fn and(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

/// Keys of our own, joined by dots: `load.stages`.
impl From<&str> for KeyPath {
    fn from(dotted: &str) -> Self {
        let keys = dotted.split('.').map(|key| Step::Key(key.to_owned()));
        Self(keys.collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A sentence in which keys are still keys, so that each reader can be told the names that he knows. Reads as for
/// somebody who has written `config.yml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

/// A part of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As they are.
    Words(String),
    /// A key with all that lead to it.
    Path(KeyPath),
    /// A key alone.
    Name(KeyPath),
    /// Where the key of the server belongs.
    ApiKey,
}

impl Text {
    /// The parts in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// Goes on with words.
    #[must_use]
    pub fn words(self, words: impl Into<String>) -> Self {
        self.and(Piece::Words(words.into()))
    }

    /// Goes on with a key and all that lead to it.
    #[must_use]
    pub fn path(self, path: impl Into<KeyPath>) -> Self {
        self.and(Piece::Path(path.into()))
    }

    /// Goes on with a key alone.
    #[must_use]
    pub fn name(self, path: impl Into<KeyPath>) -> Self {
        self.and(Piece::Name(path.into()))
    }

    /// Goes on with where the key of the server belongs.
    #[must_use]
    pub fn api_key(self) -> Self {
        self.and(Piece::ApiKey)
    }

    fn and(mut self, piece: Piece) -> Self {
        self.0.push(piece);
        self
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Self::default().words(words)
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Self::default().words(words)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => f.write_str(words)?,
                Piece::Path(path) => path.fmt(f)?,
                Piece::Name(path) => match path.0.last() {
                    Some(Step::Key(key)) => f.write_str(key)?,
                    Some(Step::Index(index)) => index.fmt(f)?,
                    None => {}
                },
                Piece::ApiKey => f.write_str("OPENAI_API_KEY")?,
            }
        }
        Ok(())
    }
}

/// Problems as they are found.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<ConfigProblem>);

impl Problems {
    pub(super) fn error(
        &mut self,
        path: impl Into<KeyPath>,
        message: impl Into<Text>,
        help: impl Into<Text>,
    ) {
        self.push(Severity::Error, path.into(), message.into(), help.into());
    }

    /// An error of a part of the entry, or of its key.
    pub(super) fn error_at(
        &mut self,
        spot: Spot,
        path: impl Into<KeyPath>,
        message: impl Into<Text>,
        help: impl Into<Text>,
    ) {
        self.error(path, message, help);
        if let Some(problem) = self.0.last_mut() {
            problem.spot = spot;
        }
    }

    pub(super) fn warn(
        &mut self,
        path: impl Into<KeyPath>,
        message: impl Into<Text>,
        help: impl Into<Text>,
    ) {
        self.push(Severity::Warning, path.into(), message.into(), help.into());
    }

    fn push(&mut self, severity: Severity, path: KeyPath, message: Text, help: Text) {
        self.0.push(ConfigProblem {
            severity,
            path,
            spot: Spot::default(),
            message,
            help: Some(help).filter(|help| !help.0.is_empty()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_texts_read_as_in_a_config() {
        let stages = KeyPath::from("load.stages").index(0);
        assert_eq!(stages.key("rate").to_string(), "load.stages[0].rate");
        let header = KeyPath::from("api.headers").key("x.y");
        assert_eq!(header.steps().len(), 3);
        let text = Text::from("`").name(stages.key("rate")).words("` in ");
        assert_eq!(text.path(stages).to_string(), "`rate` in load.stages[0]");
        assert_eq!(Text::default().api_key().to_string(), "OPENAI_API_KEY");
    }
}
