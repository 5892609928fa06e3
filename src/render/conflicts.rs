//! Keys of the user's that are at odds with what is rendered around them.

use super::affinity::{affinity, is_guess, service};
use super::context::OUR_LABELS;
use crate::problem::Problem;
use crate::scenario::raw::AffinityMode;
use crate::scenario::{Run, join};

/// Where `config.yml` is, and whatever lies beside it.
const WORKSPACE: &str = "/workspace";

/// Every conflict, and guesses that are worth a look.
#[must_use]
pub fn conflicts(run: &Run) -> Vec<Problem> {
    let mut problems: Vec<Problem> = placement(run).into_iter().collect();
    problems.extend(reserved(run));
    problems.extend(mounts(run));
    problems
}

/// A placement that was asked for and cannot be written, and one that rests on a guess.
fn placement(run: &Run) -> Option<Problem> {
    let benchmark = run.benchmark();
    let values = &benchmark.affinity;
    let base_url = &benchmark.target.base_url;
    if !values.enabled {
        return None;
    }
    if affinity(values, run.engine(), base_url, &benchmark.namespace).is_none() {
        let key = if !values.target_namespace.is_empty() {
            "targetNamespace"
        } else if values.mode == AffinityMode::Required {
            "mode"
        } else {
            return None;
        };
        let problem = Problem::value(
            "B125",
            join("/benchmark/affinity", key),
            "there is nothing to run beside: baseUrl names no Service, and there are no targetLabels",
        )
        .related("/benchmark/target/baseUrl", "baseUrl")
        .help("set benchmark.affinity.targetLabels to labels of the target's pods, for example {app: qwen3-vllm}");
        return Some(problem);
    }
    if !values.target_labels.is_empty() {
        return None;
    }
    let service = service(base_url, &benchmark.namespace)?;
    is_guess(&service, base_url).then(|| {
        let (name, namespace) = (&service.name, &service.namespace);
        Problem::value(
            "B126",
            "/benchmark/target/baseUrl",
            format!("taken for Service `{name}` in namespace `{namespace}`; it could be a host on the internet too"),
        )
        .warning()
        .note("the pod is placed in the zone of that Service's pods")
        .help(format!(
            "write {name}.{namespace}.svc if it is the Service, or affinity.enabled: false if it is not"
        ))
    })
}

/// Labels and annotations that this program or the Job controller writes.
fn reserved(run: &Run) -> Vec<Problem> {
    let benchmark = run.benchmark();
    let is_controllers = |key: &str| {
        key.starts_with("batch.kubernetes.io/") || matches!(key, "job-name" | "controller-uid")
    };
    let labels = benchmark
        .pod_labels
        .keys()
        .map(|key| ("podLabels", key, OUR_LABELS.contains(&key.as_str())));
    let annotations = benchmark
        .pod_annotations
        .keys()
        .map(|key| ("podAnnotations", key, false));
    labels
        .chain(annotations)
        .filter(|(_, key, is_ours)| *is_ours || is_controllers(key))
        .map(|(section, key, is_ours)| {
            let whose = if is_ours {
                "benchctl"
            } else {
                "the Job controller"
            };
            Problem::key(
                "B127",
                join(&format!("/benchmark/{section}"), key),
                format!("`{key}` is written by {whose}"),
            )
            .help("use a key of your own, for example example.com/team")
        })
        .collect()
}

/// Mounts that would hide config.yml.
fn mounts(run: &Run) -> Vec<Problem> {
    let mounts = &run.benchmark().volume_mounts;
    let hides = |path: &str| {
        let path = path.trim_end_matches('/');
        path.is_empty() || path == WORKSPACE
    };
    mounts
        .iter()
        .enumerate()
        .filter(|(_, mount)| mount.mount_path.starts_with('/') && hides(&mount.mount_path))
        .map(|(index, mount)| {
            Problem::value(
                "B128",
                format!("/benchmark/volumeMounts/{index}/mountPath"),
                format!(
                    "a mount at `{}` would hide {WORKSPACE}/config.yml",
                    mount.mount_path
                ),
            )
            .help("mount it elsewhere, for example /data")
        })
        .collect()
}
