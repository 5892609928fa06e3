use super::*;

fn parse(json: serde_json::Value) -> Config {
    serde_json::from_value(json).unwrap()
}

fn seed() -> serde_json::Value {
    serde_json::json!({
        "api": {"type": "completion", "streaming": true},
        "data": {
            "type": "synthetic",
            "input_distribution": {"mean": 1024, "std_dev": 512, "min": 128, "max": 4096},
            "output_distribution": {"mean": 512, "std_dev": 256, "min": 50, "max": 2048}
        },
        "load": {"type": "poisson", "stages": [{"rate": 15, "duration": 600}], "num_workers": 8},
        "server": {"type": "vllm", "model_name": "qwen3-8b", "base_url": "http://qwen3-vllm.default:8000", "ignore_eos": true},
        "tokenizer": {"pretrained_model_name_or_path": "Qwen/Qwen3-8B"},
        "storage": {"simple_storage_service": {"bucket_name": "inference-perf-results", "path": "production-sim/results"}}
    })
}

#[test]
fn the_guides_config_reads_back_as_it_was() {
    let config = parse(seed());
    assert_eq!(config.check(), []);
    assert_eq!(serde_json::to_value(&config).unwrap(), seed());
    assert_eq!(parse(serde_json::to_value(&config).unwrap()), config);
}

#[test]
fn storage_null_is_off_and_absence_is_the_default() {
    assert_eq!(parse(serde_json::json!({"storage": null})).storage, None);
    assert_eq!(
        parse(serde_json::json!({})).storage,
        Some(Storage::default())
    );
    let off = parse(serde_json::json!({"storage": null}));
    assert_eq!(parse(serde_json::to_value(&off).unwrap()), off);
}

#[test]
fn contradictions_are_named_where_they_are() {
    let mut json = seed();
    json["data"]["input_distribution"]["mean"] = 6000.into();
    json["load"]["stages"][0] = serde_json::json!({"rate": 15});
    json["server"]["base_url"] = "qwen:8000".into();
    json["slo"] = serde_json::json!([{"metric": "goodput", "min": 0.9}]);
    let paths: Vec<String> = parse(json)
        .check()
        .into_iter()
        .map(|problem| problem.path.to_string())
        .collect();
    assert_eq!(
        paths,
        [
            "data.input_distribution.mean",
            "load.stages[0]",
            "server.base_url",
            "slo[0].metric"
        ]
    );
}

#[test]
fn base_urls() {
    for (url, fine) in [
        ("http://a", true),
        ("http://a:8000", true),
        ("http://[::1]:8000", true),
        ("http://[::1]", true),
        ("https://a/prefix", true),
        ("http://", false),
        ("http://a:0", false),
        ("http://a:99999", false),
        ("http://x:1/#a b: c", false),
        ("http://user:key@a", false),
        ("http://a?b", false),
        ("http://exa%zzmple:80", false),
        ("http://a:8000/v1", false),
        ("http://a:8000/v1/", false),
        ("a:8000", false),
    ] {
        let mut json = seed();
        json["server"]["base_url"] = url.into();
        assert_eq!(parse(json).check().is_empty(), fine, "{url}");
    }
}

#[test]
fn what_this_engine_cannot_do_is_refused_by_name() {
    let mut json = seed();
    json["data"]["type"] = "shareGPT".into();
    json["load"]["type"] = "concurrent".into();
    json["load"]["sweep"] = serde_json::json!({"type": "geometric"});
    let problems = parse(json).check_engine();
    let errors: Vec<String> = problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(|p| p.path.to_string())
        .collect();
    assert_eq!(errors, ["data.type", "load.type", "load.sweep"]);
    assert!(problems.iter().any(|p| p.severity == Severity::Warning
        && p.path.to_string() == "storage.simple_storage_service"));
}

#[test]
fn a_secret_is_never_written() {
    let mut json = seed();
    json["server"]["api_key"] = "sk-very-secret".into();
    let config = parse(json);
    assert!(!format!("{config:?}{}", serde_json::to_string(&config).unwrap()).contains("very"));
}

#[test]
fn headers_cannot_break_a_request() {
    for (name, value, fine) in [
        ("Host", "my.gateway", true),
        ("x-trace", "a b", true),
        ("x trace", "a", false),
        ("x-trace", "a\r\nx-evil: 1", false),
        ("Content-Length", "5", false),
    ] {
        let mut json = seed();
        json["api"]["headers"] = serde_json::json!({name: value});
        assert_eq!(parse(json).check().is_empty(), fine, "{name}: {value:?}");
    }
}

#[test]
fn a_limit_in_the_wrong_unit_is_warned_about() {
    let mut json = seed();
    json["slo"] = serde_json::json!([{"metric": "ttft", "percentile": 99, "max": 1200}]);
    let problems = parse(json).check();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].severity, Severity::Warning);
    assert!(
        problems[0]
            .help
            .as_ref()
            .is_some_and(|help| help.to_string().contains("1200ms"))
    );
}
