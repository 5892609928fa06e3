//! Secrets as a server keeps them.

use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

/// An object as a server keeps it: what a Secret has in `stringData` is in its `data`, where it wins over what was there,
/// and what is in `data` has no line ends. From `Convert_v1_Secret_To_core_Secret` of Kubernetes
/// (`pkg/apis/core/v1/conversion.go`) and Go's base64, which reads over line ends.
pub(super) fn as_kept(object: &Value) -> Value {
    let mut kept = object.clone();
    let is_secret = object["kind"] == "Secret" && object["apiVersion"] == "v1";
    if let Some(fields) = kept.as_object_mut().filter(|_| is_secret) {
        for value in data(fields).into_iter().flat_map(Map::values_mut) {
            if let Value::String(text) = value {
                text.retain(|character| !matches!(character, '\n' | '\r'));
            }
        }
        fold(fields);
    }
    kept
}

/// Moves every text of `stringData`; what is none is refused by a server, and left where it stands.
fn fold(fields: &mut Map<String, Value>) {
    let Some(given) = fields.get_mut("stringData").and_then(Value::as_object_mut) else {
        return;
    };
    let mut encoded = Map::new();
    given.retain(|key, value| match value {
        Value::String(text) => {
            let bytes = ByteString(std::mem::take(text).into_bytes());
            encoded.insert(key.clone(), json!(bytes));
            false
        }
        _ => true,
    });
    if given.is_empty() {
        fields.shift_remove("stringData");
    }
    if let Some(data) = data(fields) {
        data.extend(encoded);
    } else if !encoded.is_empty() {
        fields.insert("data".to_owned(), encoded.into());
    }
}

fn data(fields: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    fields.get_mut("data")?.as_object_mut()
}
