//! A problem as data: what is wrong, where, and what to do about it.

use std::borrow::Cow;

use crate::mask::mask;
use crate::source::{Location, Source, Span};

/// Whether a problem stops the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing may be produced from this input.
    Error,
    /// Worth a look; the input is used all the same.
    Warning,
}

/// A second place that explains the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secondary {
    /// The text it points into; may differ from the problem's own.
    pub source: Source,
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub label: Cow<'static, str>,
}

/// One problem. Built with [`Diagnostic::error`] or [`Diagnostic::warning`] and the chained setters, which mask what
/// looks like a secret, so that the texts are safe in every output format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the program.
    pub severity: Severity,
    /// Stable code, `B001` and so on; empty where there is nothing to look up.
    pub code: &'static str,
    /// One lower-case sentence without a full stop.
    pub message: String,
    /// The text the problem lies in, when it lies in one.
    pub source: Option<Source>,
    /// The offending token in that text.
    pub span: Span,
    /// What to say beside the caret; may be empty.
    pub label: String,
    /// A part of that text that no snippet may show, whatever it looks like.
    pub hidden: Option<Span>,
    /// Further places.
    pub secondary: Vec<Secondary>,
    /// Where in the values it is, dotted: `benchmark.scenarios.baseline.load.stages[0].rate`.
    pub path: Option<String>,
    /// Facts that help to understand.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A problem that stops the program.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, &message.into())
    }

    /// A problem that does not.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, &message.into())
    }

    fn new(severity: Severity, code: &'static str, message: &str) -> Self {
        Self {
            severity,
            code,
            message: mask(message).into_owned(),
            source: None,
            span: Span::default(),
            hidden: None,
            label: String::new(),
            secondary: Vec::new(),
            path: None,
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Points at a place.
    #[must_use]
    pub fn at(mut self, source: &Source, span: Span) -> Self {
        self.source = Some(source.clone());
        self.span = span;
        self
    }

    /// Keeps a part of the text that it points into out of every snippet.
    #[must_use]
    pub fn hide(mut self, span: Span) -> Self {
        self.hidden = Some(span);
        self
    }

    /// Says something beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = mask(&label.into()).into_owned();
        self
    }

    /// Points at a second place.
    #[must_use]
    pub fn secondary(
        mut self,
        source: &Source,
        span: Span,
        label: impl Into<Cow<'static, str>>,
    ) -> Self {
        let label = label.into();
        let masked = match mask(&label) {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked.into()),
        };
        self.secondary.push(Secondary {
            source: source.clone(),
            span,
            label: masked.unwrap_or(label),
        });
        self
    }

    /// Names the place in the values (dotted).
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(mask(&note.into()).into_owned());
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(mask(&help.into()).into_owned());
        self
    }

    /// Whether it stops the program.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Line and column of the offending token, for machine-readable formats.
    pub fn location(&self) -> Option<Location> {
        self.source
            .as_ref()
            .map(|source| source.location(self.span))
    }
}
