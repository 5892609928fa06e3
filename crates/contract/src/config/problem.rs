//! Something wrong with a config.

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run cannot start.
    Error,
    /// The run can start and may not do what was meant.
    Warning,
}

/// Something wrong with a config, where it is and what helps.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigProblem {
    /// How bad.
    pub severity: Severity,
    /// The key, dotted: `load.stages[0].rate`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub help: Option<String>,
}

/// Problems as they are found.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<ConfigProblem>);

impl Problems {
    pub(super) fn error(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, path.into(), message.into(), help.into());
    }

    pub(super) fn warn(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, path.into(), message.into(), help.into());
    }

    fn push(&mut self, severity: Severity, path: String, message: String, help: String) {
        let help = (!help.is_empty()).then_some(help);
        self.0.push(ConfigProblem {
            severity,
            path,
            message,
            help,
        });
    }
}
