//! Typed reading that loses nothing silently: what does not come back is a field that Kubernetes does not have.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Fault, MISSING_FIELD, UNKNOWN_FIELD};

/// Fields that users write by hand, for suggestions; which of them fits where is for the typed object to know.
const FIELDS: [&str; 62] = [
    "valueFrom",
    "configMapKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "secretKeyRef",
    "configMapRef",
    "secretRef",
    "prefix",
    "optional",
    "fieldPath",
    "mountPath",
    "mountPropagation",
    "readOnly",
    "recursiveReadOnly",
    "subPath",
    "subPathExpr",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "hostPath",
    "nfs",
    "persistentVolumeClaim",
    "projected",
    "secret",
    "claimName",
    "secretName",
    "defaultMode",
    "items",
    "medium",
    "sizeLimit",
    "driver",
    "volumeAttributes",
    "volumeClaimTemplate",
    "sources",
    "path",
    "type",
    "server",
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "fsGroup",
    "fsGroupChangePolicy",
    "supplementalGroups",
    "seccompProfile",
    "appArmorProfile",
    "seLinuxOptions",
    "localhostProfile",
    "sysctls",
    "allowPrivilegeEscalation",
    "capabilities",
    "add",
    "drop",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
    "labels",
    "annotations",
    "name",
    "key",
    "mode",
];

/// The typed object, and a fault for every field of `manifest` that it has no place for, and for every one that it needs.
pub(super) fn read<T: DeserializeOwned + Serialize>(
    manifest: &Value,
) -> Result<(T, Vec<Fault>), Fault> {
    let object: T = serde_path_to_error::deserialize(manifest).map_err(|error| {
        let path = error.path().to_string();
        Fault::new("K102", path, format!("wrong type: {}", error.inner()))
    })?;
    let back = serde_json::to_value(&object).unwrap_or(Value::Null);
    let mut faults = Vec::new();
    compare(manifest, &back, "", &mut faults);
    Ok((object, faults))
}

fn compare(written: &Value, back: &Value, path: &str, faults: &mut Vec<Fault>) {
    match (written, back) {
        (Value::Object(written), Value::Object(back)) => {
            for (key, value) in written {
                let inner = joined(path, key);
                match back.get(key) {
                    Some(_) if value.is_null() => {}
                    Some(back_value) => compare(value, back_value, &inner, faults),
                    None if value.is_null() => {}
                    None => {
                        let near = bench_yaml::suggest(key, FIELDS);
                        let fault = Fault::new(
                            UNKNOWN_FIELD,
                            inner,
                            format!("`{key}` is not a field of Kubernetes here"),
                        );
                        faults.push(match near {
                            Some(near) => fault.help(format!("did you mean `{near}`?")),
                            None => fault.help("remove it, or move it to where it belongs"),
                        });
                    }
                }
            }
            // What is optional and not there is not written; the rest comes back empty.
            for key in back.keys() {
                if written.get(key).is_none_or(Value::is_null) {
                    let message = format!("`{key}` is missing");
                    faults.push(Fault::new(MISSING_FIELD, joined(path, key), message));
                }
            }
        }
        (Value::Array(written), Value::Array(back)) => {
            for (index, (value, back)) in written.iter().zip(back).enumerate() {
                compare(value, back, &format!("{path}[{index}]"), faults);
            }
        }
        _ => {}
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Pod};
    use serde_json::json;

    use super::*;

    fn faults(manifest: &Value) -> Vec<Fault> {
        match read::<ConfigMap>(manifest) {
            Ok((_, faults)) => faults,
            Err(fault) => vec![fault],
        }
    }

    #[test]
    fn unknown_fields_are_named_with_their_path() {
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "lables": {"a": "b"}}});
        let found = faults(&manifest);
        assert_eq!(
            (found[0].code, found[0].path.as_str()),
            ("K101", "metadata.lables")
        );
    }

    #[test]
    fn wrong_types_are_named_with_their_path() {
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": 5}});
        let found = faults(&manifest);
        assert_eq!((found[0].code, found[0].path.as_str()), ("K102", "data.x"));
    }

    #[test]
    fn what_is_needed_is_missed() {
        let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
            "containers": [{"name": "c", "image": null, "ports": [{"containerPort": null}]}],
            "volumes": [{"name": "v", "csi": {}}, {"name": "w", "csi": {"driver": ""}}]
        }});
        let (_, found) = read::<Pod>(&manifest).unwrap();
        let found: Vec<_> = found.iter().map(|f| (f.code, f.path.as_str())).collect();
        assert_eq!(
            found,
            [
                ("K103", "spec.containers[0].ports[0].containerPort"),
                ("K103", "spec.volumes[0].csi.driver")
            ]
        );
    }

    #[test]
    fn what_is_known_comes_back() {
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {}}, "data": {"x": "5"}});
        assert_eq!(faults(&manifest), []);
    }
}
