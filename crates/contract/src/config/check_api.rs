//! What is wrong with `api`.

use super::problem::{KeyPath, Problems, Spot, Text};
use super::{ApiType, Config, ResponseFormatType, ServerType};

impl Config {
    pub(super) fn check_api(&self, found: &mut Problems) {
        let api = self.api.kind;
        let server = self.server.as_ref().map(|server| server.kind);
        let spoken = matches!(api, ApiType::Completion | ApiType::Chat);
        if server == Some(ServerType::Tgi) && !spoken {
            found.error(
                "api.type",
                format!("TGI has no `{}` ({})", api.as_str(), api.route()),
                Text::from("use completion or chat, or say in ")
                    .path("server.type")
                    .words(" what the server is"),
            );
        }
        if api == ApiType::Embeddings {
            self.check_embeddings(found);
        }
        self.check_response_format(found);
        self.check_extra_body(found);
    }

    fn check_embeddings(&self, found: &mut Problems) {
        if self.api.streaming {
            found.error(
                "api.streaming",
                "embeddings are never streamed: a reply comes as a whole",
                Text::from("set ").path("api.streaming").words(": false"),
            );
        }
        if self.data.output_distribution.is_some() {
            found.warn(
                "data.output_distribution",
                "embeddings have no generated tokens: no length is asked for",
                "remove it",
            );
        }
    }

    fn check_response_format(&self, found: &mut Problems) {
        let Some(format) = &self.api.response_format else {
            return;
        };
        let (api, server) = (
            self.api.kind,
            self.server.as_ref().map(|server| server.kind),
        );
        let path = KeyPath::from("api.response_format");
        let is_object = format.kind == ResponseFormatType::JsonObject;
        match (api, server) {
            (ApiType::Embeddings, _) => {
                found.error(path, "embeddings have no form to ask for", "remove it");
            }
            (ApiType::Completion, Some(server @ (ServerType::Openai | ServerType::Tgi))) => {
                found.error(
                    path,
                    format!(
                        "a server of type `{}` has no structured output for completions",
                        server.as_str()
                    ),
                    Text::from("set ").path("api.type").words(": chat"),
                );
            }
            (ApiType::AnthropicMessages, _) if is_object => found.error(
                path.key("type"),
                "Anthropic's API has structured output by a schema only",
                "use json_schema",
            ),
            _ if !is_object && format.json_schema.is_none() => found.error(
                path.clone(),
                Text::from("structured output by a schema needs `")
                    .name(path.key("json_schema"))
                    .words("`"),
                "add it, or set type: json_object",
            ),
            _ => {}
        }
    }

