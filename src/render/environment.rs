//! The templates and what they may use: `if`, `for`, one filter, and the test `none`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::yaml::{AsText, in_template};

/// The built-in templates by file name, in the order in which their objects are applied.
pub(super) const TEMPLATES: [(&str, &str); 4] = [
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

/// An environment with the built-in templates. A name that is not defined is an error.
pub(super) fn environment() -> Result<Environment<'static>, Error> {
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
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
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
