//! From a key of `config.yml` back to the key of the values that it came from.

use super::complete::join;
use super::resolve::SCENARIOS;

/// Where the keys of a scenario's config came from.
pub(super) struct Origins<'a> {
    /// The scenario's name.
    pub(super) scenario: &'a str,
    /// Whether the scenario has objectives of its own.
    pub(super) has_own_slo: bool,
}

impl Origins<'_> {
    /// The JSON pointer into the values for a dotted key of the config: `load.stages[0].rate` is
    /// `/benchmark/scenarios/<name>/load/stages/0/rate`.
    pub(super) fn pointer(&self, path: &str) -> String {
        let steps: Vec<String> = steps(path);
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        match steps.as_slice() {
            ["api", "headers", rest @ ..] => append("/benchmark/target/headers", rest),
            ["api", rest @ ..] => append("/benchmark/api", rest),
            ["server", "ca_path"] => "/benchmark/target/tls/caSecret".to_owned(),
            ["server", "insecure_skip_verify"] => {
                "/benchmark/target/tls/insecureSkipVerify".to_owned()
            }
            ["server", rest @ ..] => append(
                "/benchmark/target",
                &rest
                    .iter()
                    .map(|step| if *step == "type" { "server_type" } else { step })
                    .collect::<Vec<_>>(),
            ),
            ["tokenizer", ..] => "/benchmark/target/tokenizerPath".to_owned(),
            ["storage", ..] => "/benchmark/storage/s3".to_owned(),
            ["report", "goodput", "constraints", name] => join("/benchmark/goodput", name),
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

    fn in_scenario(&self, section: &str, rest: &[&str]) -> String {
        append(&join(&join(SCENARIOS, self.scenario), section), rest)
    }
}

/// What a check of the config says, in the words of the values.
pub(super) fn in_values_words(text: &str) -> String {
    const WORDS: [(&str, &str); 18] = [
        (
            "write the rates as `stages`",
            "write the rates as `stages`, with `sweep: null`",
        ),
        (
            "report: {goodput: {constraints: {ttft: 1.2}}}",
            "benchmark: {goodput: {ttft: 1200ms}}",
        ),
        (
            "server: {type: vllm, base_url: http://host:8000}",
            "benchmark.target.baseUrl: http://host:8000",
        ),
        ("input_distribution", "input"),
        ("output_distribution", "output"),
        ("`api.streaming`", "`benchmark.api.streaming`"),
        ("set api.streaming", "set benchmark.api.streaming"),
        ("std_dev", "stdDev"),
        ("end_rate", "endRate"),
        ("num_requests", "numRequests"),
        ("concurrency_level", "concurrencyLevel"),
        ("max_in_flight", "maxInFlight"),
        ("num_workers", "numWorkers"),
        ("base_url", "baseUrl"),
        ("model_name", "modelName"),
        ("ignore_eos", "ignoreEos"),
        ("ready_timeout", "readyTimeout"),
        (
            "a key belongs into OPENAI_API_KEY",
            "a key belongs into a Secret: benchmark.target.apiKeySecret",
        ),
    ];
    WORDS
        .iter()
        .fold(text.to_owned(), |text, (config, values)| {
            text.replace(config, values)
        })
}

fn append(pointer: &str, steps: &[&str]) -> String {
    steps.iter().fold(pointer.to_owned(), |pointer, step| {
        join(&pointer, &camel(step))
    })
}

/// `load.stages[0].rate` as `load`, `stages`, `0`, `rate`. What follows `constraints.` is one name, dots and all.
fn steps(path: &str) -> Vec<String> {
    if let Some(name) = path.strip_prefix("report.goodput.constraints.") {
        return ["report", "goodput", "constraints", name]
            .map(str::to_owned)
            .to_vec();
    }
    path.split(['.', '['])
        .map(|step| step.trim_end_matches(']').to_owned())
        .collect()
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

    #[test]
    fn config_keys_lead_back_to_values() {
        let origins = Origins {
            scenario: "production",
            has_own_slo: false,
        };
        for (path, pointer) in [
            (
                "load.stages[0].rate",
                "/benchmark/scenarios/production/load/stages/0/rate",
            ),
            (
                "load.warmup.duration",
                "/benchmark/scenarios/production/load/warmup/duration",
            ),
            (
                "load.num_workers",
                "/benchmark/scenarios/production/load/numWorkers",
            ),
            ("load.seed", "/benchmark/seed"),
            (
                "data.input_distribution.std_dev",
                "/benchmark/scenarios/production/data/input/stdDev",
            ),
            (
                "data.output_distribution",
                "/benchmark/scenarios/production/data/output",
            ),
            ("data.type", "/benchmark/scenarios/production/data/type"),
            ("server.base_url", "/benchmark/target/baseUrl"),
            ("server.type", "/benchmark/target/serverType"),
            ("api.type", "/benchmark/api/type"),
            ("slo[1]", "/benchmark/slo/1"),
            (
                "report.goodput.constraints.ttfo_x",
                "/benchmark/goodput/ttfo_x",
            ),
        ] {
            assert_eq!(origins.pointer(path), pointer, "{path}");
        }
        let own = Origins {
            scenario: "a/b",
            has_own_slo: true,
        };
        assert_eq!(own.pointer("slo[0]"), "/benchmark/scenarios/a~1b/slo/0");
    }
}
