//! What is rendered for inference-perf equals the guide's raw Kubernetes YAML, and the configs that its chart renders.

use serde_json::{Map, Value, json};

use crate::process::{config_of, documents, of_kind, root, stdout};

fn golden(name: &str) -> Vec<Value> {
    documents(&std::fs::read_to_string(root().join("tests/golden").join(name)).unwrap())
}

/// Takes away what our manifests may have more.
fn without_extras(mut manifest: Value) -> Value {
    let remove = |value: &mut Value, pointer: &str, key: &str| {
        if let Some(object) = value.pointer_mut(pointer).and_then(Value::as_object_mut) {
            object.remove(key);
        }
    };
    remove(&mut manifest, "/metadata", "labels");
    remove(&mut manifest, "/spec", "activeDeadlineSeconds");
    remove(&mut manifest, "/spec/template", "metadata");
    let terms =
        "/spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/0";
    remove(&mut manifest, terms, "namespaces");
    manifest
}

/// The text of `config.yml` as an object, in a ConfigMap.
fn with_config_read(mut config_map: Value) -> Value {
    let text = config_map["data"]["config.yml"]
        .as_str()
        .unwrap()
        .to_owned();
    config_map["data"]["config.yml"] = documents(&text).remove(0);
    config_map
}

#[test]
fn the_guides_values_give_the_guides_manifests() {
    let expected = golden("seed-production.yaml");
    let found = documents(&stdout(&[
        "render",
        "--scenario=production",
        "--namespace=benchmarking",
        "--set=benchmark.engine=inference-perf",
        "--set=benchmark.job.nameSuffix=none",
        "--set=benchmark.serviceAccount.create=false",
        "--set=benchmark.target.baseUrl=http://qwen3-vllm.default:8000",
        "--set=benchmark.target.modelName=qwen3-8b",
        "--set=benchmark.target.tokenizerPath=Qwen/Qwen3-8B",
        "--set=benchmark.storage.s3.bucketName=inference-perf-results",
        "--set=benchmark.storage.s3.path=production-sim/results",
    ]));
    assert_eq!(found.len(), expected.len());
    let config_map =
        |documents: &[Value]| with_config_read(of_kind(documents, "ConfigMap").clone());
    assert_eq!(without_extras(config_map(&found)), config_map(&expected));
    assert_eq!(
        without_extras(of_kind(&found, "Job").clone()),
        *of_kind(&expected, "Job")
    );
}

#[test]
fn scenarios_give_the_charts_configs() {
    for (file, args) in [
        ("scenario-baseline.norm.yaml", vec!["--scenario=baseline"]),
        (
            "scenario-saturation.norm.yaml",
            vec!["--scenario=saturation"],
        ),
        ("scenario-sweep.norm.yaml", vec!["--scenario=sweep"]),
        (
            "scenario-production.norm.yaml",
            vec!["--scenario=production"],
        ),
        (
            "custom-production.norm.yaml",
            vec!["-f", "examples/custom-production.yaml"],
        ),
    ] {
        let mut all = vec![
            "render",
            "--set=benchmark.engine=inference-perf",
            "--set=benchmark.storage.s3.bucketName=inference-perf-results",
        ];
        all.extend(args);
        let (expected, found) = (golden(file), documents(&stdout(&all)));
        let (mut expected_config, mut found_config) = (config_of(&expected), config_of(&found));
        let place = "/storage/simple_storage_service/path";
        let path = found_config
            .pointer(place)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned();
        assert!(path.starts_with("benchmark-results/"), "{path}");
        let job = of_kind(&found, "Job");
        assert!(
            path.ends_with(job["metadata"]["name"].as_str().unwrap()),
            "{path}"
        );
        *expected_config.pointer_mut(place).unwrap() = Value::Null;
        *found_config.pointer_mut(place).unwrap() = Value::Null;
        assert_eq!(found_config, expected_config, "{file}");
        assert_eq!(core(job), core(of_kind(&expected, "Job")), "{file}");
    }
}

/// What the guide's chart and its raw YAML have in common.
fn core(job: &Value) -> Value {
    let at = |pointer: &str| job.pointer(pointer).cloned().unwrap_or(Value::Null);
    let container = |key: &str| at(&format!("/spec/template/spec/containers/0/{key}"));
    let script = container("args")[0]
        .as_str()
        .unwrap_or_default()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned();
    let affinity = at(
        "/spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/0/topologyKey",
    );
    json!({
        "backoffLimit": at("/spec/backoffLimit"),
        "ttl": at("/spec/ttlSecondsAfterFinished"),
        "restartPolicy": at("/spec/template/spec/restartPolicy"),
        "serviceAccount": at("/spec/template/spec/serviceAccountName"),
        "name": container("name"),
        "image": container("image"),
        "command": container("command"),
        "script": script,
        "volumeMounts": container("volumeMounts"),
        "resources": container("resources"),
        "topologyKey": affinity,
    })
}

#[test]
fn the_affinity_follows_the_url() {
    let found = documents(&stdout(&[
        "render",
        "-f",
        "examples/custom-production.yaml",
        "--set=benchmark.engine=inference-perf",
    ]));
    let term = of_kind(&found, "Job")
        .pointer("/spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/0")
        .unwrap();
    assert_eq!(
        term["labelSelector"]["matchLabels"],
        json!({"app.kubernetes.io/component": "your-model"})
    );
    assert_eq!(term["namespaces"], json!(["your-namespace"]));
    let elsewhere = documents(&stdout(&[
        "render",
        "--set=benchmark.target.baseUrl=http://llm.example.com",
    ]));
    assert!(
        of_kind(&elsewhere, "Job")
            .pointer("/spec/template/spec/affinity")
            .is_none()
    );
}

#[test]
fn labels_are_on_every_object_and_on_the_pod() {
    let found = documents(&stdout(&[
        "render",
        "production-sim",
        "--scenario=production",
    ]));
    let names = ["name", "instance", "version", "managed-by", "component"];
    let of = |labels: &Value| -> Map<String, Value> { labels.as_object().unwrap().clone() };
    for object in &found {
        let labels = of(&object["metadata"]["labels"]);
        for name in names {
            assert!(
                labels.contains_key(&format!("app.kubernetes.io/{name}")),
                "{object}"
            );
        }
        assert_eq!(labels["benchmark.scenario"], "production");
        assert_eq!(labels["app.kubernetes.io/instance"], "production-sim");
        assert_eq!(object["metadata"]["namespace"], "benchmarking");
    }
    let job = of_kind(&found, "Job");
    assert_eq!(
        job["spec"]["template"]["metadata"]["labels"],
        job["metadata"]["labels"]
    );
}
