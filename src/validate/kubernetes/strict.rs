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
    let mut found = Vec::new();
    compare(manifest, &back, &Place::default(), &mut found);
    let faults = found.into_iter().filter_map(|difference| match difference {
        Difference::NotRead(place, value) => {
            let is_known = value.is_null() && has_field::<T>(manifest, &place.pointer);
            (!is_known).then(|| unknown(&place))
        }
        Difference::NotWritten(place) => {
            let message = format!("`{}` is missing", place.key);
            Some(Fault::new(MISSING_FIELD, place.path, message))
        }
    });
    Ok((object, faults.collect()))
}

/// Whether a null stands where the type has a field. A null is not given back either way; an empty mapping is, or it is
/// of a wrong type.
fn has_field<T: DeserializeOwned + Serialize>(manifest: &Value, pointer: &str) -> bool {
    let mut probe = manifest.clone();
    if let Some(place) = probe.pointer_mut(pointer) {
        *place = Value::Object(serde_json::Map::new());
    }
    let read: Result<T, _> = serde_json::from_value(probe);
    read.map_or(true, |object| {
        serde_json::to_value(&object).is_ok_and(|back| back.pointer(pointer).is_some())
    })
}

/// Where a field is.
#[derive(Clone, Default)]
struct Place {
    /// As people write it: `spec.containers[0].image`.
    path: String,
    /// The same as a JSON pointer.
    pointer: String,
    key: String,
}

impl Place {
    fn field(&self, key: &str) -> Self {
        let mut pointer = self.pointer.clone();
        bench_yaml::pointer_push(&mut pointer, key);
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        Self {
            path,
            pointer,
            key: key.to_owned(),
        }
    }

    fn item(&self, index: usize) -> Self {
        Self {
            path: format!("{}[{index}]", self.path),
            pointer: format!("{}/{index}", self.pointer),
            key: String::new(),
        }
    }
}

fn unknown(place: &Place) -> Fault {
    let key = &place.key;
    let fault = Fault::new(
        UNKNOWN_FIELD,
        place.path.clone(),
        format!("`{key}` is not a field of Kubernetes here"),
    );
    match bench_yaml::suggest(key, FIELDS) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("remove it, or move it to where it belongs"),
    }
}

/// What a manifest and the object that was read from it do not share.
enum Difference<'a> {
    /// A field of the manifest that does not come back.
    NotRead(Place, &'a Value),
    /// A field that comes back, and was not written: what is optional would not.
    NotWritten(Place),
}

/// Every difference between what was written and what comes back.
fn compare<'a>(written: &'a Value, back: &Value, place: &Place, found: &mut Vec<Difference<'a>>) {
    match (written, back) {
        (Value::Object(written), Value::Object(back)) => {
            for (key, value) in written {
                let inner = place.field(key);
                match back.get(key) {
                    Some(_) if value.is_null() => {}
                    Some(back_value) => compare(value, back_value, &inner, found),
                    None => found.push(Difference::NotRead(inner, value)),
                }
            }
            for key in back.keys() {
                if written.get(key).is_none_or(Value::is_null) {
                    found.push(Difference::NotWritten(place.field(key)));
                }
            }
        }
        (Value::Array(written), Value::Array(back)) => {
            for (index, (value, back)) in written.iter().zip(back).enumerate() {
                compare(value, back, &place.item(index), found);
            }
        }
        _ => {}
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
    fn a_null_needs_a_field_too() {
        let with = |key: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", key: null}});
        // Of every type that a field can have: a text, a number, a list, a mapping, a time.
        for known in [
            "namespace",
            "generation",
            "finalizers",
            "labels",
            "deletionTimestamp",
        ] {
            assert_eq!(faults(&with(known)), [], "{known}");
        }
        let found = faults(&with("lables"));
        assert_eq!(
            (found.len(), found[0].path.as_str()),
            (1, "metadata.lables")
        );
        let mut manifest = with("labels");
        manifest["bogus"] = Value::Null;
        assert_eq!(faults(&manifest)[0].path, "bogus");
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
