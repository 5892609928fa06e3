//! Pod templates.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Affinity, PodAffinityTerm, PodSpec, PodTemplateSpec, Toleration};

use super::{Fault, environment, image, names, resources, security, volumes};

/// Everything that an API server refuses in a Job's pod template.
pub(super) fn check(template: &PodTemplateSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(metadata) = &template.metadata {
        for (key, value) in metadata.labels.iter().flatten() {
            faults.extend(names::label(
                &format!("spec.template.metadata.labels.{key}"),
                key,
                value,
            ));
        }
        faults.extend(names::annotations(
            "spec.template.metadata.annotations",
            metadata.annotations.as_ref(),
        ));
    }
    let Some(pod) = &template.spec else {
        faults.push(Fault::new(
            "K210",
            "spec.template.spec",
            "the Job has no pod",
        ));
        return faults;
    };
    let path = "spec.template.spec";
    faults.extend(pod_names(pod, path));
    faults.extend(volumes::check(pod, path));
    faults.extend(security::pod(pod, path));
    for (index, toleration) in pod.tolerations.iter().flatten().enumerate() {
        faults.extend(check_toleration(
            toleration,
            &format!("{path}.tolerations[{index}]"),
        ));
    }
    faults.extend(
        pod.affinity
            .iter()
            .flat_map(|affinity| check_affinity(affinity, path)),
    );
    faults.extend(containers(pod, path));
    faults
}

/// Names that refer to other objects, and labels of nodes.
fn pod_names(pod: &PodSpec, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let single = [
        ("serviceAccountName", &pod.service_account_name),
        ("priorityClassName", &pod.priority_class_name),
    ];
    for (field, name) in single {
        if let Some(reason) = name.as_deref().and_then(names::not_subdomain) {
            let name = name.as_deref().unwrap_or_default();
            faults.push(Fault::new(
                "K204",
                format!("{path}.{field}"),
                format!("`{name}` is not a name in Kubernetes: {reason}"),
            ));
        }
    }
    for (index, secret) in pod.image_pull_secrets.iter().flatten().enumerate() {
        if let Some(reason) = names::not_subdomain(&secret.name) {
            faults.push(Fault::new(
                "K204",
                format!("{path}.imagePullSecrets[{index}].name"),
                format!("`{}` is not a name in Kubernetes: {reason}", secret.name),
            ));
        }
    }
    for (key, value) in pod.node_selector.iter().flatten() {
        faults.extend(names::label(
            &format!("{path}.nodeSelector.{key}"),
            key,
            value,
        ));
    }
    faults
}

fn containers(pod: &PodSpec, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    if pod.containers.is_empty() {
        faults.push(Fault::new(
            "K240",
            format!("{path}.containers"),
            "the pod has no container",
        ));
    }
    for (index, container) in pod.containers.iter().enumerate() {
        let path = format!("{path}.containers[{index}]");
        if let Some(reason) = names::not_label(&container.name) {
            let message = format!("`{}` is not a container's name: {reason}", container.name);
            faults.push(Fault::new("K204", format!("{path}.name"), message));
        }
        if !seen.insert(container.name.as_str()) {
            faults.push(Fault::new(
                "K240",
                format!("{path}.name"),
                format!("container `{}` is there twice", container.name),
            ));
        }
        faults.extend(image::check(container, &path));
        faults.extend(environment::check(container, &path));
        faults.extend(security::container(container, pod, &path));
        faults.extend(resources::check(container, &path));
    }
    faults
}

fn check_toleration(toleration: &Toleration, path: &str) -> Option<Fault> {
    let has_key = toleration.key.as_deref().is_some_and(|key| !key.is_empty());
    let fault =
        |field: &str, message: &str| Some(Fault::new("K243", format!("{path}.{field}"), message));
    match toleration.operator.as_deref().unwrap_or("Equal") {
        "Equal" | "" if !has_key => {
            return fault("operator", "without a key the operator must be Exists");
        }
        "Equal" | "" | "Lt" | "Gt" => {}
        "Exists"
            if toleration
                .value
                .as_deref()
                .is_some_and(|value| !value.is_empty()) =>
        {
            return fault("value", "Exists takes no value");
        }
        "Exists" => {}
        _ => return fault("operator", "must be Equal or Exists"),
    }
    if !matches!(
        toleration.effect.as_deref().unwrap_or(""),
        "" | "NoSchedule" | "PreferNoSchedule" | "NoExecute"
    ) {
        return fault(
            "effect",
            "must be NoSchedule, PreferNoSchedule or NoExecute",
        );
    }
    if toleration.toleration_seconds.is_some() && toleration.effect.as_deref() != Some("NoExecute")
    {
        return fault("effect", "tolerationSeconds needs the effect NoExecute");
    }
    let key = toleration.key.as_deref().filter(|key| !key.is_empty())?;
    names::not_label_key(key)
        .and_then(|reason| fault("key", &format!("`{key}` is not a taint's key: {reason}")))
}

fn check_affinity(affinity: &Affinity, path: &str) -> Vec<Fault> {
    let Some(affinity) = &affinity.pod_affinity else {
        return Vec::new();
    };
    let path = format!("{path}.affinity.podAffinity");
    let mut faults = Vec::new();
    for (index, term) in affinity
        .required_during_scheduling_ignored_during_execution
        .iter()
        .flatten()
        .enumerate()
    {
        faults.extend(term_faults(
            term,
            &format!("{path}.requiredDuringSchedulingIgnoredDuringExecution[{index}]"),
        ));
    }
    for (index, wish) in affinity
        .preferred_during_scheduling_ignored_during_execution
        .iter()
        .flatten()
        .enumerate()
    {
        let path = format!("{path}.preferredDuringSchedulingIgnoredDuringExecution[{index}]");
        if !(1..=100).contains(&wish.weight) {
            faults.push(Fault::new(
                "K244",
                format!("{path}.weight"),
                "must be between 1 and 100",
            ));
        }
        faults.extend(term_faults(
            &wish.pod_affinity_term,
            &format!("{path}.podAffinityTerm"),
        ));
    }
    faults
}

fn term_faults(term: &PodAffinityTerm, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(reason) = names::not_label_key(&term.topology_key) {
        faults.push(Fault::new(
            "K244",
            format!("{path}.topologyKey"),
            format!("`{}`: {reason}", term.topology_key),
        ));
    }
    let labels = term
        .label_selector
        .iter()
        .flat_map(|selector| selector.match_labels.iter().flatten());
    for (key, value) in labels {
        faults.extend(names::label(
            &format!("{path}.labelSelector.matchLabels.{key}"),
            key,
            value,
        ));
    }
    for namespace in term.namespaces.iter().flatten() {
        if let Some(fault) = names::namespace(namespace) {
            faults.push(Fault {
                path: format!("{path}.namespaces"),
                ..fault
            });
        }
    }
    faults
}

#[cfg(test)]
mod tests;
