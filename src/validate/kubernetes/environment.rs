//! Environment variables and where their values come from.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource};

use super::{Fault, names, quantity};

/// Fields of a pod that a variable can hold.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// Resources of a container that a variable can hold.
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
];

/// Names, one source each, none twice.
pub(super) fn check(container: &Container, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, variable) in container.env.iter().flatten().enumerate() {
        let path = format!("{path}.env[{index}]");
        faults.extend(variable_faults(variable, &path));
        if !seen.insert(variable.name.as_str()) {
            let message = format!("variable `{}` is there twice", variable.name);
            let fault = Fault::new("K242", format!("{path}.name"), message);
            faults.push(fault.help("keep one of them"));
        }
    }
    for (index, source) in container.env_from.iter().flatten().enumerate() {
        let path = format!("{path}.envFrom[{index}]");
        match (&source.config_map_ref, &source.secret_ref) {
            (Some(map), None) => {
                faults.extend(object_name(&map.name, &format!("{path}.configMapRef.name")));
            }
            (None, Some(secret)) => {
                faults.extend(object_name(&secret.name, &format!("{path}.secretRef.name")));
            }
            _ => faults.push(
                Fault::new("K242", path, "exactly one of configMapRef and secretRef")
                    .help("for example secretRef: {name: my-secret}"),
            ),
        }
    }
    faults
}

fn variable_faults(variable: &EnvVar, path: &str) -> Vec<Fault> {
    let name = &variable.name;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || name.starts_with("..")
        || !name.chars().all(is_allowed)
    {
        let message = format!("`{name}` is not the name of a variable");
        let fault = Fault::new("K242", format!("{path}.name"), message);
        return vec![fault.help("use letters, digits, `_`, `-` and `.`, no digit first")];
    }
    let Some(source) = &variable.value_from else {
        return Vec::new();
    };
    if variable.value.is_some() {
        let message = format!("variable `{name}` has both `value` and `valueFrom`");
        return vec![Fault::new("K242", path, message).help("keep one of them")];
    }
    let path = format!("{path}.valueFrom");
    let sources = [
        source.config_map_key_ref.is_some(),
        source.field_ref.is_some(),
        source.file_key_ref.is_some(),
        source.resource_field_ref.is_some(),
        source.secret_key_ref.is_some(),
    ];
    if sources.into_iter().filter(|is_there| *is_there).count() != 1 {
        let message = format!("variable `{name}` needs exactly one source");
        let help = "for example secretKeyRef: {name: my-secret, key: token}";
        return vec![Fault::new("K242", path, message).help(help)];
    }
    source_faults(source, &path)
}

fn source_faults(source: &EnvVarSource, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(key) = &source.secret_key_ref {
        let path = format!("{path}.secretKeyRef");
        faults.extend(object_name(&key.name, &format!("{path}.name")));
        faults.extend(data_key(&key.key, &format!("{path}.key")));
    }
    if let Some(key) = &source.config_map_key_ref {
        let path = format!("{path}.configMapKeyRef");
        faults.extend(object_name(&key.name, &format!("{path}.name")));
        faults.extend(data_key(&key.key, &format!("{path}.key")));
    }
    if let Some(field) = &source.field_ref {
        faults.extend(not_field(
            &field.field_path,
            &format!("{path}.fieldRef.fieldPath"),
        ));
    }
    if let Some(field) = &source.resource_field_ref {
        let path = format!("{path}.resourceFieldRef");
        let name = &field.resource;
        let is_huge_pages = ["limits.hugepages-", "requests.hugepages-"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if !RESOURCES.contains(&name.as_str()) && !is_huge_pages {
            let message = format!("`{name}` is not a resource of a container");
            let fault = Fault::new("K242", format!("{path}.resource"), message);
            faults.push(fault.help(format!("use one of {}", RESOURCES.join(", "))));
        }
        if let Some(divisor) = &field.divisor
            && let Err((reason, meant)) = quantity::parse(&divisor.0)
        {
            let message = format!("`{}` is not a quantity: {reason}", divisor.0);
            let fault = Fault::new("K242", format!("{path}.divisor"), message);
            faults.push(fault.help(quantity::remedy(meant)));
        }
    }
    faults
}

/// A field of the pod, or one label or annotation of it.
fn not_field(field: &str, path: &str) -> Option<Fault> {
    let subscript = ["metadata.labels", "metadata.annotations"]
        .iter()
        .find_map(|map| field.strip_prefix(map));
    let is_known = match subscript {
        Some(rest) => rest
            .strip_prefix("['")
            .and_then(|rest| rest.strip_suffix("']"))
            .is_some_and(|key| names::not_label_key(&key.to_lowercase()).is_none()),
        None => FIELDS.contains(&field),
    };
    if is_known {
        return None;
    }
    let fault = Fault::new(
        "K242",
        path,
        format!("`{field}` is not a field that a variable can hold"),
    );
    Some(match bench_yaml::suggest(field, FIELDS) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!(
            "use one of {}, metadata.labels['<key>'], metadata.annotations['<key>']",
            FIELDS.join(", ")
        )),
    })
}

