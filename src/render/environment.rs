//! The templates and what they may use: `if`, `for`, one filter, and the test `none`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::yaml::{AsText, in_template};

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
}

impl Templates {
    /// The built-in ones.
    ///
    /// # Errors
    /// When a built-in template is wrong, which a test rules out.
    pub fn built_in() -> Result<Self, Vec<String>> {
        let files = BUILT_IN.map(|(name, text)| (name.to_owned(), text.to_owned()));
        Self::new(BUILT_IN_CHART, files.into())
    }

    /// Templates of a chart: names without `.j2`, and texts.
    ///
    /// # Errors
    /// What is wrong with which templates.
    pub fn new(chart: &str, files: Vec<(String, String)>) -> Result<Self, Vec<String>> {
        let mut environment = environment().map_err(|error| vec![explained(&error)])?;
        let (mut names, mut wrong) = (Vec::with_capacity(files.len()), Vec::new());
        for (name, text) in files {
            if !name.starts_with('_') {
                names.push(name.clone());
            }
            if let Err(error) = environment.add_template_owned(name, text) {
                wrong.push(explained(&error));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Self {
            chart: chart.to_owned(),
            environment,
            names,
        })
    }

    /// Whether they are part of the program.
    pub(super) fn are_built_in(&self) -> bool {
        self.chart == BUILT_IN_CHART
    }

    /// The names of the templates that print something.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The text of one template.
    pub(super) fn write(&self, name: &str, context: &Value) -> Result<String, String> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(context.clone()))
            .map_err(|error| explained(&error))
    }

    /// What a document of a template names as its source.
    pub(super) fn source(&self, name: &str) -> String {
        format!("{}/templates/{name}", self.chart)
    }
}

/// An error of the template engine with its causes.
fn explained(error: &Error) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.add_filter("yaml", |value: &Value, indent: Option<usize>| {
        in_template(value, indent).map_err(|reason| Error::new(ErrorKind::BadSerialization, reason))
    });
    environment.add_test("none", |value: &Value| value.is_none());
    environment.add_test("defined", |value: &Value| !value.is_undefined());
    Ok(environment)
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
