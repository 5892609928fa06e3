//! From a field of a manifest back to the key of the values that it came from.

use bench_yaml::dotted;
use serde_json::Value;

use super::kubernetes::{self, Fault};
use crate::problem::{Anchor, Problem};
use crate::scenario::join;
use crate::scenario::raw::Benchmark;

/// A fault of a manifest as a problem of the values, where a key of the values is behind it.
#[must_use]
pub fn located(
    fault: &Fault,
    kind: &str,
    manifest: &Value,
    benchmark: &Benchmark,
    name: Option<&str>,
) -> Problem {
    let anchor = match (fault.path.as_str(), name) {
        ("metadata.name", Some(name)) if kind == "Job" || kind == "ConfigMap" => {
            Anchor::Argument("NAME", name.to_owned())
        }
        (path, _) => match pointer(kind, path, manifest, benchmark) {
            Some(pointer) if fault.is_key => Anchor::Key(pointer),
            Some(pointer) => Anchor::Value(pointer),
            None => Anchor::Nowhere,
        },
    };
    let mut problem = Problem::error(fault.code, anchor, fault.message.clone());
    problem = problem.note(format!("{kind} {}", fault.path));
    for help in &fault.help {
        problem = problem.help(help.told(|path| {
            pointer(kind, path, manifest, benchmark)
                .map_or_else(|| path.to_owned(), |pointer| dotted(&pointer))
        }));
    }
    if let Some(limit) = fault
        .path
        .strip_prefix("spec.template.spec.containers[0].resources.requests.")
    {
        problem = problem.related(join("/benchmark/resources/limits", limit), "limit");
    }
    if fault.is_warning {
        problem.warning()
    } else {
        problem
    }
}

/// The JSON pointer into the values of the key that became this field.
fn pointer(kind: &str, path: &str, manifest: &Value, benchmark: &Benchmark) -> Option<String> {
    if path == "metadata.namespace" || (kind == "Namespace" && path == "metadata.name") {
        return Some("/benchmark/namespace".to_owned());
    }
    if kind == "ServiceAccount" {
        return match path.strip_prefix("metadata.annotations.") {
            Some(key) => Some(join("/benchmark/serviceAccount/annotations", key)),
            None => (path == "metadata.name").then(|| "/benchmark/serviceAccount/name".to_owned()),
        };
    }
    if kind != "Job" {
        return None;
    }
    let spec = path.strip_prefix("spec.")?;
    let Some(template) = spec.strip_prefix("template.") else {
        let key = spec.split(['.', '[']).next().unwrap_or_default();
        let is_ours = matches!(
            key,
            "backoffLimit" | "ttlSecondsAfterFinished" | "activeDeadlineSeconds"
        );
        return is_ours.then(|| format!("/benchmark/job/{key}"));
    };
    if let Some(key) = template.strip_prefix("metadata.labels.") {
        return benchmark
            .pod_labels
            .contains_key(key)
            .then(|| join("/benchmark/podLabels", key));
    }
    if let Some(key) = template.strip_prefix("metadata.annotations.") {
        return benchmark
            .pod_annotations
            .contains_key(key)
            .then(|| join("/benchmark/podAnnotations", key));
    }
    let pod = template.strip_prefix("spec.")?;
    match pod.strip_prefix("containers[0].") {
        Some(field) => container(field, manifest, benchmark),
        None => pod_field(pod, manifest, benchmark),
    }
}

