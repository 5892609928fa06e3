//! The command line.

mod args;
mod report_args;
mod values_flags;

pub use args::{
    CompletionsArgs, ConfigArgs, DiffArgs, DiffFormat, Format, InitArgs, ManArgs, PlanArgs,
    PlanFormat, RenderArgs, ScenarioArgs, ScenarioCommand, SchemaArgs, SchemaOf, ValidateArgs,
    ValuesArgs,
};
pub use report_args::{
    CompareArgs, CompareFormat, ConvertArgs, ConvertTo, ConvertWhat, ReportArgs, ReportCommand,
};
pub use values_flags::ValuesFlags;

use clap::{ColorChoice, Parser, Subcommand};

use crate::output::MessageFormat;

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
    /// How problems are written to stderr: for people, one JSON object a line, or as annotations of GitHub Actions.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = false
    )]
    pub message_format: MessageFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed (I/O), or differences (diff --exit-code), 2 wrong usage, 3 invalid input.";

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
    /// Check values files and manifests, each on its own; silent when all is well.
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate(ValidateArgs),
    /// Show what would change in the cluster's manifests, object by object.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Show what a run will do before it runs: requests, tokens, time, connections, cost.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Write a commented values file to start from.
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// List scenarios, show one, or write a new one.
    #[command(after_help = SCENARIO_EXAMPLES)]
    Scenario(ScenarioArgs),
    /// Show, judge, compare, merge and convert the reports of runs.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Print a JSON Schema, for editors and validators.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
    /// Print the completion script of a shell.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the manual page.
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
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
  benchctl scenario list -f values.yaml
  benchctl scenario new nightly --from production > nightly.yaml
  benchctl scenario fit AzureLLMInferenceTrace_conv.csv --stages 6 > as-in-azure.yaml";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  benchctl validate bench/*.yaml
  benchctl validate --strict --message-format github bench/*.yaml
  benchctl render -f values.yaml | benchctl validate -
Each file is checked on its own, over the built-in defaults: the values, the scenario that they choose and those that they
define, and the manifests that they render to. A file of manifests (apiVersion and kind) is checked as it is.";

const DIFF_EXAMPLES: &str = "\
Examples:
  benchctl diff -f new.yaml --against-values old.yaml
  benchctl diff -f values.yaml --against rendered.yaml --exit-code
  kubectl get job,configmap,serviceaccount -n benchmarking -o yaml | benchctl diff -f values.yaml --against -
Secrets are hidden. Of what comes from a cluster, the fields that a server fills in are no difference, and of objects that are
only there those are shown that benchctl made under the same NAME; earlier generations of a Job are not.";

const PLAN_EXAMPLES: &str = "\
Examples:
  benchctl plan -f values.yaml
  benchctl plan --scenario saturation --price-per-hour 32.77
  benchctl plan -f values.yaml --ttft 150ms --tpot 8ms -o json";

const INIT_EXAMPLES: &str = "\
Examples:
  benchctl init                      # writes benchctl.yaml
  benchctl init bench/nightly.yaml --scenario production
  benchctl init - --scenario sweep
  benchctl init --chart chart        # templates of your own, for --chart";

const REPORT_EXAMPLES: &str = "\
Examples:
  benchctl report show results
  benchctl report html results/report.json -o report.html
  benchctl report html results --plots pictures
  benchctl report judge results --slo slo.yaml
  benchctl report convert results --to csv -o requests.csv
  benchctl report compare before after --fail-on-regression ttft_scheduled:p99=10%
  benchctl report merge monday tuesday wednesday -o week
A report is the report.json of loadgen, or the folder of a run that it is in; - for stdin.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  benchctl completions bash > ~/.local/share/bash-completion/completions/benchctl
  benchctl completions zsh > ~/.zfunc/_benchctl
  benchctl completions fish > ~/.config/fish/completions/benchctl.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  benchctl man | man -l -
  benchctl man --output-dir ~/.local/share/man/man1";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  benchctl schema > values.schema.json
  benchctl schema config
  benchctl schema config --check config.yml
First line of a values file, for editors with yaml-language-server:
  # yaml-language-server: $schema=values.schema.json";
