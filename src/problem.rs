//! A problem of the core: what is wrong and which key it came from. The edge turns it into a located message.

use std::ops::Range;

pub use bench_yaml::Severity;
use bench_yaml::{Source, Span};

/// What to do about a mistake of the program itself.
pub const REPORT: &str = "this is a mistake of benchctl, please report it";

/// What a problem points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The value at this JSON pointer into the merged values.
    Value(String),
    /// The key at this JSON pointer into the merged values.
    Key(String),
    /// A command line argument: its name and text.
    Argument(&'static str, String),
    /// A place in a text that is not values: a template.
    Text(Source, Span),
    /// Nothing that the user wrote.
    Nowhere,
}

/// Something wrong, where it came from and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether anything may be printed.
    pub severity: Severity,
    /// A stable code: `B…` for values, `K…` for what Kubernetes would refuse.
    pub code: &'static str,
    /// What it points at.
    pub anchor: Anchor,
    /// The bytes of the value that are wrong, where it is a text and not all of it is.
    pub part: Option<Range<usize>>,
    /// The key that is missing, or that an unknown one most likely stands for; a pointer.
    pub absent: Option<String>,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What stands beside the caret.
    pub label: String,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// Pointers of values that explain it; each becomes a second place or a note that names its origin.
    pub related: Vec<(String, String)>,
    /// What to do.
    pub help: Vec<String>,
}

impl Problem {
    /// An error at `anchor`.
    #[must_use]
    pub fn error(code: &'static str, anchor: Anchor, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            anchor,
            part: None,
            absent: None,
            message: message.into(),
            label: String::new(),
            notes: Vec::new(),
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// An error at the value of `pointer`.
    #[must_use]
    pub fn value(
        code: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::error(code, Anchor::Value(pointer.into()), message)
    }

    /// An error at the key of `pointer`.
    #[must_use]
    pub fn key(code: &'static str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::error(code, Anchor::Key(pointer.into()), message)
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// Points at these bytes of the value only.
    #[must_use]
    pub fn part(mut self, part: Range<usize>) -> Self {
        self.part = Some(part);
        self
    }

    /// Names the key that is missing, or meant.
    #[must_use]
    pub fn absent(mut self, pointer: impl Into<String>) -> Self {
        self.absent = Some(pointer.into());
        self
    }

    /// Says something beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a value that explains the problem.
    #[must_use]
    pub fn related(mut self, pointer: impl Into<String>, what: impl Into<String>) -> Self {
        self.related.push((pointer.into(), what.into()));
        self
    }

    /// Adds a remedy; an empty one is left out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        let help = help.into();
        if !help.is_empty() {
            self.help.push(help);
        }
        self
    }

    /// The value that it points at, or whose key it points at.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        match &self.anchor {
            Anchor::Value(pointer) | Anchor::Key(pointer) => Some(pointer),
            Anchor::Argument(..) | Anchor::Text(..) | Anchor::Nowhere => None,
        }
    }

    /// Whether nothing may be printed.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
