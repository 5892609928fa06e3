//! The manifests of a run, as text.

use bench_contract::Config;
use bench_yaml::{ParseOptions, Source, parse};
use minijinja::value::{Serde, Value};
use serde_json::Value as Json;

use super::context::{Context, context};
use super::environment::Templates;
use super::names::{Names, full_name, hash, names};
use super::yaml::to_yaml;
use crate::problem::{Anchor, Problem};
use crate::scenario::Run;
use crate::scenario::raw::NameSuffix;

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
/// Names that do not fit, and templates that are wrong.
pub fn render(
    run: &Run,
    templates: &Templates,
    given_name: Option<&str>,
    with_namespace: bool,
) -> Result<Rendered, Vec<Problem>> {
    match attempt(run, templates, given_name, with_namespace) {
        (Some(rendered), problems) if problems.is_empty() => Ok(rendered),
        (_, problems) => Err(problems),
    }
}

/// The same, going on with other names where those that were asked for do not fit: so that what else is wrong is seen.
pub(crate) fn attempt(
    run: &Run,
    templates: &Templates,
    given_name: Option<&str>,
    with_namespace: bool,
) -> (Option<Rendered>, Vec<Problem>) {
    let (names, mut problems) = names(&run.values, given_name, &run.scenario);
    let written = write(run, templates, &names, with_namespace, |hash| {
        let suffix = run.benchmark().job.name_suffix;
        let name = full_name(&names, suffix, hash, given_name);
        name.or_else(|problem| {
            problems.push(*problem);
            full_name(&names, NameSuffix::Hash, hash, given_name)
        })
    });
    match written {
        Ok(rendered) => (Some(rendered), problems),
        Err(more) => {
            problems.extend(more);
            (None, problems)
        }
    }
}

/// Writes the manifests under the name that `name` makes of the hash.
fn write(
    run: &Run,
    templates: &Templates,
    names: &Names,
    with_namespace: bool,
    name: impl FnOnce(&str) -> Result<String, Box<Problem>>,
) -> Result<Rendered, Vec<Problem>> {
    let one = |problem: Box<Problem>| vec![*problem];
    let at = |name: &str| -> Result<(Config, Context), Box<Problem>> {
        let config = run.config(name);
        let config_yml =
            to_yaml(&config).map_err(|error| internal(templates, &error.to_string()))?;
        Ok((
            config,
            context(run, names, name, config_yml, with_namespace),
        ))
    };
    // Under its bare name first: what the hash is taken over cannot hold the hash.
    let (bare_config, bare) = at(&names.base).map_err(one)?;
    let bare = Value::from(Serde(&bare));
    // Where the Job's template is wrong, others may be, too.
    let job = hashed(templates, &bare).or_else(|problem| {
        documents(templates, &bare)?;
        Err(one(problem))
    })?;
    let config =
        canonical(&bare_config).map_err(|error| one(internal(templates, &error.to_string())))?;
    let hash = hash(&[&config, &job, &run.benchmark().job.run]);
    let name = name(&hash).map_err(one)?;

    let (config, context) = at(&name).map_err(one)?;
    let documents = documents(templates, &Value::from(Serde(&context)))?;
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

/// What makes another Job of it, besides the config: the Job's spec; all other templates of a chart of one's own.
fn hashed(templates: &Templates, context: &Value) -> Result<String, Box<Problem>> {
    let job = "job.yaml";
    if templates.names().any(|name| name == job) {
        return Ok(spec_of(&templates.write(job, context)?));
    }
    let mut all = String::new();
    for name in templates.names() {
        all.push_str(&templates.write(name, context)?);
    }
    Ok(all)
}

/// Everything that templates print, one document for each object, in the order in which Helm applies kinds.
///
/// # Errors
/// Every template that is wrong.
pub(super) fn documents(
    templates: &Templates,
    context: &Value,
) -> Result<Vec<Document>, Vec<Problem>> {
    let (mut documents, mut problems) = (Vec::new(), Vec::<Problem>::new());
    for name in templates.names() {
        let text = match templates.write(name, context) {
            Ok(text) => text,
            Err(problem) => {
                // Several may include what is wrong.
                if !problems.contains(&*problem) {
                    problems.push(*problem);
                }
                continue;
            }
        };
        let lines: Vec<&str> = text.lines().collect();
        for part in lines.split(|line| line.trim_end() == "---") {
            let part = part.join("\n");
            let is_empty = part
                .lines()
                .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
            if !is_empty {
                documents.push(Document {
                    source: templates.source(name),
                    text: format!("{}\n", part.trim_matches('\n')),
                });
            }
        }
    }
    documents.sort_by_key(|document| rank(&document.text));
    if problems.is_empty() {
        Ok(documents)
    } else {
        Err(problems)
    }
}

/// The place of a document's kind in Helm's order of installation; what is not known comes last.
fn rank(text: &str) -> usize {
    const ORDER: [&str; 20] = [
        "PriorityClass",
        "Namespace",
        "NetworkPolicy",
        "ResourceQuota",
        "LimitRange",
        "PodDisruptionBudget",
        "ServiceAccount",
        "Secret",
        "ConfigMap",
        "StorageClass",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "Service",
        "Pod",
        "Job",
    ];
    let kind = text
        .lines()
        .find_map(|line| line.strip_prefix("kind:"))
        .unwrap_or_default()
        .trim()
        .trim_matches(['"', '\'']);
    ORDER
        .iter()
        .position(|known| *known == kind)
        .unwrap_or(ORDER.len())
}

/// A value that cannot be written.
fn internal(templates: &Templates, message: &str) -> Box<Problem> {
    let problem = templates.mistake(Anchor::Nowhere, message);
    Box::new(if problem.help.is_empty() {
        problem.help("correct the template")
    } else {
        *problem
    })
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
