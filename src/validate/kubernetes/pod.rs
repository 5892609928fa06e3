//! Pod templates.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Affinity, PodAffinityTerm, PodSpec, PodTemplateSpec, Toleration};

use super::{Fault, environment, image, names, resources, security, volumes};

/// What a taint can do.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

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
        let fault = Fault::new("K210", "spec.template.spec", "the Job has no pod");
        faults.push(fault.help("add spec: {restartPolicy: Never, containers: […]}"));
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
        let path = format!("{path}.{field}");
        faults.extend(name.as_deref().and_then(|name| names::object(path, name)));
    }
    for (index, secret) in pod.image_pull_secrets.iter().flatten().enumerate() {
        let path = format!("{path}.imagePullSecrets[{index}].name");
        faults.extend(names::object(path, &secret.name));
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
        let message = "the pod has no container";
        let fault = Fault::new("K240", format!("{path}.containers"), message);
        faults.push(fault.help("add one: {name: …, image: …}"));
    }
    for (index, container) in pod.containers.iter().enumerate() {
        let path = format!("{path}.containers[{index}]");
        if let Some(reason) = names::not_label(&container.name) {
            let message = format!("`{}` is not a container's name: {reason}", container.name);
            let fault = Fault::new("K204", format!("{path}.name"), message);
            faults.push(fault.help(names::rename(&container.name)));
        }
        if !seen.insert(container.name.as_str()) {
            let message = format!("container `{}` is there twice", container.name);
            let fault = Fault::new("K240", format!("{path}.name"), message);
            faults.push(fault.help("give one of them another name"));
        }
        faults.extend(image::check(container, &path));
        faults.extend(environment::check(container, &path));
        faults.extend(security::container(container, pod, &path));
        faults.extend(resources::check(container, &path));
    }
    faults
}

/// What an API server refuses in a toleration, in the order of its own checks.
fn check_toleration(toleration: &Toleration, path: &str) -> Vec<Fault> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let (key, value) = (text(&toleration.key), text(&toleration.value));
    let (operator, effect) = (text(&toleration.operator), text(&toleration.effect));
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: String, help: &str| {
        faults.push(Fault::new("K243", format!("{path}.{field}"), message).help(help));
    };
    if let Some(reason) = names::not_label_key(&key).filter(|_| !key.is_empty()) {
        let message = format!("`{key}` is not a taint's key: {reason}");
        fault("key", message, "for example nvidia.com/gpu");
    }
    match operator.as_str() {
        "Equal" | "" if key.is_empty() => {
            let message = "without a key every taint is meant, and the operator must be Exists";
            let help = "write operator: Exists, or name the taint by its key";
            fault("operator", message.to_owned(), help);
        }
        "Equal" | "" => {
            if let Some(reason) = names::not_label_value(&value) {
                let message = format!("`{value}` is not a taint's value: {reason}");
                let help = "write the value as the taint has it, or operator: Exists for any";
                fault("value", message, help);
            }
        }
        "Exists" if !value.is_empty() => {
            let message = "Exists takes no value: it tolerates every one".to_owned();
            fault("value", message, "remove it, or write operator: Equal");
        }
        // Which clusters compare is for `check_version` to say.
        "Exists" | "Lt" | "Gt" => {}
        other => {
            let message = format!("`{other}` is not an operator");
            fault("operator", message, &one_of(other, &["Equal", "Exists"]));
        }
    }
    if !EFFECTS.contains(&effect.as_str()) && !effect.is_empty() {
        let message = format!("`{effect}` is not an effect");
        fault("effect", message, &one_of(&effect, &EFFECTS));
    } else if toleration.toleration_seconds.is_some() && effect != "NoExecute" {
        let message = "only a taint with the effect NoExecute is tolerated for a time".to_owned();
        fault(
            "tolerationSeconds",
            message,
            "write effect: NoExecute, or remove it",
        );
    }
    faults
}

/// The near one of some words, else all of them.
fn one_of(word: &str, words: &[&str]) -> String {
    bench_yaml::suggest(word, words.iter().copied()).map_or_else(
        || format!("use one of {}", words.join(", ")),
        |near| format!("did you mean `{near}`?"),
    )
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
            let message = format!("weight {} is not between 1 and 100", wish.weight);
            let fault = Fault::new("K244", format!("{path}.weight"), message);
            faults.push(fault.help("for example 100"));
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
        let message = format!("`{}` is not a label's key: {reason}", term.topology_key);
        let fault = Fault::new("K244", format!("{path}.topologyKey"), message);
        faults.push(fault.help("for example topology.kubernetes.io/zone"));
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
