//! The only place that prints: data to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use bench_contract::ExitCode;
use bench_yaml::{Color, Diagnostic, render};
use clap::{ColorChoice, ValueEnum};

use crate::diagnostics::{exit_code, summary};
use crate::messages;
use crate::values::system_reason;

/// How problems are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// With the lines in question and a caret.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
    /// Annotations of GitHub Actions.
    Github,
}

/// Why a command ended without its data.
#[derive(Debug)]
pub enum Failure {
    /// The input is wrong.
    Problems {
        /// Everything that is wrong, warnings among it.
        problems: Vec<Diagnostic>,
        /// What did not happen because of it: `nothing was rendered`.
        consequence: String,
        /// A text that shows where.
        debug: Option<String>,
    },
    /// The command line says something that cannot be.
    Usage(Box<Diagnostic>),
    /// A file or stream cannot be read or written.
    Io(Box<Diagnostic>),
    /// Nothing went wrong: there are differences, and they were to be told by the exit code.
    Differences,
    /// Nothing went wrong: what was printed is a verdict, and this is its exit code.
    Verdict(ExitCode),
}

impl Failure {
    /// Wrong input, without more to show.
    #[must_use]
    pub fn of(problems: Vec<Diagnostic>, consequence: impl Into<String>) -> Self {
        Self::Problems {
            problems,
            consequence: consequence.into(),
            debug: None,
        }
    }

    /// Both at once, where both are wrong input; else the first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Problems {
                    mut problems,
                    consequence,
                    debug,
                },
                Self::Problems { problems: more, .. },
            ) => {
                // What both sides share is said once.
                let new: Vec<Diagnostic> = more
                    .into_iter()
                    .filter(|problem| !problems.contains(problem))
                    .collect();
                problems.extend(new);
                Self::Problems {
                    problems,
                    consequence,
                    debug,
                }
            }
            (first, _) => first,
        }
    }

    /// A command line that says something that cannot be, and what to write instead.
    #[must_use]
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage(Box::new(Diagnostic::error("", message).help(help)))
    }

    /// A file or stream that cannot be read or written, and what to do about it.
    #[must_use]
    pub fn io(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Io(Box::new(Diagnostic::error("", message).help(help)))
    }
}

/// Standard output cannot be written to.
#[must_use]
pub fn cannot_print(error: &io::Error) -> Failure {
    Failure::io(
        format!("cannot write to stdout: {}", system_reason(error)),
        "make room where it goes, or send it elsewhere",
    )
}

/// Where a command's data and messages go.
#[derive(Debug)]
pub struct Output {
    color: Color,
    data_color: Color,
    format: MessageFormat,
}

impl Output {
    /// An output that colours as it was asked for: `auto` on a terminal, unless `NO_COLOR` is set.
    #[must_use]
    pub fn new(choice: ColorChoice, format: MessageFormat) -> Self {
        let color = |is_terminal: bool| match choice {
            ColorChoice::Always => Color::Always,
            ColorChoice::Auto
                if is_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) =>
            {
                Color::Always
            }
            ColorChoice::Auto | ColorChoice::Never => Color::Never,
        };
        Self {
            color: color(io::stderr().is_terminal()),
            data_color: color(io::stdout().is_terminal()),
            format,
        }
    }

    /// Whether data on stdout is to be coloured.
    #[must_use]
    pub fn data_color(&self) -> Color {
        self.data_color
    }

    /// How problems are written, and verdicts with them.
    #[must_use]
    pub fn format(&self) -> MessageFormat {
        self.format
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
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(cannot_print(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes something that is no problem to stderr.
    pub fn note(&self, text: &str) {
        let text = match self.format {
            MessageFormat::Human => format!("{text}\n"),
            MessageFormat::Json => messages::json_note(text),
            MessageFormat::Github => messages::github_note(text),
        };
        // Nobody can be told when stderr is gone.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes warnings, or other problems, to stderr.
    pub fn warn(&self, problems: &[Diagnostic]) {
        if problems.is_empty() {
            return;
        }
        let text = match self.format {
            MessageFormat::Human => render(problems, self.color),
            MessageFormat::Json => messages::json(problems),
            MessageFormat::Github => messages::github(problems),
        };
        let _ = io::stderr().lock().write_all(text.as_bytes());
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
                if self.format == MessageFormat::Human {
                    self.note("");
                    self.note(&summary(problems, consequence));
                }
                exit_code(problems)
            }
            Failure::Usage(problem) => {
                self.warn(std::slice::from_ref(problem));
                ExitCode::Usage
            }
            Failure::Io(problem) => {
                self.warn(std::slice::from_ref(problem));
                ExitCode::Failed
            }
            Failure::Differences => ExitCode::Failed,
            Failure::Verdict(code) => *code,
        }
    }
}

fn numbered(text: &str) -> String {
    text.lines()
        .enumerate()
        .map(|(index, line)| format!("{:4} | {line}\n", index + 1))
        .collect()
}