    fn check_extra_body(&self, found: &mut Problems) {
        let Some(extra) = &self.api.extra_body else {
            return;
        };
        let path = KeyPath::from("api.extra_body");
        if extra.contains_key("stream") {
            found.error_at(
                Spot::Key,
                path.key("stream"),
                "whether replies are streamed decides how they are read",
                Text::from("set ").path("api.streaming").words(" instead"),
            );
        }
        if extra.get("n").is_some_and(|n| *n != 1) {
            found.error(
                path.key("n"),
                "of several replies to one request only one would be measured",
                "remove it, and send more requests",
            );
        }
        let splits = self.load.lora_traffic_split.as_ref();
        if extra.contains_key("model") && splits.is_some_and(|split| !split.is_empty()) {
            found.error_at(
                Spot::Key,
                path.key("model"),
                Text::from("it would be asked for in place of every adapter of ")
                    .path("load.lora_traffic_split"),
                "remove one of the two",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The problems of a config with `patch` laid over it: where they are, and what they say.
    fn problems(api: &Value, patch: &Value) -> Vec<(String, String)> {
        let mut config = json!({
            "api": api,
            "data": {"type": "synthetic", "input_distribution": {"mean": 512, "min": 512, "max": 512}},
            "load": {"stages": [{"rate": 1, "duration": 60}]},
            "server": {"type": "vllm", "base_url": "http://a"}
        });
        if api_of(&config) != "embeddings" {
            config["data"]["output_distribution"] = json!({"mean": 9, "min": 9, "max": 9});
        }
        for (section, keys) in patch.as_object().unwrap() {
            match (config.get_mut(section), keys) {
                (Some(Value::Object(into)), Value::Object(from)) => into.extend(from.clone()),
                _ => config[section] = keys.clone(),
            }
        }
        let config: Config = serde_json::from_value(config).unwrap();
        let found = config.check().into_iter().chain(config.check_engine());
        found
            .map(|problem| (problem.path.to_string(), problem.message.to_string()))
            .collect()
    }

    fn api_of(config: &Value) -> &str {
        config["api"]["type"].as_str().unwrap_or_default()
    }

    #[test]
    fn every_api_can_be_asked_for() {
        for api in [
            "completion",
            "chat",
            "responses",
            "anthropic_messages",
            "embeddings",
        ] {
            let api = json!({"type": api, "streaming": api != "embeddings"});
            assert_eq!(problems(&api, &json!({})), []);
        }
    }

    #[test]
    fn what_an_api_cannot_do_is_named_where_it_is_asked_for() {
        let embeddings = || json!({"type": "embeddings"});
        let chat = |more: Value| {
            let mut api = json!({"type": "chat", "streaming": true});
            api.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            api
        };
        let of = |kind: &str, format: Value| json!({"type": kind, "response_format": format});
        for (api, patch, path, part) in [
            (
                json!({"type": "embeddings", "streaming": true}),
                json!({}),
                "api.streaming",
                "never streamed",
            ),
            (
                embeddings(),
                json!({"data": {"output_distribution": {"mean": 9, "min": 9, "max": 9}}}),
                "data.output_distribution",
                "no generated tokens",
            ),
            (
                embeddings(),
                json!({"slo": [{"metric": "ttft", "percentile": 99, "max": 1}]}),
                "slo[0].metric",
                "embeddings have none",
            ),
            (
                embeddings(),
                json!({"slo": [{"metric": "throughput", "min": 1}]}),
                "slo[0].metric",
                "embeddings have none",
            ),
            (
                embeddings(),
                json!({"report": {"goodput": {"constraints": {"tpot": 1}}}}),
                "report.goodput.constraints.tpot",
                "embeddings have none",
            ),
            (
                json!({"type": "responses"}),
                json!({"server": {"type": "tgi"}}),
                "api.type",
                "TGI has no `responses` (/v1/responses)",
            ),
            (
                of("embeddings", json!({"type": "json_object"})),
                json!({}),
                "api.response_format",
                "no form",
            ),
            (
                of("completion", json!({"type": "json_object"})),
                json!({"server": {"type": "openai"}}),
                "api.response_format",
                "`openai`",
            ),
            (
                of("anthropic_messages", json!({"type": "json_object"})),
                json!({}),
                "api.response_format.type",
                "schema only",
            ),
            (
                of("chat", json!({})),
                json!({}),
                "api.response_format",
                "`json_schema`",
            ),
            (
                chat(json!({"extra_body": {"stream": false}})),
                json!({}),
                "api.extra_body.stream",
                "how they are read",
            ),
            (
                chat(json!({"extra_body": {"n": 2}})),
                json!({}),
                "api.extra_body.n",
                "only one",
            ),
            (
                chat(json!({"extra_body": {"model": "x"}})),
                json!({"load": {"lora_traffic_split": [{"name": "a", "split": 1}]}}),
                "api.extra_body.model",
                "load.lora_traffic_split",
            ),
            (
                chat(json!({})),
                json!({"load": {"lora_traffic_split": [{"name": "a", "split": 0.5}, {"name": "b", "split": 0.4}]}}),
                "load.lora_traffic_split",
                "0.9",
            ),
            (
                chat(json!({})),
                json!({"load": {"lora_traffic_split": [{"name": "a", "split": -1}, {"name": "b", "split": 2}]}}),
                "load.lora_traffic_split[0].split",
                "between 0 and 1",
            ),
            (
                chat(json!({})),
                json!({"load": {"lora_traffic_split": [{"name": "a", "split": 0.5}, {"name": "a", "split": 0.5}]}}),
                "load.lora_traffic_split[1].name",
                "already",
            ),
            (
                chat(json!({})),
                json!({"load": {"lora_traffic_split": [{"name": "", "split": 1}]}}),
                "load.lora_traffic_split[0].name",
                "without a name",
            ),
        ] {
            let found = problems(&api, &patch);
            assert_eq!(found.len(), 1, "{path}: {found:?}");
            assert_eq!(found[0].0, path);
            assert!(found[0].1.contains(part), "{path}: {}", found[0].1);
        }
    }

    #[test]
    fn what_an_api_can_do_is_fine() {
        let fine = |api: Value, patch: Value| assert_eq!(problems(&api, &patch), []);
        let e2e = json!([{"metric": "e2e", "percentile": 99, "max": 1}, {"metric": "error_rate", "max": 0.1}]);
        fine(
            json!({"type": "embeddings"}),
            json!({"slo": e2e, "report": {"goodput": {"constraints": {"e2e": 1}}}}),
        );
        let schema = json!({"json_schema": {"type": "object"}});
        fine(
            json!({"type": "anthropic_messages", "response_format": schema}),
            json!({}),
        );
        fine(
            json!({"type": "chat", "extra_body": {"n": 1, "temperature": 0}}),
            json!({}),
        );
        let tenths: Vec<Value> = (0..10)
            .map(|place| json!({"name": place.to_string(), "split": 0.1}))
            .collect();
        fine(json!({}), json!({"load": {"lora_traffic_split": tenths}}));
    }
}
