//! From a key of `config.yml` back to the key of the values that it came from.

use std::borrow::Cow;

use bench_contract::Config;
use bench_contract::config::{ConfigProblem, KeyPath, Piece, Severity, Spot, Step, Text};
use bench_yaml::{dotted, pointer_tokens};

use super::complete::join;
use super::raw::Engine;
use super::resolve::SCENARIOS;
use crate::problem::Problem;

/// Where the keys of a scenario's config came from.
pub(super) struct Origins<'a> {
    /// The scenario's name.
    pub(super) scenario: &'a str,
    /// Whether the scenario has objectives of its own.
    pub(super) has_own_slo: bool,
}

impl Origins<'_> {
    /// The JSON pointer into the values for a key of the config: `load.stages[0].rate` is
    /// `/benchmark/scenarios/<name>/load/stages/0/rate`.
    pub(super) fn pointer(&self, path: &KeyPath) -> String {
        let steps: Vec<Cow<'_, str>> = path.steps().iter().map(written).collect();
        let steps: Vec<&str> = steps.iter().map(AsRef::as_ref).collect();
        match steps.as_slice() {
            // Names that are the user's stay as they are.
            ["api", "headers", rest @ ..] => joined("/benchmark/target/headers", rest),
            ["report", "goodput", "constraints", rest @ ..] => joined("/benchmark/goodput", rest),
            ["api", "extra_body", rest @ ..] => joined("/benchmark/api/extraBody", rest),
            ["api", rest @ ..] => append("/benchmark/api", rest),
            ["server", "ca_path"] => "/benchmark/target/tls/caSecret".to_owned(),
            ["server", "insecure_skip_verify"] => {
                "/benchmark/target/tls/insecureSkipVerify".to_owned()
            }
            ["server", "type"] => "/benchmark/target/serverType".to_owned(),
            ["server", rest @ ..] => append("/benchmark/target", rest),
            ["tokenizer", ..] => "/benchmark/target/tokenizerPath".to_owned(),
            ["metrics", rest @ ..] => append("/benchmark/metrics", rest),
            ["storage", "simple_storage_service", "region_name"] => {
                "/benchmark/storage/s3/region".to_owned()
            }
            ["storage", "simple_storage_service", rest @ ..] => {
                append("/benchmark/storage/s3", rest)
            }
            ["storage", "google_cloud_storage", rest @ ..] => {
                append("/benchmark/storage/gcs", rest)
            }
            ["storage", "azure_blob_storage", rest @ ..] => {
                append("/benchmark/storage/azure", rest)
            }
            ["storage", "local_storage", rest @ ..] => append("/benchmark/storage/local", rest),
            ["storage", ..] => "/benchmark/storage".to_owned(),
            ["report", ..] => "/benchmark/goodput".to_owned(),
            ["slo", rest @ ..] if self.has_own_slo => self.in_scenario("slo", rest),
            ["slo", rest @ ..] => append("/benchmark/slo", rest),
            ["load", "seed", ..] => "/benchmark/seed".to_owned(),
            ["load", rest @ ..] => self.in_scenario("load", rest),
            ["data", "input_distribution", rest @ ..] => {
                append(&self.in_scenario("data", &["input"]), rest)
            }
            ["data", "output_distribution", rest @ ..] => {
                append(&self.in_scenario("data", &["output"]), rest)
            }
            ["data", rest @ ..] => self.in_scenario("data", rest),
            _ => "/benchmark".to_owned(),
        }
    }

    /// A sentence about the config for somebody who has written values.
    pub(super) fn told(&self, text: &Text) -> String {
        let mut told = String::new();
        for piece in text.pieces() {
            match piece {
                Piece::Words(words) => told.push_str(words),
                Piece::Path(path) => told.push_str(&dotted(&self.pointer(path))),
                Piece::Name(path) => {
                    let pointer = self.pointer(path);
                    told.push_str(&pointer_tokens(&pointer).last().unwrap_or_default());
                }
                Piece::ApiKey => told.push_str("a Secret: benchmark.target.apiKeySecret"),
            }
        }
        told
    }

    fn in_scenario(&self, section: &str, rest: &[&str]) -> String {
        append(&join(&join(SCENARIOS, self.scenario), section), rest)
    }
}

/// What is wrong with the config, as problems of the values that it came from.
pub(super) fn config_problems(
    config: &Config,
    engine: Engine,
    origins: &Origins<'_>,
) -> Vec<Problem> {
    let mut found = config.check();
    if engine == Engine::Loadgen {
        found.extend(config.check_engine());
    }
    found
        .iter()
        .map(|problem| located(problem, origins))
        .collect()
}

