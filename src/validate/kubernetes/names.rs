//! Names, namespaces, labels and annotations.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Fault;
use crate::names::corrected;
pub(super) use crate::names::not_label;

/// How keys of labels and annotations look.
const KEY: &str = "for example `team` or `example.com/team`";

/// What metadata has wrong. `is_namespaced` objects must say where they live.
pub(super) fn metadata(metadata: &ObjectMeta, is_namespaced: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    match metadata.name.as_deref() {
        None | Some("") => {
            let fault = Fault::new("K203", "metadata.name", "the object has no name");
            faults.push(fault.help("give it one, for example `benchmark`"));
        }
        Some(name) => faults.extend(object("metadata.name", name)),
    }
    if is_namespaced {
        faults.extend(namespace(metadata.namespace.as_deref().unwrap_or_default()));
    }
    for (key, value) in metadata.labels.iter().flatten() {
        faults.extend(label(&format!("metadata.labels.{key}"), key, value));
    }
    faults.extend(annotations(
        "metadata.annotations",
        metadata.annotations.as_ref(),
    ));
    faults
}

/// What the metadata of a Namespace has wrong: its name is what other objects have as their namespace.
pub(super) fn namespace_metadata(of: &ObjectMeta) -> Vec<Fault> {
    let name = of.name.as_deref().unwrap_or_default();
    let own = namespace(name).map(|fault| Fault {
        path: "metadata.name".to_owned(),
        ..fault
    });
    let rest = metadata(of, false)
        .into_iter()
        .filter(|fault| name.is_empty() || fault.path != "metadata.name");
    own.filter(|_| !name.is_empty())
        .into_iter()
        .chain(rest)
        .collect()
}

/// The name of an object, or of one that is referred to: a DNS-1123 subdomain.
pub(super) fn object(path: impl Into<String>, name: &str) -> Option<Fault> {
    let reason = not_subdomain(name)?;
    let message = format!("`{name}` is not a name in Kubernetes: {reason}");
    Some(Fault::new("K204", path, message).help(rename(name)))
}

/// The nearest name that is one.
pub(super) fn rename(name: &str) -> String {
    match corrected(name) {
        better if better.is_empty() || better == name => {
            "use lower-case letters, digits and `-`".to_owned()
        }
        better => format!("use `{better}`"),
    }
}

/// A namespace is a DNS-1123 label.
pub(super) fn namespace(namespace: &str) -> Option<Fault> {
    let reason = not_label(namespace)?;
    let fault = Fault::new(
        "K204",
        "metadata.namespace",
        format!("namespace `{namespace}` is not a DNS-1123 label: {reason}"),
    );
    Some(fault.help(rename(namespace)))
}

/// A label's key and value.
pub(super) fn label(path: &str, key: &str, value: &str) -> Option<Fault> {
    if let Some(reason) = not_label_key(key) {
        let message = format!("`{key}` is not a label's key: {reason}");
        return Some(Fault::new("K206", path, message).at_key().help(KEY));
    }
    let reason = not_label_value(value)?;
    let fault = Fault::new(
        "K207",
        path,
        format!("`{value}` is not a label's value: {reason}"),
    );
    // A selector looks for labels of other objects: there is no annotation to choose.
    Some(if path.contains("metadata.labels") {
        fault.help("put the text into an annotation, which takes any")
    } else {
        fault.help("write the label as the other object has it")
    })
}

/// The keys of annotations, and their size together.
pub(super) fn annotations(
    path: &str,
    annotations: Option<&std::collections::BTreeMap<String, String>>,
) -> Vec<Fault> {
    const MOST: usize = 262_144;
    let mut faults = Vec::new();
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        size += key.len() + value.len();
        if let Some(reason) = not_label_key(&key.to_lowercase()) {
            let message = format!("`{key}` is not an annotation's key: {reason}");
            let fault = Fault::new("K206", format!("{path}.{key}"), message);
            faults.push(fault.at_key().help(KEY));
        }
    }
    if size > MOST {
        let message = format!("annotations of {size} bytes; the limit is {MOST}");
        faults.push(Fault::new("K208", path, message).help("put the text into a ConfigMap"));
    }
    faults
}

