//! The manifests in a file, lists taken apart.

use bench_yaml::{Node, Value as NodeValue};
use serde_json::Value;

/// The code of what is no manifest, or one of a kind that nobody here knows.
pub(crate) const NO_MANIFEST: &str = "K100";

/// A manifest and where it stands.
#[derive(Debug)]
pub(crate) struct Manifest<'a> {
    /// Where it stands.
    pub(crate) node: &'a Node,
    /// What it says.
    pub(crate) object: Value,
}

impl Manifest<'_> {
    /// A text of the object.
    fn text(&self, pointer: &str) -> Option<&str> {
        self.object.pointer(pointer).and_then(Value::as_str)
    }

    /// Why it is none: it is no mapping.
    pub(crate) fn why_no_mapping(&self) -> Option<String> {
        (!self.object.is_object())
            .then(|| format!("this is no manifest: it is {}", self.node.kind()))
    }

    /// Why nothing can be compared with it: it is no mapping, or does not say what it is called.
    pub(crate) fn why_nameless(&self) -> Option<String> {
        let lacking = |pointer: &str, name: &str| {
            if self.object.pointer(pointer).is_none() {
                return Some(format!("this is no manifest: it has no `{name}`"));
            }
            let is_text = self.text(pointer).is_some_and(|text| !text.is_empty());
            (!is_text).then(|| format!("this is no manifest: its `{name}` is not a text"))
        };
        self.why_no_mapping()
            .or_else(|| lacking("/kind", "kind"))
            .or_else(|| lacking("/metadata/name", "metadata.name"))
    }
}

/// Whether a document has one of the two keys that every manifest has, and values have not.
pub(crate) fn is_manifest(document: &Node) -> bool {
    ["apiVersion", "kind"]
        .iter()
        .any(|key| document.entry(key).is_some())
}

/// Everything that documents hold: the items of every list (`List`, `JobList`), and the rest as it is. Empty documents
/// hold nothing.
pub(crate) fn manifests(documents: &[Node]) -> Vec<Manifest<'_>> {
    let mut found = Vec::new();
    for document in documents {
        if !matches!(document.value, NodeValue::Null) {
            unpack(document, None, &mut found);
        }
    }
    found
}

/// `of` is the kind and the version of the list that the node is an item of.
fn unpack<'a>(node: &'a Node, of: Option<(&str, &str)>, found: &mut Vec<Manifest<'a>>) {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    let kind = text("kind").unwrap_or_default();
    if let (Some(item), Some(items)) = (kind.strip_suffix("List"), node.get("items")) {
        let is_empty = matches!(items.value, NodeValue::Null);
        if let Some(items) = items.items().or(is_empty.then_some(&[])) {
            let version = text("apiVersion").unwrap_or_default();
            for node in items {
                unpack(node, Some((item, version)), found);
            }
            return;
        }
    }
    let mut object = node.to_json();
    // The API leaves out of the items what the list has said: a SecretList is one of Secrets.
    if let (Some((kind, version)), Some(fields)) = (of, object.as_object_mut())
        && !kind.is_empty()
    {
        for (key, value) in [("apiVersion", version), ("kind", kind)] {
            fields.entry(key).or_insert_with(|| value.into());
        }
    }
    found.push(Manifest { node, object });
}

#[cfg(test)]
mod tests {
    use bench_yaml::{ParseOptions, Source, parse};

    use super::*;

    fn documents(text: &str) -> Vec<Node> {
        let parsed = parse(&Source::new("t", text), &ParseOptions::default());
        assert_eq!(parsed.problems, []);
        parsed.documents
    }

    fn names(text: &str) -> Vec<String> {
        let documents = documents(text);
        manifests(&documents)
            .iter()
            .map(|manifest| {
                let text = |pointer: &str| manifest.text(pointer).unwrap_or("-");
                [text("/apiVersion"), text("/kind"), text("/metadata/name")].join(" ")
            })
            .collect()
    }

    #[test]
    fn lists_are_taken_apart_and_items_know_what_they_are() {
        let text = "kind: List\napiVersion: v1\nitems:\n- {apiVersion: batch/v1, kind: Job, metadata: {name: a}}\n---\n---\nkind: SecretList\napiVersion: v1\nitems:\n- metadata: {name: b}\n---\nkind: List\nitems:\n- {kind: JobList, apiVersion: batch/v1, items: [{metadata: {name: c}}]}\n---\nkind: PodList\nitems:\n";
        assert_eq!(
            names(text),
            ["batch/v1 Job a", "v1 Secret b", "batch/v1 Job c"]
        );
        assert_eq!(names("kind: List\nitems: x\n"), ["- List -"]);
    }

    #[test]
    fn what_is_no_manifest_is_said() {
        let documents = documents(
            "kind: List\nitems: [1, x, {a: b}, {kind: [1]}, {kind: A, metadata: {name: 7}}, {kind: A, metadata: {name: b}}]\n",
        );
        let reasons: Vec<_> = manifests(&documents)
            .iter()
            .map(|manifest| manifest.why_nameless().unwrap_or_default())
            .collect();
        assert_eq!(
            reasons,
            [
                "this is no manifest: it is an integer",
                "this is no manifest: it is a string",
                "this is no manifest: it has no `kind`",
                "this is no manifest: its `kind` is not a text",
                "this is no manifest: its `metadata.name` is not a text",
                ""
            ]
        );
    }
}
