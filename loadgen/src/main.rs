//! `loadgen`: reads the command line, calls the library, exits with the verdict's code.

use std::process::ExitCode as ProcessExit;

use bench_contract::ExitCode;
use clap::Parser;
use loadgen::cli::{Cli, Command, ConfigArgs};
use loadgen::config::{Override, split_overrides};
use loadgen::{check, notice, run, selftest};

fn main() -> ProcessExit {
    let (arguments, overrides) = match split_overrides(std::env::args_os()) {
        Ok(split) => split,
        Err(error) => {
            notice(&format!("error: {error}"));
            return ExitCode::Usage.into();
        }
    };
    let cli = Cli::parse_from(arguments);
    match cli.command {
        None => start(&cli.run.config, |text| run::run(text, &overrides, &cli.run)),
        Some(Command::Run(args)) => start(&args.config, |text| run::run(text, &overrides, &args)),
        Some(Command::Check(args)) => start(&args, |text| check::check(text, &overrides, &args)),
        Some(Command::Sim(args)) => alone("sim", &overrides, || simulate(*args)),
        Some(Command::Selftest(args)) => {
            alone("selftest", &overrides, || selftest::selftest(&args))
        }
    }
}

fn start(args: &ConfigArgs, command: impl FnOnce(&bench_yaml::Source) -> ExitCode) -> ProcessExit {
    match run::read_config(args) {
        Ok(source) => command(&source).into(),
        Err((code, error)) => {
            notice(&format!("error: {error}"));
            code.into()
        }
    }
}

/// A command that reads no config has no keys to override.
fn alone(name: &str, overrides: &[Override], command: impl FnOnce() -> ExitCode) -> ProcessExit {
    match overrides.first() {
        Some(first) => {
            notice(&format!("error: `{name}` has no key --{}", first.path));
            ExitCode::Usage.into()
        }
        None => command().into(),
    }
}

fn simulate(args: bench_sim::SimArgs) -> ExitCode {
    // The simulator says itself where it listens.
    match bench_sim::run(args, |_| ()) {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            notice(&format!("error: {error}"));
            ExitCode::Failed
        }
    }
}