fn pod_field(field: &str, manifest: &Value, benchmark: &Benchmark) -> Option<String> {
    let count = |field: &str| {
        manifest
            .pointer(&format!("/spec/template/spec/{field}"))
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    let key = field.split(['.', '[']).next().unwrap_or_default();
    match key {
        "serviceAccountName" => Some("/benchmark/serviceAccount/name".to_owned()),
        "priorityClassName" => Some("/benchmark/priorityClassName".to_owned()),
        "terminationGracePeriodSeconds" => {
            Some("/benchmark/job/terminationGracePeriodSeconds".to_owned())
        }
        "nodeSelector" => Some(in_map(field, "nodeSelector", "/benchmark/nodeSelector")),
        "tolerations" => in_list(field, "/benchmark/tolerations", 0),
        "imagePullSecrets" => in_list(field, "/benchmark/image/pullSecrets", 0)
            .map(|pointer| pointer.trim_end_matches("/name").to_owned()),
        "volumes" if field == key => Some("/benchmark/volumes".to_owned()),
        "volumes" => in_list(
            field,
            "/benchmark/volumes",
            count("volumes").saturating_sub(benchmark.volumes.len()),
        ),
        "securityContext" => Some(format!(
            "/benchmark/securityContext/pod{}",
            tail(field, key)
        )),
        "affinity" if field.contains(".matchLabels.") => {
            let labels = &benchmark.affinity.target_labels;
            let (_, label) = field.split_once(".matchLabels.")?;
            let section = "/benchmark/affinity/targetLabels".to_owned();
            Some(match labels.contains_key(label) {
                true => join(&section, label),
                false => section,
            })
        }
        "affinity" if field.contains(".namespaces") => {
            Some("/benchmark/affinity/targetNamespace".to_owned())
        }
        "affinity" => Some("/benchmark/affinity".to_owned()),
        _ => None,
    }
}

fn container(field: &str, manifest: &Value, benchmark: &Benchmark) -> Option<String> {
    let count = |field: &str| {
        manifest
            .pointer(&format!("/spec/template/spec/containers/0/{field}"))
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    let key = field.split(['.', '[']).next().unwrap_or_default();
    match key {
        "image" => Some(image(benchmark)),
        "imagePullPolicy" => Some("/benchmark/image/pullPolicy".to_owned()),
        "env" => in_list(
            field,
            "/benchmark/env",
            count("env").saturating_sub(benchmark.env.len()),
        )
        .or_else(|| secret(field, manifest)),
        "envFrom" => in_list(field, "/benchmark/envFrom", 0),
        "volumeMounts" => in_list(
            field,
            "/benchmark/volumeMounts",
            count("volumeMounts").saturating_sub(benchmark.volume_mounts.len()),
        ),
        "securityContext" => Some(format!(
            "/benchmark/securityContext/container{}",
            tail(field, key)
        )),
        "resources" => {
            let rest = field.strip_prefix("resources.").unwrap_or_default();
            let (side, resource) = rest.split_once('.').unwrap_or((rest, ""));
            Some(if resource.is_empty() {
                format!("/benchmark/resources/{side}")
            } else {
                join(&format!("/benchmark/resources/{side}"), resource)
            })
        }
        _ => None,
    }
}

/// The first part of the image's name that would be wrong beside any other, else all of them.
fn image(benchmark: &Benchmark) -> String {
    let section = "/benchmark/image";
    let image = &benchmark.image;
    let parts = [
        (
            "repository",
            &image.repository,
            format!("{}:1", image.repository),
        ),
        ("tag", &image.tag, format!("r:{}", image.tag)),
        ("digest", &image.digest, format!("r@{}", image.digest)),
    ];
    let is_wrong = |(_, written, name): &&(&str, &String, String)| {
        !written.is_empty() && kubernetes::wrong_image_part(name).is_some()
    };
    match parts.iter().find(is_wrong) {
        Some((part, ..)) => join(section, part),
        None => section.to_owned(),
    }
}

/// The key of the values behind a variable of ours that is read from a Secret.
fn secret(field: &str, manifest: &Value) -> Option<String> {
    let (_, rest) = field.split_once("env[")?;
    let (index, rest) = rest.split_once(']')?;
    let name = manifest
        .pointer(&format!(
            "/spec/template/spec/containers/0/env/{index}/name"
        ))
        .and_then(Value::as_str)?;
    let section = match name {
        "OPENAI_API_KEY" => "/benchmark/target/apiKeySecret",
        "HF_TOKEN" => "/benchmark/target/hfTokenSecret",
        _ => return None,
    };
    let part = rest.strip_prefix(".valueFrom.secretKeyRef.")?;
    Some(join(section, part))
}

/// A field of an item of a list in the manifest, whose first `ours` items are not the user's.
fn in_list(field: &str, pointer: &str, ours: usize) -> Option<String> {
    let (_, rest) = field.split_once('[')?;
    let (index, rest) = rest.split_once(']')?;
    let index = index.parse::<usize>().ok()?.checked_sub(ours)?;
    Some(format!("{pointer}/{index}{}", tail(rest, "")))
}

fn in_map(field: &str, key: &str, pointer: &str) -> String {
    match field
        .strip_prefix(key)
        .and_then(|rest| rest.strip_prefix('.'))
    {
        Some(inner) => join(pointer, inner),
        None => pointer.to_owned(),
    }
}

/// What follows `key` in a dotted path, as steps of a pointer.
fn tail(field: &str, key: &str) -> String {
    let rest = field.strip_prefix(key).unwrap_or(field);
    let steps = rest
        .split(['.', '['])
        .map(|step| step.trim_end_matches(']'))
        .filter(|step| !step.is_empty());
    steps.fold(String::new(), |pointer, step| join(&pointer, step))
}