/// The name of a ConfigMap, Secret or claim that is referred to.
pub(super) fn object_name(name: &str, path: &str) -> Option<Fault> {
    if name.is_empty() {
        let fault = Fault::new("K248", path, "a name is missing");
        return Some(fault.help("name an object in the Job's namespace"));
    }
    names::object(path, name)
}

/// The key of a ConfigMap or Secret.
pub(super) fn data_key(key: &str, path: &str) -> Option<Fault> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty() {
        let fault = Fault::new("K248", path, "a key is missing");
        return Some(fault.help("name a key of the object"));
    }
    let fits = key.len() <= 253
        && key.chars().all(is_allowed)
        && !matches!(key, "." | "..")
        && !key.starts_with("..");
    (!fits).then(|| {
        let message = format!("`{key}` is not a key of a ConfigMap or Secret");
        Fault::new("K248", path, message).help("use letters, digits, `-`, `_` and `.`")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validate::kubernetes::codes;

    #[test]
    fn sources_are_checked() {
        for (source, expected) in [
            (json!({"fieldRef": {"fieldPath": "metadata.name"}}), ""),
            (
                json!({"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}),
                "",
            ),
            (
                json!({"fieldRef": {"fieldPath": "metadata.labels"}}),
                "K242",
            ),
            (json!({"fieldRef": {"fieldPath": "spec.nodename"}}), "K242"),
            (json!({"secretKeyRef": {"name": "a", "key": "b"}}), ""),
            (json!({"secretKeyRef": {"name": "A", "key": "b"}}), "K204"),
            (json!({"secretKeyRef": {"name": "", "key": "b"}}), "K248"),
            (json!({"secretKeyRef": {"name": "a", "key": ""}}), "K248"),
            (
                json!({"configMapKeyRef": {"name": "a", "key": "b/c"}}),
                "K248",
            ),
            (json!({"resourceFieldRef": {"resource": "limits.cpu"}}), ""),
            (json!({"resourceFieldRef": {"resource": "cpu"}}), "K242"),
            (
                json!({"resourceFieldRef": {"resource": "limits.cpu", "divisor": "x"}}),
                "K242",
            ),
        ] {
            let container: Container = serde_json::from_value(
                json!({"name": "c", "env": [{"name": "A", "valueFrom": source}]}),
            )
            .unwrap();
            let found: Vec<&str> = codes(check(&container, "c"));
            let expected: Vec<&str> = [expected].into_iter().filter(|c| !c.is_empty()).collect();
            assert_eq!(found, expected, "{source}");
        }
    }

    #[test]
    fn references_of_env_from_have_names() {
        let container: Container = serde_json::from_value(
            json!({"name": "c", "envFrom": [{"secretRef": {"name": "A_B"}}, {"configMapRef": {"name": ""}}]}),
        )
        .unwrap();
        let found: Vec<&str> = codes(check(&container, "c"));
        assert_eq!(found, ["K204", "K248"]);
    }
}
