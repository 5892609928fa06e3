//! One file a command: read, call, write.

mod config;
mod render;
mod scenario;
mod schema;
mod values;

use bench_contract::ExitCode;
use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{Cli, Command};
use crate::output::{Failure, Output};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data, and go to stdout; the rest is wrong usage.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::Done,
                _ => ExitCode::Usage,
            };
        }
    };
    let output = Output::new(cli.color);
    match run(&cli.command, &output) {
        Ok(()) => ExitCode::Done,
        Err(failure) => output.failed(&failure),
    }
}

fn run(command: &Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Render(args) => render::run(args, output),
        Command::Values(args) => values::run(args, output),
        Command::Config(args) => config::run(args, output),
        Command::Scenario(args) => scenario::run(args, output),
        Command::Schema(args) => schema::run(args, output),
    }
}
