//! ConfigMaps, and what must hold between manifests.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use super::{Fault, names};

/// Everything that an API server refuses in a ConfigMap.
pub(super) fn check_config_map(map: &ConfigMap) -> Vec<Fault> {
    const MOST: usize = 1_048_576;
    let mut faults = names::metadata(&map.metadata, true);
    let mut size = 0;
    for (key, value) in map.data.iter().flatten() {
        size += value.len();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if key.is_empty()
            || key.len() > 253
            || key.starts_with("..")
            || key == "."
            || !key.chars().all(is_allowed)
        {
            let message = format!("`{key}` is not a key of a ConfigMap");
            let fault = Fault::new("K221", format!("data.{key}"), message);
            faults.push(fault.at_key().help("use letters, digits, `-`, `_` and `.`"));
        }
    }
    if size > MOST {
        let message = format!("{size} bytes of data; the limit is {MOST}");
        faults.push(Fault::new("K222", "data", message).help("write fewer stages"));
    }
    faults
}

/// What is wrong with manifests taken together: objects twice, other namespaces, references to what is not there.
/// Each fault comes with the index of its manifest.
#[must_use]
pub fn check_set(manifests: &[Value]) -> Vec<(usize, Fault)> {
    let mut faults = duplicates(manifests);
    faults.extend(namespaces(manifests));
    faults.extend(references(manifests));
    faults
}

fn text<'a>(manifest: &'a Value, pointer: &str) -> &'a str {
    manifest
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What is there twice. Each fault comes with the index of its manifest. Objects without a name, which a server gives
/// them, are none of these.
pub(crate) fn duplicates(manifests: &[Value]) -> Vec<(usize, Fault)> {
    let mut known = BTreeSet::new();
    let mut faults = Vec::new();
    for (index, manifest) in manifests.iter().enumerate() {
        let identity = [
            "/apiVersion",
            "/kind",
            "/metadata/namespace",
            "/metadata/name",
        ]
        .map(|pointer| text(manifest, pointer));
        let [_, kind, _, name] = identity;
        if !kind.is_empty() && !name.is_empty() && !known.insert(identity) {
            let message = format!("{kind} `{name}` is there twice");
            let fault = Fault::new("K230", "metadata.name", message);
            faults.push((index, fault.help("give one of them another name")));
        }
    }
    faults
}

fn namespaces(manifests: &[Value]) -> Vec<(usize, Fault)> {
    let of = |manifest: &Value| text(manifest, "/metadata/namespace").to_owned();
    let namespaced = || {
        manifests.iter().enumerate().filter(|(_, manifest)| {
            let kind = text(manifest, "/kind");
            kind != "Namespace" && !kind.starts_with("Cluster")
        })
    };
    let Some(first) = namespaced().next().map(|(_, manifest)| of(manifest)) else {
        return Vec::new();
    };
    namespaced()
        .filter(|(_, manifest)| of(manifest) != first)
        .map(|(index, manifest)| {
            let message = format!(
                "namespace `{}`, and other objects are in `{first}`",
                of(manifest)
            );
            let fault = Fault::new("K231", "metadata.namespace", message);
            (index, fault.help("write one namespace for all of them"))
        })
        .collect()
}

/// A ConfigMap that a Job's volume named `config` refers to is the Job's own: it must be there, with the keys that are
/// mounted. Others may be in the cluster already.
fn references(manifests: &[Value]) -> Vec<(usize, Fault)> {
    const OWN: &str = "config";
    let list = |value: &Value, pointer: &str| -> Vec<Value> {
        let items = value.pointer(pointer).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    let mut faults = Vec::new();
    for (index, job) in manifests
        .iter()
        .enumerate()
        .filter(|(_, manifest)| text(manifest, "/kind") == "Job")
    {
        let volumes = list(job, "/spec/template/spec/volumes");
        let Some((at, volume)) = volumes.iter().enumerate().find(|(_, volume)| {
            text(volume, "/name") == OWN && volume.pointer("/configMap/name").is_some()
        }) else {
            continue;
        };
        let name = text(volume, "/configMap/name");
        let map = manifests.iter().find(|manifest| {
            text(manifest, "/kind") == "ConfigMap" && text(manifest, "/metadata/name") == name
        });
        let path = format!("spec.template.spec.volumes[{at}].configMap.name");
        let Some(map) = map else {
            let message = format!("ConfigMap `{name}` is not rendered");
            let help = "add a template that renders it";
            faults.push((index, Fault::new("K232", path, message).help(help)));
            continue;
        };
        for container in list(job, "/spec/template/spec/containers") {
            for mount in list(&container, "/volumeMounts") {
                let key = text(&mount, "/subPath");
                let is_there =
                    key.is_empty() || map.get("data").is_some_and(|d| d.get(key).is_some());
                if text(&mount, "/name") == OWN && !is_there {
                    let message = format!("ConfigMap `{name}` has no key `{key}`");
                    let fault = Fault::new("K232", path.clone(), message);
                    faults.push((index, fault.help("add the key to the ConfigMap's template")));
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validate::kubernetes::codes as all_codes;

    fn set() -> Vec<Value> {
        vec![
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": {"config.yml": "x"}}),
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n"}, "spec": {"template": {"spec": {
                "volumes": [{"name": "config", "configMap": {"name": "c"}}],
                "containers": [{"name": "x", "volumeMounts": [{"name": "config", "mountPath": "/c", "subPath": "config.yml"}]}]
            }}}}),
        ]
    }

    fn codes(set: &[Value]) -> Vec<&'static str> {
        all_codes(check_set(set).into_iter().map(|(_, fault)| fault))
    }

    #[test]
    fn what_we_write_passes() {
        assert_eq!(codes(&set()), [""; 0]);
    }

    #[test]
    fn objects_twice() {
        let mut twice = set();
        twice.push(twice[0].clone());
        assert_eq!(codes(&twice), ["K230"]);
        let generated =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "c-"}});
        assert_eq!(duplicates(&[generated.clone(), generated]), []);
    }

    #[test]
    fn another_namespace() {
        let mut other = set();
        other[1]["metadata"]["namespace"] = "m".into();
        assert_eq!(codes(&other), ["K231"]);
    }

    #[test]
    fn references_that_lead_nowhere() {
        let mut lost = set();
        lost[0]["metadata"]["name"] = "d".into();
        assert_eq!(codes(&lost), ["K232"]);
        let mut key = set();
        key[0]["data"] = json!({"other": "x"});
        assert_eq!(codes(&key), ["K232"]);
    }

    #[test]
    fn config_maps() {
        let check = |data: Value| {
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": data});
            all_codes(check_config_map(&serde_json::from_value(map).unwrap()))
        };
        assert_eq!(check(json!({"config.yml": "x"})), [""; 0]);
        assert_eq!(check(json!({"..a": "x"})), ["K221"]);
        assert_eq!(check(json!({"a/b": "x"})), ["K221"]);
        assert_eq!(check(json!({"a": "x".repeat(1_048_577)})), ["K222"]);
    }
}
