//! What a cluster adds to an object when it takes it, and what of that is no difference.

use serde_json::{Map, Value, json};

use super::counterpart;
use super::defaults::Filled::{Anything, Is, PullPolicy, SameAs, TemplateLabels};
use super::defaults::{GENERATED, defaults};
use crate::validate::kubernetes::is_same_quantity;

/// What the server keeps in an object for itself.
const BOOKKEEPING: [(&str, &[&str]); 4] = [
    ("", &["status"]),
    (
        "/metadata",
        &[
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "managedFields",
            "selfLink",
        ],
    ),
    ("/spec/template/metadata", &["creationTimestamp"]),
    (
        "/metadata/annotations",
        &["kubectl.kubernetes.io/last-applied-configuration"],
    ),
];

/// Whether an object was read from a cluster: only a server gives these.
pub(super) fn is_live(object: &Value) -> bool {
    ["/metadata/uid", "/metadata/resourceVersion"]
        .iter()
        .any(|pointer| object.pointer(pointer).is_some())
}

/// When a server took it; the text sorts as time does.
pub(super) fn created(object: &Value) -> Option<&str> {
    object.pointer("/metadata/creationTimestamp")?.as_str()
}

/// An old object as it was applied: without what a server keeps in it for itself and, where it comes from a cluster,
/// without the defaults that the new one leaves out too.
pub(super) fn as_applied(old: &Value, new: Option<&Value>) -> Value {
    let mut applied = old.clone();
    for (pointer, keys) in BOOKKEEPING {
        if let Some(fields) = applied.pointer_mut(pointer).and_then(Value::as_object_mut) {
            fields.retain(|key, _| !keys.contains(&key.as_str()));
        }
    }
    let annotations = applied.pointer("/metadata/annotations");
    if annotations
        .and_then(Value::as_object)
        .is_some_and(Map::is_empty)
        && let Some(metadata) = applied["metadata"].as_object_mut()
    {
        metadata.remove("annotations");
    }
    if let Some(new) = new.filter(|_| is_live(old)) {
        let labels = old.pointer("/spec/template/metadata/labels").cloned();
        let object = Object {
            kind: old["kind"].as_str().unwrap_or_default(),
            template_labels: labels.unwrap_or(Value::Null),
        };
        object.settle(&mut applied, Some(new), "");
        // Where `kubectl -n` says the namespace.
        if new.pointer("/metadata/namespace").is_none()
            && let Some(metadata) = applied["metadata"].as_object_mut()
        {
            metadata.remove("namespace");
        }
    }
    applied
}

/// What the defaults of an object depend on.
struct Object<'a> {
    kind: &'a str,
    template_labels: Value,
}

impl Object<'_> {
    /// Takes out of `old`, which stands at `path`, every default that `new` does not say.
    fn settle(&self, old: &mut Value, new: Option<&Value>, path: &str) {
        match old {
            Value::Object(fields) => self.settle_fields(fields, new, path),
            Value::Array(items) => {
                let path = format!("{path} *");
                for (index, item) in items.iter_mut().enumerate() {
                    // What is gone is shown as it was.
                    if let Some(new) = counterpart(index, item, new) {
                        self.settle(item, Some(new), path.trim_start());
                    }
                }
            }
            Value::String(text) => {
                // A server writes 1000m as 1, and a number as a text.
                let is_quantity = path.contains(" limits ")
                    || path.contains(" requests ")
                    || path.ends_with(" sizeLimit")
                    || path.ends_with(" divisor");
                if let Some(new) = new.filter(|_| is_quantity)
                    && is_same_quantity(text, &bare(new))
                {
                    *old = new.clone();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn settle_fields(&self, fields: &mut Map<String, Value>, new: Option<&Value>, path: &str) {
        let before = fields.clone();
        fields.retain(|key, value| {
            let new = new.and_then(|new| new.get(key));
            let path = format!("{path} {key}");
            let path = path.trim_start();
            if new.is_none() && self.is_default(path, value, &before) {
                return false;
            }
            let was_empty = is_empty(value);
            self.settle(value, new, path);
            // Nothing is left of a mapping that only defaults made.
            new.is_some() || was_empty || !is_empty(value)
        });
        // An empty value of a variable is not kept.
        if path.ends_with(" env *")
            && !fields.contains_key("value")
            && new.is_some_and(|new| new.get("value") == Some(&json!("")))
        {
            fields.insert("value".to_owned(), json!(""));
        }
    }

    /// Whether a server would have written this value, with these beside it, into a field that was left out.
    fn is_default(&self, path: &str, value: &Value, beside: &Map<String, Value>) -> bool {
        // Go writes null for some lists that are empty.
        value.is_null()
            || defaults(self.kind, path).any(|default| match default {
                Is(json) => serde_json::from_str::<Value>(json).is_ok_and(|json| json == *value),
                Anything => true,
                SameAs(key) => beside.get(key) == Some(value),
                PullPolicy => {
                    let image = beside.get("image").and_then(Value::as_str);
                    image.is_some_and(|image| *value == pull_policy(image))
                }
                TemplateLabels => given_labels(value) == given_labels(&self.template_labels),
            })
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

/// Labels without those that the Job controller sets.
fn given_labels(labels: &Value) -> Vec<(&String, &Value)> {
    let labels = labels.as_object().into_iter().flatten();
    let mut given: Vec<_> = labels
        .filter(|(key, _)| !GENERATED.contains(&key.as_str()))
        .collect();
    given.sort_by_key(|(key, _)| *key);
    given
}

fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// What a server chooses for an image.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let is_pinned =
        last.contains('@') || last.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    if is_pinned { "IfNotPresent" } else { "Always" }
}
