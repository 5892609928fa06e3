//! What the user wrote is what Kubernetes and the engine get, to the letter.

use proptest::prelude::*;
use serde_json::Value;

use super::Outcome;
use crate::process::of_kind;

/// Where values go to in the config, where they say something.
const IN_CONFIG: [(&str, &str); 10] = [
    ("/target/modelName", "/server/model_name"),
    ("/target/baseUrl", "/server/base_url"),
    ("/target/ignoreEos", "/server/ignore_eos"),
    ("/target/headers", "/api/headers"),
    (
        "/target/tokenizerPath",
        "/tokenizer/pretrained_model_name_or_path",
    ),
    ("/api/type", "/api/type"),
    (
        "/storage/s3/bucketName",
        "/storage/simple_storage_service/bucket_name",
    ),
    (
        "/storage/gcs/bucketName",
        "/storage/google_cloud_storage/bucket_name",
    ),
    (
        "/storage/azure/containerName",
        "/storage/azure_blob_storage/container_name",
    ),
    ("/seed", "/load/seed"),
];

/// Where values go to in the Job's spec, where they say something.
const IN_JOB: [(&str, &str); 7] = [
    ("/job/backoffLimit", "/backoffLimit"),
    ("/job/ttlSecondsAfterFinished", "/ttlSecondsAfterFinished"),
    ("/serviceAccount/name", "/template/spec/serviceAccountName"),
    ("/priorityClassName", "/template/spec/priorityClassName"),
    ("/nodeSelector", "/template/spec/nodeSelector"),
    ("/tolerations", "/template/spec/tolerations"),
    ("/envFrom", "/template/spec/containers/0/envFrom"),
];

/// Lists and mappings of which each entry is among those of the Job's spec.
const AMONG: [(&str, &str); 5] = [
    ("/podLabels", "/template/metadata/labels"),
    ("/podAnnotations", "/template/metadata/annotations"),
    ("/env", "/template/spec/containers/0/env"),
    ("/volumes", "/template/spec/volumes"),
    ("/volumeMounts", "/template/spec/containers/0/volumeMounts"),
];

/// Looks for the values of `benchmark` in the objects and in the parsed `config.yml`.
pub(super) fn check(benchmark: &Value, objects: &[Value], config: &Value) -> Outcome {
    let at =
        |pointer: &str| without_nulls(&benchmark.pointer(pointer).cloned().unwrap_or_default());
    let spec = &without_nulls(&of_kind(objects, "Job")["spec"]);
    let places = [(config, &IN_CONFIG[..]), (spec, &IN_JOB[..])];
    for (whole, (from, to)) in places
        .into_iter()
        .flat_map(|(whole, list)| list.iter().map(move |pair| (whole, pair)))
    {
        let is_drawn = *from == "/seed" && at(from) == 0;
        if !is_nothing(&at(from)) && !is_drawn {
            prop_assert_eq!(whole.pointer(to), Some(&at(from)), "{}", from);
        }
    }
    for (from, to) in AMONG {
        let there = spec.pointer(to).cloned().unwrap_or_default();
        let has = match at(from) {
            Value::Array(items) => items
                .iter()
                .all(|item| there.as_array().is_some_and(|there| there.contains(item))),
            Value::Object(entries) => entries
                .iter()
                .all(|(key, value)| there.get(key) == Some(value)),
            _ => false,
        };
        prop_assert!(has, "{} is not among {}", from, there);
    }
    let namespace = at("/namespace");
    for object in objects {
        let metadata = &object["metadata"];
        let own = if object["kind"] == "Namespace" {
            &metadata["name"]
        } else {
            &metadata["namespace"]
        };
        prop_assert_eq!(own, &namespace);
        if object["kind"] == "ServiceAccount" && !is_nothing(&at("/serviceAccount/annotations")) {
            prop_assert_eq!(&metadata["annotations"], &at("/serviceAccount/annotations"));
        }
    }
    Ok(())
}

/// What is left out of manifests: an empty text, list or mapping.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The same without entries that are null, which is what Kubernetes makes of them.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
