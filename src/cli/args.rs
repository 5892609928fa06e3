//! The arguments of each command.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ValuesFlags;
use crate::validate::kubernetes::KubeVersion;

/// `benchctl render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// First part of the names of Job and ConfigMap [default: inference-perf].
    pub name: Option<String>,
    /// Print only these: the path of a template (templates/job.yaml), a Kind or Kind/name; `*` stands for any text;
    /// repeatable.
    #[arg(short = 's', long, value_name = "SELECTOR")]
    pub show_only: Vec<String>,
    /// Write each manifest to a file in this directory instead of stdout.
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Format of the manifests.
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "yaml")]
    pub output: Format,
    /// The Kubernetes version that the manifests are for, 1.26 to 1.37; some fields of a Job are newer than some clusters.
    #[arg(long, value_name = "X.Y", default_value_t)]
    pub kube_version: KubeVersion,
    /// Print the Namespace too, first.
    #[arg(long)]
    pub create_namespace: bool,
    /// Do not check the values against their schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// Do not check the manifests against Kubernetes.
    #[arg(long)]
    pub skip_manifest_validation: bool,
    /// When a manifest is refused, show it on stderr.
    #[arg(long)]
    pub debug: bool,
    /// Values.
    #[command(flatten)]
    pub values: ValuesFlags,
}

/// `benchctl values`.
#[derive(Debug, Args)]
pub struct ValuesArgs {
    /// Say for each value which layer set it.
    #[arg(long)]
    pub provenance: bool,
    /// Print only what files and flags gave.
    #[arg(long, conflicts_with = "provenance")]
    pub user_supplied: bool,
    /// Format.
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "yaml")]
    pub output: Format,
    /// Do not check the values against their schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// Values.
    #[command(flatten)]
    pub values: ValuesFlags,
}

/// `benchctl config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// First part of the Job's name, which the upload path ends with [default: inference-perf].
    pub name: Option<String>,
    /// Do not check the values against their schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// Values.
    #[command(flatten)]
    pub values: ValuesFlags,
}

/// `benchctl scenario`.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// What to do with scenarios.
    #[command(subcommand)]
    pub command: ScenarioCommand,
}

/// `benchctl scenario …`.
#[derive(Debug, Subcommand)]
pub enum ScenarioCommand {
    /// A table of the presets, and of the scenarios in the values.
    List {
        /// Values.
        #[command(flatten)]
        values: ValuesFlags,
    },
    /// The text of a preset, or a scenario as the values make it.
    Show {
        /// The scenario.
        name: String,
        /// Values.
        #[command(flatten)]
        values: ValuesFlags,
    },
    /// A values file with a new scenario, complete, made from another one and from the values.
    New {
        /// The name of the new scenario.
        name: String,
        /// The scenario that it starts as.
        #[arg(long, value_name = "NAME", default_value = "baseline")]
        from: String,
        /// Write it to this file, which must not exist, instead of stdout.
        #[arg(short = 'O', long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Values.
        #[command(flatten)]
        values: ValuesFlags,
    },
    /// A values file with a scenario that sends what a trace shows: lengths, rate, burstiness; the fit stands beside the data.
    Fit {
        /// CSV of the Azure LLM inference traces (TIMESTAMP, ContextTokens, GeneratedTokens), or loadgen's requests.jsonl;
        /// compressed by zstd or not; - for stdin.
        trace: String,
        /// The name of the scenario.
        #[arg(long, value_name = "NAME", default_value = "fitted")]
        name: String,
        /// How many stages: the trace is cut into so many parts of equal length, each with its own rate.
        #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        stages: u32,
        /// How long all stages take together, in whole seconds, one at least for each [default: as long as the trace].
        #[arg(long, value_name = "DURATION")]
        duration: Option<bench_contract::Seconds>,
        /// Write it to this file, which must not exist, instead of stdout.
        #[arg(short = 'O', long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// `benchctl schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which schema.
    #[arg(default_value = "values")]
    pub of: SchemaOf,
    /// Check this file (YAML or JSON; - for stdin) by the schema instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub check: Option<String>,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Values files of benchctl.
    Values,
    /// config.yml of loadgen.
    Config,
    /// report.json of loadgen.
    Report,
}

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// YAML that YAML 1.1 and 1.2 read alike.
    Yaml,
    /// JSON.
    Json,
}

/// `benchctl validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Values files or manifests; - for stdin.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Warnings are errors.
    #[arg(long)]
    pub strict: bool,
    /// The Kubernetes version that manifests are checked for, 1.26 to 1.37.
    #[arg(long, value_name = "X.Y", default_value_t)]
    pub kube_version: KubeVersion,
    /// A chart of your own, over whose defaults each values file is laid.
    #[arg(long, value_name = "DIR")]
    pub chart: Option<PathBuf>,
}

/// `benchctl diff`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("old").required(true).multiple(false))]
pub struct DiffArgs {
    /// First part of the names of Job and ConfigMap [default: inference-perf].
    pub name: Option<String>,
    /// Compare with these manifests: a file, or - for stdin.
    #[arg(long, value_name = "FILE", group = "old")]
    pub against: Option<String>,
    /// Compare with what these values files render to; repeatable.
    #[arg(long, value_name = "FILE", group = "old")]
    pub against_values: Vec<String>,
    /// Format: what a person reads, or data.
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "unified")]
    pub output: DiffFormat,
    /// Unchanged lines around a change.
    #[arg(short = 'C', long, value_name = "LINES", default_value_t = 3)]
    pub context: usize,
    /// End with exit code 1 when there are differences.
    #[arg(long)]
    pub exit_code: bool,
    /// Values.
    #[command(flatten)]
    pub values: ValuesFlags,
}

/// How differences are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// A unified diff for each object.
    Unified,
    /// A list of objects with what changed in each, field by field.
    Json,
}

/// `benchctl plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Assumed time to the first token, for requests in flight; without it a limit on ttft in the SLOs, else 500ms.
    #[arg(long, value_name = "DURATION")]
    pub ttft: Option<bench_contract::Seconds>,
    /// Assumed time for each further token, for requests in flight; without it a limit on tpot in the SLOs, else 25ms.
    #[arg(long, value_name = "DURATION")]
    pub tpot: Option<bench_contract::Seconds>,
    /// What the server costs an hour, in any currency.
    #[arg(long, value_name = "PRICE")]
    pub price_per_hour: Option<f64>,
    /// Format.
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "table")]
    pub output: PlanFormat,
    /// Values.
    #[command(flatten)]
    pub values: ValuesFlags,
}

/// How a plan is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// `benchctl init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The file to write, or - for stdout.
    #[arg(default_value = "benchctl.yaml")]
    pub file: PathBuf,
    /// The preset that it runs.
    #[arg(long, value_name = "NAME", default_value = "baseline")]
    pub scenario: String,
    /// Write the built-in chart into this directory instead, for a chart of your own: values.yaml, templates/*.j2 and
    /// scenarios/*.yaml.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "scenario"])]
    pub chart: Option<PathBuf>,
    /// Overwrite files that exist.
    #[arg(long)]
    pub force: bool,
}

/// `benchctl completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `benchctl man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write the page and one for each command into this directory instead of stdout.
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
}
