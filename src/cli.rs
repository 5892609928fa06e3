//! The command line.

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

use crate::values::{Override, Sources};

/// Render LLM load tests into validated Kubernetes manifests.
///
/// Values files (-f) and --set change the built-in defaults and scenarios as in `helm template`. Everything is checked
/// before anything is printed: stdout carries data only, and nothing at all on failure.
#[derive(Debug, Parser)]
#[command(name = "benchctl", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// When messages on stderr are coloured.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    pub color: ColorChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed (I/O), 2 wrong usage, 3 invalid input.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the Kubernetes manifests of a scenario.
    #[command(visible_alias = "template", after_help = RENDER_EXAMPLES)]
    Render(RenderArgs),
    /// Print the values that result from defaults, presets, files and flags.
    #[command(after_help = VALUES_EXAMPLES)]
    Values(ValuesArgs),
    /// Print only the config.yml that the Job would run.
    #[command(after_help = CONFIG_EXAMPLES)]
    Config(ConfigArgs),
    /// List scenarios, or show one.
    #[command(after_help = SCENARIO_EXAMPLES)]
    Scenario(ScenarioArgs),
    /// Print a JSON Schema, for editors and validators.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
}

const RENDER_EXAMPLES: &str = "\
Examples:
  benchctl render -f custom-production.yaml | kubectl apply -f -
  benchctl render --scenario production --set benchmark.target.baseUrl=http://qwen3-vllm.default:8000
  benchctl render production-sim -f values.yaml -n benchmarking --create-namespace
  benchctl render -f values.yaml --set benchmark.engine=inference-perf -s Job";

const VALUES_EXAMPLES: &str = "\
Examples:
  benchctl values -f custom-production.yaml --provenance
  benchctl values -f values.yaml --user-supplied
  benchctl values --scenario sweep -o json";

const CONFIG_EXAMPLES: &str = "\
Examples:
  benchctl config -f values.yaml | loadgen -c -
  benchctl config --scenario production --set benchmark.engine=inference-perf > config.yml";

const SCENARIO_EXAMPLES: &str = "\
Examples:
  benchctl scenario list
  benchctl scenario show production > my-scenario.yaml
  benchctl scenario list -f values.yaml";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  benchctl schema > values.schema.json
  benchctl schema config
First line of a values file, for editors with yaml-language-server:
  # yaml-language-server: $schema=values.schema.json";

/// `benchctl render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// First part of the names of Job and ConfigMap [default: inference-perf].
    pub name: Option<String>,
    /// Print only these: the path of a template (templates/job.yaml), a Kind or Kind/name; repeatable.
    #[arg(short = 's', long, value_name = "SELECTOR")]
    pub show_only: Vec<String>,
    /// Write each manifest to a file in this directory instead of stdout.
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<std::path::PathBuf>,
    /// Format of the manifests.
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "yaml")]
    pub output: Format,
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
}

/// `benchctl schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which schema.
    #[arg(default_value = "values")]
    pub of: SchemaOf,
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

/// Where values come from, lowest first: defaults, presets, -f, --set-json, --set, --set-string, --set-file,
/// --set-literal, --scenario and --namespace.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Values")]
pub struct ValuesFlags {
    /// Values file, or - for stdin; repeatable, the last one wins.
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub files: Vec<String>,
    /// Set values: key1=val1,key2.inner=val2,list[0]=val3; repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Set values that stay strings whatever they look like.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set_string: Vec<String>,
    /// Set values from JSON: key=json, or a whole object.
    #[arg(long, value_name = "KEY=JSON")]
    pub set_json: Vec<String>,
    /// Set a value to the content of a file.
    #[arg(long, value_name = "KEY=FILE")]
    pub set_file: Vec<String>,
    /// Set one value to the text as it is, commas and all.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set_literal: Vec<String>,
    /// Namespace of every object; wins over benchmark.namespace.
    #[arg(short = 'n', long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The scenario to run; wins over benchmark.scenario.
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
}

impl ValuesFlags {
    /// The same as sources of values.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let flag = |flag, path, value: &Option<String>| {
            value.clone().map(|value| Override { flag, path, value })
        };
        let overrides = [
            flag(
                "--namespace",
                &["benchmark", "namespace"] as &[_],
                &self.namespace,
            ),
            flag("--scenario", &["benchmark", "scenario"], &self.scenario),
        ];
        Sources {
            values: self.files.clone(),
            set_json: self.set_json.clone(),
            set: self.set.clone(),
            set_string: self.set_string.clone(),
            set_file: self.set_file.clone(),
            set_literal: self.set_literal.clone(),
            overrides: overrides.into_iter().flatten().collect(),
        }
    }
}
