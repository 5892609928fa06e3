//! The manifests of a run, as text.

use bench_contract::Config;
use bench_yaml::{ParseOptions, Source, parse};
use minijinja::value::{Serde, Value};
use serde_json::Value as Json;

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
    let (bare_config, bare) = at(&names.base)?;
    let job = write("job.yaml", &Value::from(Serde(&bare)))?;
    let benchmark = run.benchmark();
    let hash = hash(&[
        &canonical(&bare_config).map_err(|error| internal(&error))?,
        &spec_of(&job),
        &benchmark.job.run,
    ]);
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

/// The spec of a manifest as JSON with sorted keys: what a template says beside it (comments, order) is not the Job.
fn spec_of(manifest: &str) -> String {
    let parsed = parse(&Source::new("job.yaml", manifest), &ParseOptions::default());
    let document = parsed.documents.first().map(bench_yaml::Node::to_json);
    let spec = document.as_ref().and_then(|document| document.get("spec"));
    // What is not YAML is refused when it is read back.
    spec.map_or_else(|| manifest.to_owned(), |spec| sorted(spec).to_string())
}

fn canonical<T: serde::Serialize>(value: &T) -> Result<String, serde_json::Error> {
    Ok(sorted(&serde_json::to_value(value)?).to_string())
}

fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(entries) => {
            let mut pairs: Vec<(&String, &Json)> = entries.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            Json::Object(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            )
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_the_order_of_keys_are_not_the_job() {
        let one = spec_of("a: b\nspec:\n  # why\n  x: {p: 1, q: [2, 3]}\n  y: 4\n");
        let two = spec_of("spec:\n  y: 4\n  x: {q: [2, 3], p: 1}\n");
        assert_eq!(one, two);
        assert_ne!(one, spec_of("spec: {x: {p: 1, q: [3, 2]}, y: 4}\n"));
    }
}
