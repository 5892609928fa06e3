//! The command line.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use bench_contract::{FailOn, RequestsPerSecond, Seconds, parse_duration};
use bench_sim::SimArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
  loadgen selftest                                   how exact the instrument is here, and up to which rate

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
    /// Measure the instrument itself on this machine or pod: its error at each rate, and the highest rate that it can hold.
    Selftest(SelftestArgs),
}

/// The flags of `selftest`.
#[derive(Args, Clone, Debug)]
pub struct SelftestArgs {
    /// Rates to measure, in requests/s; from the last one on, the highest that can be held is searched.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "10,100,1000",
        value_parser = rate
    )]
    pub rates: Vec<RequestsPerSecond>,
    /// Beyond this rate nothing is searched.
    #[arg(long, value_name = "RATE", default_value = "100000", value_parser = rate)]
    pub up_to: RequestsPerSecond,
    /// Tokens of each reply.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub tokens: u32,
    /// How long each rate is held.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub duration: Seconds,
    /// How the result is printed.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns for people.
    Table,
    /// For programs.
    Json,
}

fn rate(text: &str) -> Result<RequestsPerSecond, String> {
    let value: f64 = text.trim().parse().map_err(|_| "not a number")?;
    RequestsPerSecond::new(value).map_err(|error| error.to_string())
}

fn duration(text: &str) -> Result<Seconds, String> {
    let seconds = parse_duration(text).and_then(Seconds::new);
    match seconds.map_err(|error| error.to_string())? {
        short if short < Seconds::whole(1) => Err("must be at least 1 s".to_owned()),
        seconds => Ok(seconds),
    }
}

/// An address with a port; without an address, every one of this machine.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    match text.strip_prefix(':') {
        Some(port) => port
            .parse()
            .map(|port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)))
            .map_err(|_| "not a port".to_owned()),
        None => text
            .parse()
            .map_err(|_| "not an address with a port, such as 127.0.0.1:9090 or :9090".to_owned()),
    }
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
    /// The file in which the verdict is left for Kubernetes, if it is there: the container's `terminationMessagePath`.
    #[arg(long, value_name = "FILE", default_value = "/dev/termination-log")]
    pub termination_log: PathBuf,
    /// Serve Prometheus metrics of the run at http://ADDRESS/metrics while it goes on; `:9090` is every address of this machine.
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address)]
    pub metrics_listen: Option<SocketAddr>,
}
