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
fn what_is_said_of_tls_has_to_be_whole_and_of_use() {
    let problems = |server: serde_json::Value| {
        let mut json = seed();
        for (key, value) in server.as_object().unwrap() {
            json["server"][key] = value.clone();
        }
        let problems = parse(json).check().into_iter();
        problems
            .map(|problem| (problem.path.to_string(), problem.severity))
            .collect::<Vec<_>>()
    };
    let one = |path: &str, severity| vec![(path.to_owned(), severity)];
    let https = "https://a";
    assert_eq!(
        problems(
            serde_json::json!({"base_url": https, "cert_path": "c", "key_path": "k", "ca_path": "a"})
        ),
        []
    );
    assert_eq!(
        problems(serde_json::json!({"base_url": https, "cert_path": "c"})),
        one("server.cert_path", Severity::Error)
    );
    assert_eq!(
        problems(
            serde_json::json!({"base_url": https, "ca_path": "a", "insecure_skip_verify": true})
        ),
        one("server.insecure_skip_verify", Severity::Error)
    );
    assert_eq!(
        problems(serde_json::json!({"ca_path": "a"})),
        one("server.ca_path", Severity::Warning)
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
    json["data"]["type"] = "cnn_dailymail".into();
    json["load"]["type"] = "trace_session_replay".into();
    json["load"]["sweep"] = serde_json::json!({"type": "geometric"});
    let problems = parse(json).check_engine();
    let errors: Vec<String> = problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(|p| p.path.to_string())
        .collect();
    assert_eq!(errors, ["data.type", "load.type", "load.sweep"]);
}

#[test]
fn a_secret_is_never_written() {
    let mut json = seed();
    json["server"]["api_key"] = "sk-very-secret".into();
    let config = parse(json);
    assert!(!format!("{config:?}{}", serde_json::to_string(&config).unwrap()).contains("very"));
}

#[test]
fn limits_that_requests_carry_judge_them() {
    let limits = |api: serde_json::Value, constraints: serde_json::Value| {
        let json =
            serde_json::json!({"api": api, "report": {"goodput": {"constraints": constraints}}});
        let config: Config = serde_json::from_value(json).unwrap();
        let warnings = config
            .check()
            .into_iter()
            .filter(|problem| problem.path.to_string().starts_with("api.headers"));
        (config.goodput_limits(), warnings.count())
    };
    let none = serde_json::json!({});
    let headers =
        serde_json::json!({"X-SLO-TTFT-ms": "500", "x-slo-tpot-ms": " 50 ", "x-slo-ttft-s": "9"});
    let api = |more: serde_json::Value| {
        let mut api = serde_json::json!({"streaming": true, "headers": headers});
        api.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        api
    };
    assert_eq!(
        limits(api(none.clone()), none.clone()),
        (vec![(Metric::Ttft, 0.5), (Metric::Tpot, 0.05)], 0)
    );
    // They go before those of the config, and are those of the unit and header that it names.
    let constraints = serde_json::json!({"ttft": 1, "ntpot": 0.1});
    assert_eq!(
        limits(
            api(serde_json::json!({"slo_unit": "s"})),
            constraints.clone()
        ),
        (vec![(Metric::Ttft, 9.0), (Metric::Ntpot, 0.1)], 0)
    );
    let named = serde_json::json!({"slo_tpot_header": "x-slo-ttft-s"});
    assert_eq!(
        limits(api(named), none.clone()).0,
        [(Metric::Ttft, 0.5), (Metric::Tpot, 0.009)]
    );
    // Not on replies that are no streams, and not what is no number.
    let whole = serde_json::json!({"streaming": false});
    assert_eq!(limits(api(whole), none.clone()).0, []);
    for (value, warnings) in [("default", 0), ("soon", 1), ("-1", 1), ("", 1)] {
        let headers = serde_json::json!({"headers": {"x-slo-ttft-ms": value}, "streaming": true});
        assert_eq!(
            limits(headers, none.clone()),
            (Vec::new(), warnings),
            "{value}"
        );
    }
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

#[test]
fn a_load_that_contradicts_itself_is_named_where_it_does() {
    let trace = serde_json::json!({"file": "/traces/a.csv"});
    for (load, paths) in [
        (
            serde_json::json!({"type": "gamma", "stages": [{"rate": 5, "duration": 60}], "burstiness": 0.5}),
            &[][..],
        ),
        (
            serde_json::json!({"type": "gamma", "stages": [{"rate": 5, "duration": 60}]}),
            &["load.type"],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "duration": 60}], "burstiness": 2}),
            &["load.burstiness"],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "end_rate": 50, "duration": 60}]}),
            &[],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "end_rate": 50, "steps": 4, "duration": 60}]}),
            &[],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "steps": 4, "duration": 60}]}),
            &["load.stages[0].steps"],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "end_rate": 6, "steps": 1, "duration": 60}]}),
            &["load.stages[0].steps"],
        ),
        (
            serde_json::json!({"type": "constant", "stages": [{"concurrency_level": 5, "num_requests": 60}]}),
            &["load.stages[0]"],
        ),
        (
            serde_json::json!({"type": "concurrent", "stages": [{"concurrency_level": 5, "num_requests": 60}]}),
            &[],
        ),
        (
            serde_json::json!({"type": "concurrent", "stages": [{"concurrency_level": 5, "duration": 60}]}),
            &[],
        ),
        (
            serde_json::json!({"type": "concurrent", "stages": [{"concurrency_level": 5, "duration": 60, "num_requests": 1}]}),
            &["load.stages[0]"],
        ),
        (
            serde_json::json!({"type": "concurrent", "stages": [{"concurrency_level": 0, "num_requests": 60}, {}]}),
            &[
                "load.stages[0].concurrency_level",
                "load.stages[1]",
                "load.stages[1]",
            ],
        ),
        (
            serde_json::json!({"type": "concurrent", "stages": [{"rate": 5, "duration": 60}]}),
            &["load.stages[0]"],
        ),
        (
            serde_json::json!({"type": "concurrent", "stages": [{"concurrency_level": 5, "num_requests": 60}], "max_in_flight": 3}),
            &["load.max_in_flight"],
        ),
        (
            serde_json::json!({"type": "trace_replay", "trace": trace}),
            &[],
        ),
        (
            serde_json::json!({"type": "trace_replay", "trace": trace, "stages": [{"rate": 5, "duration": 60}, {"duration": 60}, {}]}),
            &[],
        ),
        (
            serde_json::json!({"type": "trace_replay", "trace": trace, "stages": [{"duration": 0}]}),
            &["load.stages[0].duration"],
        ),
        (
            serde_json::json!({"type": "trace_replay"}),
            &["load.stages", "load.type"],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "duration": 60}], "trace": trace}),
            &["load.trace"],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "duration": 60}], "cancel": {"fraction": 1, "after": 1}}),
            &["load.cancel.fraction"],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "duration": 60}], "cancel": {"fraction": 0.1, "after": "1h"}}),
            &["load.cancel.after"],
        ),
        (
            serde_json::json!({"type": "poisson", "stages": [{"rate": 5, "duration": 60}], "max_in_flight": 0}),
            &["load.max_in_flight"],
        ),
    ] {
        let mut json = seed();
        json["load"] = load.clone();
        let config = parse(json);
        let found: Vec<String> = config
            .check()
            .into_iter()
            .map(|problem| problem.path.to_string())
            .collect();
        assert_eq!(found, paths, "{load}");
        assert_eq!(
            serde_json::to_value(&config.load).unwrap()["type"],
            load["type"]
        );
    }
}

