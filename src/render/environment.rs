//! The templates and what they may use: `if`, `for`, `set`, `include`, the filter `yaml`, and the tests `defined` and `none`.

use std::collections::BTreeMap;

use bench_yaml::{Source, Span};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::yaml::{AsText, in_template};
use crate::problem::{Anchor, Problem, REPORT};

/// The built-in templates by file name, in the order in which their objects are applied.
const BUILT_IN: [(&str, &str); 4] = [
    (
        "namespace.yaml",
        include_str!("../../chart-templates/namespace.yaml.j2"),
    ),
    (
        "serviceaccount.yaml",
        include_str!("../../chart-templates/serviceaccount.yaml.j2"),
    ),
    (
        "configmap.yaml",
        include_str!("../../chart-templates/configmap.yaml.j2"),
    ),
    (
        "job.yaml",
        include_str!("../../chart-templates/job.yaml.j2"),
    ),
];

/// What the built-in chart is called.
const BUILT_IN_CHART: &str = "benchctl";

/// The templates of a chart, read and ready. A name that is not defined is an error.
#[derive(Debug)]
pub struct Templates {
    chart: String,
    environment: Environment<'static>,
    /// Names of the templates that print something: those that start with `_` are there to be included.
    names: Vec<String>,
    /// The texts by name, for messages.
    texts: BTreeMap<String, Source>,
}

impl Templates {
    /// The built-in ones.
    ///
    /// # Errors
    /// When a built-in template is wrong, which a test rules out.
    pub fn built_in() -> Result<Self, Vec<Problem>> {
        let file = |(name, text): (&str, &str)| {
            let path = format!("{BUILT_IN_CHART}/templates/{name}{ENDING}");
            (name.to_owned(), Source::new(path, text))
        };
        Self::new(BUILT_IN_CHART, BUILT_IN.map(file).into())
    }

    /// The files of the built-in ones, for a chart of one's own.
    pub(crate) fn built_in_files() -> impl Iterator<Item = (String, &'static str)> {
        BUILT_IN
            .into_iter()
            .map(|(name, text)| (format!("{name}{ENDING}"), text))
    }

    /// Templates of a chart: names without `.j2`, and texts.
    ///
    /// # Errors
    /// What is wrong with which templates.
    pub fn new(chart: &str, files: Vec<(String, Source)>) -> Result<Self, Vec<Problem>> {
        let mut templates = Self {
            chart: chart.to_owned(),
            environment: environment().map_err(|error| vec![unplaced(&error)])?,
            names: Vec::with_capacity(files.len()),
            texts: files.into_iter().collect(),
        };
        let mut wrong = Vec::new();
        for (name, source) in templates.texts.clone() {
            let added = templates
                .environment
                .add_template_owned(name.clone(), source.text.to_string());
            if let Err(error) = added {
                wrong.push(*templates.problem(&error));
            } else if !name.starts_with('_') {
                templates.names.push(name);
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(templates)
    }

    /// The names of the templates that print something.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The text of one template.
    ///
    /// # Errors
    /// What is wrong with it, where it stands in the template.
    pub(super) fn write(&self, name: &str, context: &Value) -> Result<String, Box<Problem>> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(context.clone()))
            .map_err(|error| self.problem(&error))
    }

    /// What a document of a template names as its source.
    pub(super) fn source(&self, name: &str) -> String {
        format!("{}/templates/{name}", self.chart)
    }

    /// A template, or a value for it, that cannot be written.
    pub(super) fn mistake(&self, anchor: Anchor, message: &str) -> Box<Problem> {
        let message = format!("a template cannot be rendered: {message}");
        Box::new(if self.chart == BUILT_IN_CHART {
            Problem::error("B901", anchor, message).help(REPORT)
        } else {
            Problem::error("B140", anchor, message)
        })
    }

