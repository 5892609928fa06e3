//! One file a command: read, call, write.

mod completions;
mod config;
mod diff;
mod files;
mod init;
mod objects;
mod plan;
mod render;
pub(crate) mod report;
mod scenario;
mod schema;
mod select;
mod stored;
mod validate;
mod values;

use std::ffi::OsString;

use bench_contract::ExitCode;
use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches, ValueEnum};

use crate::chart::Chart;
use crate::cli::{Cli, Command};
use crate::output::{Failure, MessageFormat, Output, cannot_print};
use crate::pipeline::Checked;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = Cli::command()
        .color(color(std::env::args_os().skip(1)))
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let printed = error.print();
            // Help and version are data, and go to stdout; the rest is wrong usage.
            let is_data = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            return match printed {
                _ if !is_data => ExitCode::Usage,
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    let output = Output::new(ColorChoice::Auto, MessageFormat::Human);
                    output.failed(&cannot_print(&error))
                }
                Ok(()) | Err(_) => ExitCode::Done,
            };
        }
    };
    let output = Output::new(cli.color, cli.message_format);
    match run(&cli.command, &output) {
        Ok(()) => ExitCode::Done,
        Err(failure) => output.failed(&failure),
    }
}

/// The last `--color`, which wrong usage is coloured by too.
fn color(arguments: impl Iterator<Item = OsString>) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut is_next = false;
    for argument in arguments {
        let text = argument.to_string_lossy();
        if text == "--" {
            break;
        }
        let word = if is_next {
            Some(&*text)
        } else {
            text.strip_prefix("--color=")
        };
        choice = word
            .and_then(|word| ColorChoice::from_str(word, false).ok())
            .unwrap_or(choice);
        is_next = text == "--color";
    }
    choice
}

fn run(command: &Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Render(args) => render::run(args, output),
        Command::Values(args) => values::run(args, output),
        Command::Config(args) => config::run(args, output),
        Command::Scenario(args) => scenario::run(args, output),
        Command::Schema(args) => schema::run(args, output),
        Command::Validate(args) => validate::run(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Plan(args) => plan::run(args, output),
        Command::Init(args) => init::run(args, output),
        Command::Report(args) => report::run(args, output),
        Command::Completions(args) => completions::completions(args, output),
        Command::Man(args) => completions::man(args, output),
    }
}

/// The chart in a directory, or the built-in one.
fn chart(directory: Option<&std::path::Path>, consequence: &str) -> Result<Chart, Failure> {
    match directory {
        Some(directory) => Chart::read(directory),
        None => Chart::built_in(),
    }
    .map_err(|problems| Failure::of(problems, consequence))
}

/// The same, for commands that need scenarios.
fn chart_with_scenarios(
    directory: Option<&std::path::Path>,
    consequence: &str,
) -> Result<Chart, Failure> {
    let chart = chart(directory, consequence)?;
    if chart.is_foreign() {
        return Err(Failure::usage(
            "the values of this chart are its own, and it has no scenarios",
            "use it with render, values, diff and validate",
        ));
    }
    Ok(chart)
}

/// Whether the values switch everything off, which is said.
fn is_disabled(checked: &Checked, output: &Output, verb: &str) -> bool {
    let is_disabled = checked.is_disabled();
    if is_disabled {
        output.warn(&checked.said());
        output.note(&format!(
            "benchmark.enabled is false: there is nothing to {verb}"
        ));
    }
    is_disabled
}