fn located(found: &ConfigProblem, origins: &Origins<'_>) -> Problem {
    let pointer = origins.pointer(&found.path);
    let in_data = found.path.steps().first() == Some(&Step::Key("data".to_owned()));
    let told = origins.told(&found.message);
    let steps: Vec<String> = pointer_tokens(&pointer).collect();
    // A limit's name alone does not say which side is meant.
    let message = match steps.as_slice() {
        [.., side, _] if in_data && matches!(side.as_str(), "input" | "output") => {
            format!("{side} length {told}")
        }
        _ => told,
    };
    let code = if in_data { "B120" } else { "B121" };
    let mut problem = match &found.spot {
        Spot::Key => Problem::key(code, &pointer, message),
        Spot::Value => Problem::value(code, &pointer, message),
        Spot::Part(part) => Problem::value(code, &pointer, message).part(part.clone()),
    };
    let mut help = found.help.as_ref().map(|help| origins.told(help));
    // Limits often stand elsewhere than what breaks them.
    match pointer.rsplit_once('/') {
        Some((side, "mean")) if in_data => {
            problem = problem
                .related(join(side, "min"), "min")
                .related(join(side, "max"), "max");
        }
        Some((side, "min")) if in_data => {
            problem = problem.related(join(side, "max"), "max");
            help = Some("set min and max together".to_owned());
        }
        _ => {}
    }
    problem = problem.help(help.unwrap_or_default());
    if found.path.to_string() == "load.sweep" {
        problem = problem.help("with stages write `sweep: null`, which takes the preset's away");
    }
    match found.severity {
        Severity::Error => problem,
        Severity::Warning => problem.warning(),
    }
}

fn written(step: &Step) -> Cow<'_, str> {
    match step {
        Step::Key(key) => key.as_str().into(),
        Step::Index(index) => index.to_string().into(),
    }
}

fn joined(pointer: &str, steps: &[&str]) -> String {
    steps
        .iter()
        .fold(pointer.to_owned(), |pointer, step| join(&pointer, step))
}

fn append(pointer: &str, steps: &[&str]) -> String {
    steps.iter().fold(pointer.to_owned(), |pointer, step| {
        join(&pointer, &camel(step))
    })
}

fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(scenario: &str, has_own_slo: bool) -> Origins<'_> {
        Origins {
            scenario,
            has_own_slo,
        }
    }

    #[test]
    fn config_keys_lead_back_to_values() {
        let at = |path: &str| KeyPath::from(path);
        for (path, pointer) in [
            (
                at("load.stages").index(0).key("rate"),
                "/benchmark/scenarios/production/load/stages/0/rate",
            ),
            (
                at("load.warmup.duration"),
                "/benchmark/scenarios/production/load/warmup/duration",
            ),
            (
                at("load.num_workers"),
                "/benchmark/scenarios/production/load/numWorkers",
            ),
            (at("load.seed"), "/benchmark/seed"),
            (
                at("data.input_distribution.std_dev"),
                "/benchmark/scenarios/production/data/input/stdDev",
            ),
            (
                at("data.output_distribution"),
                "/benchmark/scenarios/production/data/output",
            ),
            (at("data.type"), "/benchmark/scenarios/production/data/type"),
            (at("server.base_url"), "/benchmark/target/baseUrl"),
            (at("server.type"), "/benchmark/target/serverType"),
            (at("api.type"), "/benchmark/api/type"),
            (
                at("api.extra_body").key("n_best"),
                "/benchmark/api/extraBody/n_best",
            ),
            (
                at("api.response_format.json_schema"),
                "/benchmark/api/responseFormat/jsonSchema",
            ),
            (
                at("load.lora_traffic_split").index(1).key("split"),
                "/benchmark/scenarios/production/load/loraTrafficSplit/1/split",
            ),
            (at("slo").index(1), "/benchmark/slo/1"),
            (
                at("storage.simple_storage_service.region_name"),
                "/benchmark/storage/s3/region",
            ),
            (
                at("storage.azure_blob_storage.container_name"),
                "/benchmark/storage/azure/containerName",
            ),
            (
                at("report.goodput.constraints").key("a_b.c"),
                "/benchmark/goodput/a_b.c",
            ),
            (
                at("api.headers").key("X_Y.num_workers"),
                "/benchmark/target/headers/X_Y.num_workers",
            ),
        ] {
            assert_eq!(
                origins("production", false).pointer(&path),
                pointer,
                "{path}"
            );
        }
        let slo = at("slo").index(0);
        assert_eq!(
            origins("a/b", true).pointer(&slo),
            "/benchmark/scenarios/a~1b/slo/0"
        );
    }

    #[test]
    fn only_keys_are_translated() {
        let text = Text::from("`std_dev num_workers api.streaming` has no `")
            .name("data.input_distribution")
            .words("`; set ")
            .path("api.streaming")
            .words(" or ")
            .api_key();
        assert_eq!(
            origins("s", false).told(&text),
            "`std_dev num_workers api.streaming` has no `input`; set benchmark.api.streaming or \
             a Secret: benchmark.target.apiKeySecret"
        );
    }
}
