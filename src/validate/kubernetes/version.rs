//! Fields that are newer than some clusters.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::Fault;

/// A minor version of Kubernetes 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubeVersion(u32);

impl KubeVersion {
    /// The oldest version that the rules know.
    const OLDEST: u32 = 26;
    /// The version whose types manifests are read with.
    const NEWEST: u32 = 37;
}

impl Default for KubeVersion {
    fn default() -> Self {
        Self(Self::NEWEST)
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl FromStr for KubeVersion {
    type Err = String;

    /// As clusters and Helm write it: `1.31`, `v1.31.4`, `v1.31.4-gke.1`, `1.31+`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('v').unwrap_or(text);
        let minor = number.strip_prefix("1.").map(|rest| {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default().parse::<u32>()
        });
        let Some(Ok(minor)) = minor else {
            return Err("write it as 1.31 or v1.31.4".to_owned());
        };
        if minor < Self::OLDEST {
            return Err(format!(
                "1.{} is the oldest version whose Jobs have podFailurePolicy, which is rendered",
                Self::OLDEST
            ));
        }
        if minor > Self::NEWEST {
            return Err(format!("1.{} is the newest version known", Self::NEWEST));
        }
        Ok(Self(minor))
    }
}

/// A field, the version that has it without a feature gate (beta), and the one that has it for good (GA).
struct Since {
    field: &'static str,
    beta: u32,
    stable: u32,
}

/// From the API's changelogs. A field that is older than [`KubeVersion::OLDEST`] and stable by then is not here.
const FIELDS: [Since; 15] = [
    since("podFailurePolicy", 26, 31),
    since("backoffLimitPerIndex", 29, 33),
    since("maxFailedIndexes", 29, 33),
    since("podReplacementPolicy", 29, 34),
    since("successPolicy", 31, 33),
    since("managedBy", 32, 35),
    since("matchLabelKeys", 31, 33),
    since("mismatchLabelKeys", 31, 33),
    since("recursiveReadOnly", 31, 33),
    since("appArmorProfile", 30, 31),
    since("schedulingGates", 27, 30),
    since("hostUsers", 33, 36),
    since("resizePolicy", 33, 35),
    since("supplementalGroupsPolicy", 33, 35),
    since("volumeAttributesClassName", 31, 34),
];

const fn since(field: &'static str, beta: u32, stable: u32) -> Since {
    Since {
        field,
        beta,
        stable,
    }
}

/// Fields whose keys are the user's own words.
const FREE: [&str; 8] = [
    "labels",
    "annotations",
    "matchLabels",
    "nodeSelector",
    "data",
    "stringData",
    "limits",
    "requests",
];

/// Fields of a manifest that a cluster of this version has not, or has for trial only.
#[must_use]
pub fn check_version(manifest: &Value, version: KubeVersion) -> Vec<Fault> {
    let mut faults = Vec::new();
    walk(manifest, "", version, &mut faults);
    faults
}

fn walk(value: &Value, path: &str, version: KubeVersion, faults: &mut Vec<Fault>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let inner = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                if let Some(since) = FIELDS.iter().find(|since| since.field == key) {
                    faults.extend(too_new(since, &inner, version));
                }
                if !FREE.contains(&key.as_str()) {
                    walk(value, &inner, version, faults);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{index}]"), version, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn too_new(since: &Since, path: &str, version: KubeVersion) -> Option<Fault> {
    let Since {
        field,
        beta,
        stable,
    } = since;
    if version.0 < *beta {
        let message = format!(
            "Kubernetes {version} has no `{field}` (from 1.{beta} on, or behind a feature gate)"
        );
        return Some(Fault::new("K240", path, message).help(format!(
            "use a cluster of 1.{beta} or newer, or leave the field out"
        )));
    }
    (version.0 < *stable).then(|| {
        Fault::new(
            "K241",
            path,
            format!("`{field}` is beta in Kubernetes {version}, and stable from 1.{stable} on"),
        )
        .warning()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(text: &str) -> KubeVersion {
        text.parse().unwrap()
    }

    #[test]
    fn versions_as_clusters_write_them() {
        for text in ["1.31", "v1.31", "v1.31.4-gke.1", "1.31+", "1.31.0"] {
            assert_eq!(version(text).to_string(), "1.31", "{text}");
        }
        for text in ["1.25", "1.99", "2.0", "latest", "", "1."] {
            assert!(text.parse::<KubeVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn fields_have_their_time() {
        let job = json!({"spec": {"podFailurePolicy": {}, "backoffLimitPerIndex": 1, "template": {"metadata": {"labels": {"managedBy": "x"}}}}});
        let codes = |text| -> Vec<(&'static str, String)> {
            check_version(&job, version(text))
                .into_iter()
                .map(|fault| (fault.code, fault.path))
                .collect()
        };
        let at = |code, field: &str| (code, format!("spec.{field}"));
        assert_eq!(
            codes("1.28"),
            [
                at("K241", "podFailurePolicy"),
                at("K240", "backoffLimitPerIndex")
            ]
        );
        assert_eq!(codes("1.31"), [at("K241", "backoffLimitPerIndex")]);
        assert_eq!(codes("1.33"), []);
    }
}
