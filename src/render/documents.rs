//! The manifests of a run, as text.

use bench_contract::Config;
use minijinja::value::{Serde, Value};

use super::context::{Context, context};
use super::environment::{TEMPLATES, environment};
use super::names::{full_name, hash, names};
use super::yaml::to_yaml;
use crate::problem::{Anchor, Problem};
use crate::scenario::Run;

/// One manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The template that it came from: `benchctl/templates/job.yaml`.
    pub source: String,
    /// Its YAML, without a separator, ending in a line feed.
    pub text: String,
}

/// Everything that a run amounts to.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The manifests in the order in which they are applied.
    pub documents: Vec<Document>,
    /// The config that the Job runs.
    pub config: Config,
    /// The same as the text in the ConfigMap.
    pub config_yml: String,
    /// The name of Job and ConfigMap.
    pub name: String,
}

impl Rendered {
    /// The manifests as one text, each with its separator and source.
    #[must_use]
    pub fn text(&self) -> String {
        self.documents
            .iter()
            .map(|document| format!("---\n# Source: {}\n{}", document.source, document.text))
            .collect()
    }
}

/// Renders a run under NAME, with a Namespace first where it is wanted. A pure function: the same bytes everywhere.
///
/// # Errors
/// When a name does not fit, or a template is wrong.
pub fn render(
    run: &Run,
    given_name: Option<&str>,
    with_namespace: bool,
) -> Result<Rendered, Box<Problem>> {
    let names = names(&run.values, given_name, &run.scenario)?;
    let environment = environment().map_err(|error| internal(&error))?;
    let at = |name: &str| -> Result<(Config, Context), Box<Problem>> {
        let config = run.config(name);
        let config_yml = to_yaml(&config).map_err(|error| internal(&error))?;
        Ok((
            config,
            context(run, &names, name, config_yml, with_namespace),
        ))
    };
    let write = |template: &str, context: &Value| -> Result<String, Box<Problem>> {
        let template = environment
            .get_template(template)
            .map_err(|error| internal(&error))?;
        template
            .render(context.clone())
            .map_err(|error| internal(&error))
    };
    // Under its bare name first: what the hash is taken over cannot hold the hash.
    let (_, bare) = at(&names.base)?;
    let job = write("job.yaml", &Value::from(Serde(&bare)))?;
    let spec = job
        .split_once("\nspec:")
        .map_or(job.as_str(), |(_, spec)| spec);
    let benchmark = run.benchmark();
    let hash = hash(&[&bare.config_yml, spec, &benchmark.job.run]);
    let name = full_name(&names, benchmark.job.name_suffix, &hash, given_name)?;

    let (config, context) = at(&name)?;
    let values = Value::from(Serde(&context));
    let mut documents = Vec::with_capacity(TEMPLATES.len());
    for (template, _) in TEMPLATES {
        let text = write(template, &values)?;
        if !text.trim().is_empty() {
            documents.push(Document {
                source: format!("benchctl/templates/{template}"),
                text: format!("{}\n", text.trim_end()),
            });
        }
    }
    Ok(Rendered {
        documents,
        config,
        config_yml: context.config_yml,
        name,
    })
}

fn internal(error: &dyn std::error::Error) -> Box<Problem> {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    let problem = Problem::error(
        "B901",
        Anchor::Nowhere,
        format!("a template cannot be rendered: {message}"),
    );
    Box::new(problem.help("this is a mistake of benchctl, please report it"))
}
