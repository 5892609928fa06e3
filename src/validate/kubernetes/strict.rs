//! Typed reading that loses nothing silently: what does not come back is a field that Kubernetes does not have.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use super::{Fault, UNKNOWN_FIELD, WRONG_TYPE};

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

/// The typed object, as far as it can be read, and a fault for every field of `manifest` that has the wrong type or no
/// place in the object.
pub(super) fn read<T: DeserializeOwned + Serialize>(manifest: &Value) -> (Option<T>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut rest = Cow::Borrowed(manifest);
    let object: Option<T> = loop {
        let error = match serde_path_to_error::deserialize(&*rest) {
            Ok(object) => break Some(object),
            Err(error) => error,
        };
        let pointer = pointer(error.path());
        let fault = wrong_type(&error, manifest.pointer(&pointer));
        if !faults.contains(&fault) {
            faults.push(fault);
        }
        // Without what is wrong the rest can be read.
        if !blank(rest.to_mut(), &pointer) {
            break None;
        }
    };
    if let Some(object) = &object {
        let back = serde_json::to_value(object).unwrap_or(Value::Null);
        compare(&rest, &back, "", &mut faults);
    }
    (object, faults)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => bench_yaml::pointer_push(&mut pointer, &index.to_string()),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                bench_yaml::pointer_push(&mut pointer, key);
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

/// Takes a value away, or what it stands in where that does not help; false where that is everything.
fn blank(manifest: &mut Value, pointer: &str) -> bool {
    let Some((parent, _)) = pointer.rsplit_once('/') else {
        return false;
    };
    let key = bench_yaml::pointer_tokens(pointer).last();
    let is_another = match (manifest.pointer_mut(parent), key) {
        (Some(Value::Object(fields)), Some(key)) => fields.shift_remove(&key).is_some(),
        (Some(Value::Array(items)), Some(index)) => index
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get_mut(index))
            .is_some_and(stand_in),
        _ => false,
    };
    is_another || blank(manifest, parent)
}

/// Puts another value in the place of an item, so that those behind it keep theirs; false when all have been tried.
fn stand_in(item: &mut Value) -> bool {
    let candidates = [json!({}), json!(""), json!(0)];
    let tried = candidates.iter().position(|candidate| candidate == item);
    match candidates.into_iter().nth(tried.map_or(0, |at| at + 1)) {
        Some(next) => {
            *item = next;
            true
        }
        None => false,
    }
}

fn wrong_type(
    error: &serde_path_to_error::Error<serde_json::Error>,
    found: Option<&Value>,
) -> Fault {
    let path = error.path().to_string();
    let said = error.inner().to_string();
    let expected = match said.rsplit_once("expected ").map(|(_, expected)| expected) {
        Some("i32" | "i64" | "u32" | "u64" | "f64") => "a number".to_owned(),
        Some("a boolean") => "true or false".to_owned(),
        Some("a sequence") => "a list".to_owned(),
        Some("a map") => "a mapping".to_owned(),
        Some("a string") => "a string".to_owned(),
        Some(kind) => format!("a mapping ({})", kind.trim_start_matches("struct ")),
        None => "another value".to_owned(),
    };
    let found = found.unwrap_or(&Value::Null);
    let shown = match found {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    };
    let help = match (expected.as_str(), found) {
        ("a string", Value::Bool(_) | Value::Number(_)) => format!("quote it: \"{found}\""),
        ("a number" | "true or false", Value::String(_)) => "write it without quotes".to_owned(),
        ("a list", _) => "start each item with `- `".to_owned(),
        _ => format!("`kubectl explain` says what belongs at {}", fields(&path)),
    };
    Fault::new(
        WRONG_TYPE,
        path,
        format!("expected {expected}, found {shown}"),
    )
    .help(help)
}

/// A path without places in lists.
fn fields(path: &str) -> String {
    let mut fields = String::new();
    for part in path.split('[') {
        fields.push_str(part.split_once(']').map_or(part, |(_, rest)| rest));
    }
    fields
}

/// A field of a field.
fn inside(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn compare(written: &Value, back: &Value, path: &str, faults: &mut Vec<Fault>) {
    match (written, back) {
        (Value::Object(written), Value::Object(back)) => {
            for (key, value) in written {
                let inner = inside(path, key);
                match back.get(key) {
                    Some(back_value) => compare(value, back_value, &inner, faults),
                    None if value.is_null() => {}
                    None => {
                        let near = bench_yaml::suggest(key, FIELDS);
                        let message = format!("`{key}` is not a field of Kubernetes here");
                        let fault = Fault {
                            meant: near.map(|near| inside(path, near)),
                            ..Fault::new(UNKNOWN_FIELD, inner, message).at_key()
                        };
                        faults.push(match near {
                            Some(near) => fault.help(format!("did you mean `{near}`?")),
                            None => fault.help("remove it, or move it to where it belongs"),
                        });
                    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn faults(manifest: &Value) -> Vec<Fault> {
        read::<ConfigMap>(manifest).1
    }

    #[test]
    fn one_wrong_type_does_not_hide_the_next() {
        let manifest = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "labels": {"x": true}},
            "spec": {"backoffLimit": "2", "template": {"spec": {"containers": [
                {"name": 1, "image": "i", "args": ["a", 5, "b"], "env": {"name": "A"}},
                "second",
                {"name": "c", "iamge": "i"}
            ]}}}
        });
        let (job, faults) = read::<k8s_openapi::api::batch::v1::Job>(&manifest);
        let mut found: Vec<(&str, &str)> = faults
            .iter()
            .map(|fault| (fault.path.as_str(), fault.message.as_str()))
            .collect();
        found.sort_unstable();
        let at = |path: &str| format!("spec.template.spec.containers{path}");
        assert_eq!(
            found,
            [
                (
                    "metadata.labels.x",
                    "expected a string, found the boolean true"
                ),
                ("spec.backoffLimit", "expected a number, found a string"),
                (&*at("[0].args[1]"), "expected a string, found the number 5"),
                (&*at("[0].env"), "expected a list, found a mapping"),
                (&*at("[0].name"), "expected a string, found the number 1"),
                (
                    &*at("[1]"),
                    "expected a mapping (Container), found a string"
                ),
                (
                    &*at("[2].iamge"),
                    "`iamge` is not a field of Kubernetes here"
                ),
            ]
        );
        assert!(job.is_some());
        crate::validate::kubernetes::codes(faults);
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
    fn what_is_known_comes_back() {
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {}}, "data": {"x": "5"}});
        assert_eq!(faults(&manifest), []);
    }
}
