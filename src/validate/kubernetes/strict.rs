//! Typed reading that loses nothing silently: what does not come back is a field that Kubernetes does not have.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use super::{Fault, MISSING_FIELD, UNKNOWN_FIELD, WRONG_TYPE};

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
/// place in the object, and for every one that the object needs.
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
        let mut found = Vec::new();
        compare(&rest, &back, &Place::default(), &mut found);
        let is_known = |place: &Place| has_field::<T>(&rest, &place.pointer);
        told(&found, is_known, &mut faults);
    }
    (object, faults)
}

/// Says what is different. Nothing is missing that is there as another type, or under a misspelt name.
fn told(found: &[Difference<'_>], is_known: impl Fn(&Place) -> bool, faults: &mut Vec<Fault>) {
    let missing = |place: &Place| {
        let parent = place.parent().to_owned();
        found.iter().filter_map(move |other| match other {
            Difference::NotWritten(other) if other.parent() == parent => Some(other.key.as_str()),
            _ => None,
        })
    };
    for difference in found {
        if let Difference::NotRead(place, value) = difference
            && !(value.is_null() && is_known(place))
        {
            faults.push(unknown(place, missing(place)));
        }
    }
    for difference in found {
        if let Difference::NotWritten(place) = difference {
            let fault = absent(place);
            if !faults.iter().any(|known| known.explains(&fault)) {
                faults.push(fault);
            }
        }
    }
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

    /// The pointer of what it is a field of.
    fn parent(&self) -> &str {
        let parent = self.pointer.rsplit_once('/');
        parent.map_or("", |(parent, _)| parent)
    }

    /// The path of a field beside it.
    fn beside(&self, key: &str) -> String {
        let parent = self.path.strip_suffix(self.key.as_str());
        format!("{}{key}", parent.unwrap_or_default())
    }

    fn item(&self, index: usize) -> Self {
        Self {
            path: format!("{}[{index}]", self.path),
            pointer: format!("{}/{index}", self.pointer),
            key: String::new(),
        }
    }
}

/// A field that has no place, beside others that are missing.
fn unknown<'a>(place: &Place, missing: impl Iterator<Item = &'a str>) -> Fault {
    let key = &place.key;
    let message = format!("`{key}` is not a field of Kubernetes here");
    let near = bench_yaml::suggest(key, missing.chain(FIELDS));
    let fault = Fault {
        meant: near.map(|near| place.beside(near)),
        ..Fault::new(UNKNOWN_FIELD, place.path.clone(), message).at_key()
    };
    match near {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("remove it, or move it to where it belongs"),
    }
}

fn absent(place: &Place) -> Fault {
    let message = format!("`{}` is missing", place.key);
    let help = format!(
        "add it: `kubectl explain` says what belongs at {}",
        fields(&place.path)
    );
    Fault::new(MISSING_FIELD, place.path.clone(), message).help(help)
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
mod tests;
