//! Jobs.

use k8s_openapi::api::batch::v1::{Job, JobSpec, PodFailurePolicyRule};

use super::{Fault, names, pod};

/// Everything that an API server refuses in a Job.
pub(super) fn check(job: &Job) -> Vec<Fault> {
    let mut faults = names::metadata(&job.metadata, true);
    faults.extend(name_length(
        job.metadata.name.as_deref().unwrap_or_default(),
    ));
    let Some(spec) = &job.spec else {
        let fault = Fault::new("K210", "spec", "the Job has no spec");
        faults.push(fault.help("add spec: {template: …}"));
        return faults;
    };
    faults.extend(numbers(spec));
    faults.extend(restart_policy(spec));
    faults.extend(failure_policy(spec));
    faults.extend(pod::check(&spec.template));
    faults
}

/// A Job's name becomes a label value of its pods.
fn name_length(name: &str) -> Option<Fault> {
    (name.len() > 63).then(|| {
        Fault::new(
            "K203",
            "metadata.name",
            format!("the Job's name has {} characters; the limit is 63, as it becomes a label of its pods", name.len()),
        )
        .help("use a shorter NAME")
    })
}

/// Counts and times are not negative; a deadline is positive.
fn numbers(spec: &JobSpec) -> Vec<Fault> {
    let small = [
        ("backoffLimit", spec.backoff_limit),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
        ("parallelism", spec.parallelism),
        ("completions", spec.completions),
    ];
    let mut faults: Vec<Fault> = small
        .into_iter()
        .filter(|(_, value)| value.is_some_and(|value| value < 0))
        .map(|(name, _)| {
            let message = format!("{name} is at least 0");
            Fault::new("K211", format!("spec.{name}"), message).help("leave it out for the default")
        })
        .collect();
    if spec.active_deadline_seconds.is_some_and(|value| value < 1) {
        let message = "activeDeadlineSeconds is at least 1";
        let fault = Fault::new("K211", "spec.activeDeadlineSeconds", message);
        faults.push(fault.help("leave it out for no deadline"));
    }
    faults
}

/// A Job's pods are not restarted for ever.
fn restart_policy(spec: &JobSpec) -> Option<Fault> {
    let path = "spec.template.spec.restartPolicy";
    let policy = spec
        .template
        .spec
        .as_ref()
        .and_then(|pod| pod.restart_policy.as_deref())
        .unwrap_or("Always");
    if !matches!(policy, "Never" | "OnFailure") {
        let message = format!("`{policy}` is not allowed in a Job");
        return Some(Fault::new("K212", path, message).help("use Never or OnFailure"));
    }
    (spec.pod_failure_policy.is_some() && policy != "Never").then(|| {
        let message = format!("`{policy}` is not allowed with podFailurePolicy");
        Fault::new("K212", path, message).help("use Never")
    })
}

/// The rules of podFailurePolicy.
fn failure_policy(spec: &JobSpec) -> Vec<Fault> {
    let Some(policy) = &spec.pod_failure_policy else {
        return Vec::new();
    };
    let path = "spec.podFailurePolicy.rules";
    let mut faults = Vec::new();
    if policy.rules.len() > 20 {
        let message = format!("{} rules; the limit is 20", policy.rules.len());
        faults.push(Fault::new("K213", path, message).help("remove some, or join them"));
    }
    if spec
        .pod_replacement_policy
        .as_deref()
        .is_some_and(|policy| policy != "Failed")
    {
        let message = "podFailurePolicy goes with podReplacementPolicy: Failed only";
        let fault = Fault::new("K213", "spec.podReplacementPolicy", message);
        faults.push(fault.help("write Failed, or leave it out"));
    }
    let containers: Vec<&str> = spec
        .template
        .spec
        .iter()
        .flat_map(|pod| &pod.containers)
        .map(|container| container.name.as_str())
        .collect();
    for (index, rule) in policy.rules.iter().enumerate() {
        faults.extend(failure_rule(
            rule,
            &format!("{path}[{index}]"),
            &containers,
            spec.backoff_limit_per_index.is_some(),
        ));
    }
    faults
}