/// Why `name` is not a DNS-1123 subdomain: labels joined by dots.
pub(super) fn not_subdomain(name: &str) -> Option<String> {
    if name.len() > 253 {
        return Some(format!("{} characters; the limit is 253", name.len()));
    }
    // Between dots a subdomain's part may be longer than a label; the rest is the same.
    name.split('.').find_map(|part| match not_label(part) {
        Some(_) if part.len() > 63 && not_label(part.get(..63).unwrap_or_default()).is_none() => {
            None
        }
        reason => reason,
    })
}

/// Why `key` is not the key of a label: an optional DNS prefix with `/`, and a name of at most 63 characters.
pub(super) fn not_label_key(key: &str) -> Option<String> {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            if let Some(reason) = not_subdomain(prefix) {
                return Some(format!("its prefix `{prefix}`: {reason}"));
            }
            name
        }
        None => key,
    };
    if name.is_empty() {
        Some("it has no name".to_owned())
    } else {
        not_label_value(name)
    }
}

/// Why `value` is not the value of a label.
pub(super) fn not_label_value(value: &str) -> Option<String> {
    if value.len() > 63 {
        return Some(format!("{} characters; the limit is 63", value.len()));
    }
    if let Some(bad) = value
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
    {
        return Some(format!(
            "`{bad}` is not allowed, only letters, digits, `-`, `_` and `.`"
        ));
    }
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    let fits = value.is_empty() || (value.starts_with(is_edge) && value.ends_with(is_edge));
    (!fits).then(|| "it does not start and end with a letter or digit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces() {
        assert_eq!(namespace("benchmarking"), None);
        let fault = namespace("Benchmarking_Prod").unwrap();
        assert_eq!(fault.help[0].told(str::to_owned), "use `benchmarking-prod`");
        assert!(namespace("").is_some());
        assert!(namespace(&"n".repeat(64)).is_some());
        let of = |name: &str| {
            let metadata = ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            };
            let found = namespace_metadata(&metadata);
            found
                .into_iter()
                .map(|fault| (fault.code, fault.path))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("benchmarking"), []);
        assert_eq!(of("a.b"), [("K204", "metadata.name".to_owned())]);
        assert_eq!(of(""), [("K203", "metadata.name".to_owned())]);
    }

    #[test]
    fn subdomains_have_dots_and_labels_have_none() {
        assert_eq!(not_subdomain("a.b-c.d1"), None);
        assert!(not_subdomain("a..b").is_some());
        assert!(not_subdomain("A").is_some());
        assert!(not_label("a.b").is_some());
    }

    #[test]
    fn label_keys_and_values() {
        for (key, fits) in [
            ("app.kubernetes.io/name", true),
            ("benchmark.scenario", true),
            ("/x", false),
            ("a/", false),
            ("-a", false),
            ("A_b", true),
        ] {
            assert_eq!(not_label_key(key).is_none(), fits, "{key}");
        }
        for (value, fits) in [
            ("", true),
            ("v0.2.0", true),
            ("Qwen/Qwen3-8B", false),
            ("-x", false),
        ] {
            assert_eq!(not_label_value(value).is_none(), fits, "{value}");
        }
        assert!(not_label_value(&"l".repeat(64)).is_some());
    }

    #[test]
    fn annotations_take_any_value_up_to_a_size() {
        let one = |key: &str, value: String| [(key.to_owned(), value)].into();
        assert_eq!(
            annotations("a", Some(&one("Example.com/Role", "any / text".to_owned()))),
            []
        );
        assert_eq!(annotations("a", Some(&one("x y", String::new()))).len(), 1);
        assert_eq!(
            annotations("a", Some(&one("x", "y".repeat(262_144)))).len(),
            1
        );
    }
}
