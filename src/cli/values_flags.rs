//! Where values come from.

use clap::Args;

use crate::output::Failure;
use crate::values::{Override, Sources};

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
    /// A chart of your own in place of the built-in one: values.yaml, templates/*.j2, and perhaps scenarios/*.yaml and
    /// values.schema.json.
    #[arg(long, value_name = "DIR")]
    pub chart: Option<std::path::PathBuf>,
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

    /// Whether one of them reads standard input.
    #[must_use]
    pub fn read_stdin(&self) -> bool {
        let is_stdin = |text: &str| text.trim() == "-";
        let file = |argument: &String| argument.split(',').any(is_stdin);
        let pair = |pair: &str| pair.split_once('=').is_some_and(|(_, path)| is_stdin(path));
        let set_file = |argument: &String| argument.split(',').any(pair);
        self.files.iter().any(file) || self.set_file.iter().any(set_file)
    }

    /// The same for a chart whose values are its own: the namespace is the release's, and there are no scenarios.
    ///
    /// # Errors
    /// When a scenario is asked for.
    pub fn foreign_sources(&self) -> Result<Sources, Failure> {
        if self.scenario.is_some() {
            return Err(Failure::usage(
                "--scenario: the values of this chart are its own, and it has no scenarios",
                "leave it out",
            ));
        }
        Ok(Sources {
            overrides: Vec::new(),
            ..self.sources()
        })
    }
}