#[test]
fn a_ramp_in_steps_is_its_steps() {
    let load: Load = serde_json::from_value(serde_json::json!({"type": "poisson", "stages": [
        {"rate": 5, "end_rate": 50, "steps": 10, "duration": 600},
        {"rate": 0.7, "end_rate": 0.1, "steps": 3, "duration": 30},
        {"rate": 1, "end_rate": 2, "duration": 5}]}))
    .unwrap();
    let stages: Vec<(f64, Option<f64>, f64)> = load
        .run_stages()
        .iter()
        .map(|stage| {
            let end = stage.end_rate.map(crate::RequestsPerSecond::get);
            (
                stage.rate.unwrap().get(),
                end,
                stage.duration.unwrap().get(),
            )
        })
        .collect();
    let mut expected: Vec<(f64, Option<f64>, f64)> = (1..=10)
        .map(|step| (5.0 * f64::from(step), None, 60.0))
        .collect();
    expected.extend([
        (0.7, None, 10.0),
        (0.4, None, 10.0),
        (0.1, None, 10.0),
        (1.0, Some(2.0), 5.0),
    ]);
    assert_eq!(stages, expected);
}

#[test]
fn lengths_of_a_trace_need_its_arrivals() {
    let mut json = seed();
    json["load"] = serde_json::json!({"type": "trace_replay", "trace": {"file": "a.csv", "format": "AzurePublicDataset"}});
    json["data"] = serde_json::json!({"type": "random", "trace": {"file": "a.csv", "format": "AzurePublicDataset"}});
    let errors = |json: &serde_json::Value| {
        let config = parse(json.clone());
        let mut found = config.check();
        found.extend(config.check_engine());
        found.retain(|problem| problem.severity == Severity::Error);
        found
            .into_iter()
            .map(|problem| problem.path.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(errors(&json), [""; 0]);
    json["data"]["trace"]["file"] = "b.csv".into();
    assert_eq!(errors(&json), ["data.trace"]);
}

#[test]
fn places_of_results_that_cannot_be_are_named() {
    for (storage, at) in [
        (
            serde_json::json!({"simple_storage_service": {"bucket_name": ""}}),
            "storage.simple_storage_service.bucket_name",
        ),
        (
            serde_json::json!({"google_cloud_storage": {"bucket_name": "a/b"}}),
            "storage.google_cloud_storage.bucket_name",
        ),
        (
            serde_json::json!({"azure_blob_storage": {"container_name": "c d"}}),
            "storage.azure_blob_storage.container_name",
        ),
        (
            serde_json::json!({"simple_storage_service": {"bucket_name": "b", "path": "a/../b"}}),
            "storage.simple_storage_service.path",
        ),
        (
            serde_json::json!({"azure_blob_storage": {"container_name": "c", "endpoint_url": "minio:9000"}}),
            "storage.azure_blob_storage.endpoint_url",
        ),
    ] {
        let mut json = seed();
        json["storage"] = storage;
        let problems = parse(json).check();
        let paths: Vec<String> = problems.iter().map(|p| p.path.to_string()).collect();
        assert_eq!(paths, [at]);
        assert_eq!(problems[0].severity, Severity::Error);
    }
}
