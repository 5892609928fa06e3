//! The arguments of `benchctl report`.

use std::path::PathBuf;

use bench_contract::{FailOn, Metric};
use bench_report::compare::Margin;
use clap::{Args, Subcommand, ValueEnum};

use crate::commands::report::compare::{margin, metric, percentile};

/// `benchctl report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// What to do with the report.
    #[command(subcommand)]
    pub command: ReportCommand,
}

/// `benchctl report …`.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// The table that loadgen prints at the end of a run.
    Show {
        /// report.json, the folder of a run (also in a store: s3://bucket/folder, gs://…, az://…), or - for stdin.
        path: String,
    },
    /// The page that loadgen writes at the end of a run, and its pictures.
    Html {
        /// report.json, the folder of a run (also in a store: s3://bucket/folder, gs://…, az://…), or - for stdin.
        path: String,
        /// Write the page to this file, which is replaced if it is there, instead of stdout.
        #[arg(short = 'o', long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write the pictures into this directory, as SVG files; without -o, nothing else is written.
        #[arg(long, value_name = "DIR")]
        plots: Option<PathBuf>,
    },
    /// Judge a run by objectives: those of a file, or its own once more. The exit code is the verdict's.
    Judge {
        /// report.json, the folder of a run (also in a store: s3://bucket/folder, gs://…, az://…), or - for stdin.
        path: String,
        /// A file with objectives: a list of them, or a mapping with slo and goodput, a values file, a config.yml; - for
        /// stdin. Without it, the run's own objectives.
        #[arg(short = 'f', long, value_name = "FILE")]
        slo: Option<String>,
        /// Which results make the exit code other than 0: slo, inconclusive, invalid, error. Default: all.
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        fail_on: Option<Vec<FailOn>>,
        /// Write the verdicts to this file too, as JUnit's XML.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Make one run of several: of the shards of one plan, or of repeats of one config.
    Merge {
        /// Folders of runs, or their report.json, with the records beside them.
        #[arg(required = true)]
        paths: Vec<String>,
        /// The folder to write to; files that are there are replaced.
        #[arg(short = 'o', long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Put runs beside a first one: how much latencies have shifted, and how sure that is.
    Compare(CompareArgs),
    /// Rows for notebooks, or the files that other programs read.
    Convert(ConvertArgs),
}

/// `benchctl report compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The run to compare with: report.json, the folder of a run, or - for stdin.
    pub base: String,
    /// Runs beside it.
    #[arg(required = true, value_name = "OTHER")]
    pub others: Vec<String>,
    /// Latencies to compare [default: ttft_scheduled,tpot,e2e_scheduled].
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = metric)]
    pub metric: Option<Vec<Metric>>,
    /// Percentiles to compare [default: 50,99].
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = percentile)]
    pub percentile: Option<Vec<f64>>,
    /// Tell by the exit code whether a figure is worse by more than a margin: 4 where it surely is, 5 where that is open or cannot
    /// be looked at. A margin is 5% (of every latency), tpot=5%, ttft_scheduled:p99=10%, or of a share in points, error_rate=1%.
    #[arg(long, value_name = "MARGINS", value_delimiter = ',', value_parser = margin)]
    pub fail_on_regression: Option<Vec<Margin>>,
    /// How the comparison is printed.
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = false
    )]
    pub output: CompareFormat,
    /// Write a picture of the shifts into this directory, as an SVG file.
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For a terminal.
    #[default]
    Table,
    /// For programs.
    Json,
    /// As a page.
    Html,
}

/// `benchctl report convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// report.json, the folder of a run (also in a store: s3://bucket/folder, gs://…, az://…), or - for stdin.
    pub path: String,
    /// What to make of it.
    #[arg(long, value_name = "FORMAT", hide_possible_values = false)]
    pub to: ConvertTo,
    /// What a row is: requests, or stages for one a stage, metric and percentile [default: requests].
    #[arg(long, value_name = "ROWS")]
    pub what: Option<ConvertWhat>,
    /// Write to this file, which is replaced if it is there, instead of stdout; for inference-perf, into this folder.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What results are converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConvertTo {
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JUnit's XML, for the test reports of CI systems.
    Junit,
    /// The report files of inference-perf.
    InferencePerf,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConvertWhat {
    /// A request.
    Requests,
    /// A percentile of a metric of a stage.
    Stages,
}
