//! `loadgen`: reads the command line, calls the library, exits with the verdict's code.

use std::process::ExitCode as ProcessExit;

use bench_contract::ExitCode;
use clap::Parser;
use loadgen::cli::{Cli, Command, ConfigArgs};
use loadgen::config::{Override, split_overrides};
use loadgen::{check, notice, run};

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
        Some(Command::Sim(args)) => simulate(*args, &overrides),
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

fn simulate(args: bench_sim::SimArgs, overrides: &[Override]) -> ProcessExit {
    if let Some(first) = overrides.first() {
        notice(&format!("error: `sim` has no key --{}", first.path));
        return ExitCode::Usage.into();
    }
    // The simulator says itself where it listens.
    match bench_sim::run(args, |_| ()) {
        Ok(()) => ExitCode::Done.into(),
        Err(error) => {
            notice(&format!("error: {error}"));
            ExitCode::Failed.into()
        }
    }
}
