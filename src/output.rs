//! The only place that prints: data to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use bench_contract::ExitCode;
use bench_yaml::{Color, Diagnostic, render};
use clap::ColorChoice;

use crate::diagnostics::{exit_code, summary};

/// Why a command ended without its data.
#[derive(Debug)]
pub enum Failure {
    /// The input is wrong.
    Problems {
        /// Everything that is wrong, warnings among it.
        problems: Vec<Diagnostic>,
        /// What did not happen because of it: `nothing was rendered`.
        consequence: &'static str,
        /// A text that shows where.
        debug: Option<String>,
    },
    /// The command line says something that cannot be.
    Usage(String),
    /// A file or stream cannot be written.
    Io(String),
}

impl Failure {
    /// Wrong input, without more to show.
    #[must_use]
    pub fn of(problems: Vec<Diagnostic>, consequence: &'static str) -> Self {
        Self::Problems {
            problems,
            consequence,
            debug: None,
        }
    }
}

/// Where a command's data and messages go.
#[derive(Debug)]
pub struct Output {
    color: Color,
}

impl Output {
    /// An output that colours as it was asked for: `auto` on a terminal, unless `NO_COLOR` is set.
    #[must_use]
    pub fn new(choice: ColorChoice) -> Self {
        let is_wanted = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Self {
            color: if is_wanted {
                Color::Always
            } else {
                Color::Never
            },
        }
    }

    /// Writes data to stdout. A reader that has gone away is no error: `| head` has what it wanted.
    ///
    /// # Errors
    /// When stdout cannot be written for another reason.
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::Io(format!("cannot write to stdout: {error}")))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes a line to stderr.
    pub fn note(&self, text: &str) {
        // Nobody can be told when stderr is gone.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Writes warnings to stderr.
    pub fn warn(&self, warnings: &[Diagnostic]) {
        if !warnings.is_empty() {
            let _ = io::stderr()
                .lock()
                .write_all(render(warnings, self.color).as_bytes());
        }
    }

    /// Says why a command failed, and gives its exit code.
    #[must_use]
    pub fn failed(&self, failure: &Failure) -> ExitCode {
        match failure {
            Failure::Problems {
                problems,
                consequence,
                debug,
            } => {
                if let Some(text) = debug {
                    self.note(&numbered(text));
                }
                self.warn(problems);
                self.note("");
                self.note(&summary(problems, consequence));
                exit_code(problems)
            }
            Failure::Usage(message) => {
                self.note(&format!("error: {message}"));
                ExitCode::Usage
            }
            Failure::Io(message) => {
                self.note(&format!("error: {message}"));
                ExitCode::Failed
            }
        }
    }
}

fn numbered(text: &str) -> String {
    text.lines()
        .enumerate()
        .map(|(index, line)| format!("{:4} | {line}\n", index + 1))
        .collect()
}