fn failure_rule(
    rule: &PodFailurePolicyRule,
    path: &str,
    containers: &[&str],
    is_per_index: bool,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: String, help: &str| {
        faults.push(Fault::new("K213", format!("{path}.{field}"), message).help(help));
    };
    if !matches!(
        rule.action.as_str(),
        "Count" | "FailIndex" | "FailJob" | "Ignore"
    ) {
        fault(
            "action",
            format!("`{}` is not an action", rule.action),
            "use Count, FailIndex, FailJob or Ignore",
        );
    }
    if rule.action == "FailIndex" && !is_per_index {
        fault(
            "action",
            "FailIndex needs backoffLimitPerIndex".to_owned(),
            "set spec.backoffLimitPerIndex, or use FailJob",
        );
    }
    let conditions = rule.on_pod_conditions.as_deref().unwrap_or_default();
    if rule.on_exit_codes.is_some() != conditions.is_empty() {
        fault(
            "onExitCodes",
            "exactly one of onExitCodes and onPodConditions".to_owned(),
            "keep one of them, or make two rules",
        );
    }
    if let Some(codes) = &rule.on_exit_codes {
        if !matches!(codes.operator.as_str(), "In" | "NotIn") {
            fault(
                "onExitCodes.operator",
                format!("`{}` is not an operator", codes.operator),
                "use In or NotIn",
            );
        }
        if codes.values.is_empty() || !codes.values.is_sorted_by(|a, b| a < b) {
            fault(
                "onExitCodes.values",
                "1 to 255 different values in rising order".to_owned(),
                "for example [1, 2]",
            );
        }
        if codes.operator == "In" && codes.values.contains(&0) {
            fault(
                "onExitCodes.values",
                "0 is no failure and cannot be In".to_owned(),
                "remove it, or use NotIn",
            );
        }
        if codes
            .container_name
            .as_deref()
            .is_some_and(|name| !containers.contains(&name))
        {
            fault(
                "onExitCodes.containerName",
                "no container has this name".to_owned(),
                &format!("use one of {}", containers.join(", ")),
            );
        }
    }
    if conditions.iter().any(|condition| {
        !matches!(
            condition.status.as_deref(),
            None | Some("True" | "False" | "Unknown")
        )
    }) {
        fault(
            "onPodConditions",
            "a status is True, False or Unknown".to_owned(),
            "quote it: \"True\"",
        );
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validate::kubernetes::codes;

    fn job(change: impl FnOnce(&mut Value)) -> Vec<&'static str> {
        let mut manifest = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "b"},
            "spec": {
                "backoffLimit": 2, "activeDeadlineSeconds": 1,
                "podFailurePolicy": {"rules": [
                    {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {"action": "FailJob", "onExitCodes": {"containerName": "c", "operator": "NotIn", "values": [0]}}
                ]},
                "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
            }
        });
        change(&mut manifest);
        let job: Job = serde_json::from_value(manifest).unwrap();
        codes(check(&job))
    }

    #[test]
    fn what_we_write_passes() {
        assert_eq!(job(|_| ()), [""; 0]);
    }

    #[test]
    fn names_above_63_characters() {
        assert_eq!(
            job(|job| job["metadata"]["name"] = "n".repeat(63).into()),
            [""; 0]
        );
        assert_eq!(
            job(|job| job["metadata"]["name"] = "n".repeat(64).into()),
            ["K203"]
        );
    }

    #[test]
    fn numbers_below_their_least() {
        assert_eq!(
            job(|job| job["spec"]["backoffLimit"] = (-1).into()),
            ["K211"]
        );
        assert_eq!(
            job(|job| job["spec"]["activeDeadlineSeconds"] = 0.into()),
            ["K211"]
        );
    }

    #[test]
    fn restart_policies() {
        let set = |policy: Value| {
            job(move |job| job["spec"]["template"]["spec"]["restartPolicy"] = policy)
        };
        assert_eq!(set(Value::Null), ["K212"]);
        assert_eq!(set("OnFailure".into()), ["K212"]);
        assert_eq!(
            job(|job| {
                job["spec"]["podFailurePolicy"] = Value::Null;
                job["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure".into();
            }),
            [""; 0]
        );
    }

    #[test]
    fn failure_rules() {
        for (pointer, value) in [
            ("/spec/podFailurePolicy/rules/0/action", json!("Retry")),
            ("/spec/podFailurePolicy/rules/0/action", json!("FailIndex")),
            ("/spec/podFailurePolicy/rules/0/onPodConditions", json!([])),
            (
                "/spec/podFailurePolicy/rules/0/onPodConditions/0/status",
                json!("yes"),
            ),
            (
                "/spec/podFailurePolicy/rules/1/onExitCodes/operator",
                json!("In"),
            ),
            (
                "/spec/podFailurePolicy/rules/1/onExitCodes/values",
                json!([2, 1]),
            ),
            (
                "/spec/podFailurePolicy/rules/1/onExitCodes/containerName",
                json!("other"),
            ),
            ("/spec/podReplacementPolicy", json!("TerminatingOrFailed")),
        ] {
            let found = job(|job| {
                if let Some(place) = job.pointer_mut(pointer) {
                    *place = value.clone();
                } else {
                    job["spec"]["podReplacementPolicy"] = value.clone();
                }
            });
            assert_eq!(found, ["K213"], "{pointer} {value}");
        }
    }
}