    /// An error of the template engine at its place.
    fn problem(&self, error: &Error) -> Box<Problem> {
        let inner = innermost(error);
        let anchor = inner
            .name()
            .and_then(|name| self.texts.get(name))
            .map_or(Anchor::Nowhere, |source| {
                Anchor::Text(source.clone(), span(inner, source))
            });
        let mut problem = self.mistake(anchor, &explained(inner));
        if problem.help.is_empty() {
            problem = Box::new(problem.help(match inner.kind() {
                ErrorKind::UndefinedError => {
                    "correct the name, or give the value; what may be missing is asked for with `is defined`"
                }
                ErrorKind::UnknownFilter => "the one filter is `yaml`: {{ x | yaml }}, or {{ x | yaml(4) }} for an indented block",
                ErrorKind::UnknownTest => "the tests are `defined` and `none`",
                ErrorKind::UnknownFunction => "there are no functions",
                ErrorKind::TemplateNotFound => {
                    "templates are included by the names of their files: {% include \"_labels.yaml\" %}"
                }
                _ => "correct the template",
            }));
        }
        problem
    }
}

/// The ending of a template's file.
pub(crate) const ENDING: &str = ".j2";

/// An error of the engine's own settings.
fn unplaced(error: &Error) -> Problem {
    Problem::error("B901", Anchor::Nowhere, explained(error)).help(REPORT)
}

/// The error that others are about: that of an included template, not that it could not be included.
fn innermost(error: &Error) -> &Error {
    let mut inner = error;
    while let Some(cause) = std::error::Error::source(inner)
        .and_then(|cause| cause.downcast_ref::<Error>())
        .filter(|cause| cause.line().is_some())
    {
        inner = cause;
    }
    inner
}

/// What the engine says, without the place, and with its causes.
fn explained(error: &Error) -> String {
    let mut message = match (error.kind(), error.detail()) {
        (
            ErrorKind::UndefinedError
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::TemplateNotFound,
            Some(detail),
        ) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}

/// The part of a template that an error is about: the expression where the engine knows it, else the line.
fn span(error: &Error, source: &Source) -> Span {
    if let Some(range) = error.range().filter(|range| !range.is_empty()) {
        let span = Span::new(range.start, range.end).clip(&source.text);
        return undefined_name(error, source, span).unwrap_or(span);
    }
    let before: usize = source
        .text
        .split_inclusive('\n')
        .take(error.line().unwrap_or(1).saturating_sub(1))
        .map(str::len)
        .sum();
    let line = source.text.get(before..).unwrap_or_default();
    let line = line.lines().next().unwrap_or_default();
    let start = before + (line.len() - line.trim_start().len());
    Span::new(start, before + line.trim_end().len())
}

/// A filter that refuses a name stands behind it.
fn undefined_name(error: &Error, source: &Source, filter: Span) -> Option<Span> {
    let name = error.detail()?.strip_prefix('`')?.split('`').next()?;
    let before = source.text.get(..filter.start)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let start = line + before.get(line..)?.rfind(name)?;
    Some(Span::new(start, start + name.len()))
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // So that errors know their place, and the name that is not defined.
    environment.set_debug(true);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_path_join_callback(|name, _| name.trim_end_matches(ENDING).into());
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            // An included template ends its last line.
            .keep_trailing_newline(true)
            .build()?,
    );
    environment.add_filter("yaml", |value: &Value, indent: Option<usize>| {
        all_defined(value)?;
        in_template(value, indent).map_err(|reason| Error::new(ErrorKind::BadSerialization, reason))
    });
    environment.add_test("none", |value: &Value| value.is_none());
    environment.add_test("defined", |value: &Value| !value.is_undefined());
    Ok(environment)
}

/// A filter is given what is not defined, alone or within a list or mapping, and would write `null` for it.
fn all_defined(value: &Value) -> Result<(), Error> {
    match value.kind() {
        // Looking into it is the error that names it.
        ValueKind::Undefined => value.get_attr("").map(|_| ()),
        ValueKind::Map => value
            .try_iter()?
            .try_for_each(|key| all_defined(&value.get_item(&key)?)),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter()?.try_for_each(|item| all_defined(&item))
        }
        _ => Ok(()),
    }
}

impl AsText for Value {
    fn text(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn is_collection(&self) -> bool {
        matches!(
            self.kind(),
            ValueKind::Seq | ValueKind::Map | ValueKind::Iterable
        )
    }
}
