//! The command line.

use std::path::PathBuf;

use bench_contract::FailOn;
use bench_sim::SimArgs;
use clap::{Args, Parser, Subcommand};

/// An open-loop, streaming load generator for OpenAI-compatible LLM servers.
///
/// Requests are sent when the plan says, whether or not earlier ones have ended, and every latency is reported from the
/// planned instant as well as from the send.
#[derive(Debug, Parser)]
#[command(
    name = "loadgen",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  loadgen -c config.yml                              run a config
  benchctl config -f values.yaml | loadgen -c -      run what a Job would run, here
  loadgen -c config.yml --load.stages.0.rate 5       override any key of the config
  loadgen check -c config.yml                        check a config and show its plan
  loadgen sim --ttft 20ms --itl 5ms                  a server whose timing is known

Exit codes: 0 done, every SLO passed; 1 failed; 2 usage; 3 invalid config; 4 SLO failed; 5 SLO inconclusive;
6 measurement invalid; 7 no request succeeded; 8 interrupted"
)]
pub struct Cli {
    /// What to do; without a command, `run`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a config against its server, and judge the result.
    Run(RunArgs),
    /// Check a config and print what it would do; sends nothing.
    Check(ConfigArgs),
    /// Run an OpenAI-compatible server whose timing is known.
    Sim(Box<SimArgs>),
}

/// Where the config comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The config file (inference-perf's config.yml); `-` reads stdin.
    #[arg(
        short = 'c',
        long = "config_file",
        alias = "config-file",
        value_name = "FILE"
    )]
    pub config_file: Option<PathBuf>,
    /// Refuse unknown keys instead of warning about them.
    #[arg(long)]
    pub strict: bool,
}

/// The flags of `run`.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// Where the config comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Which results make the exit code other than 0: slo, inconclusive, invalid, error. Default: all.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub fail_on: Option<Vec<FailOn>>,
}
