//! Fields that are newer than some clusters.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::Fault;
use fields::{FIELDS, Since};

mod fields;

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
    let kind = manifest["kind"].as_str().unwrap_or_default();
    let mut faults = Vec::new();
    walk(manifest, kind, "", version, &mut faults);
    faults
}

/// `within` is the nearest key, list indices aside; specs have names of their own.
fn walk(value: &Value, within: &str, path: &str, version: KubeVersion, faults: &mut Vec<Fault>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                let inner = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let meets = |since: &&Since| is_meant(since, within, key, value);
                if let Some(since) = FIELDS.iter().find(meets) {
                    faults.extend(too_new(since, value, &inner, version));
                }
                if !FREE.contains(&key.as_str()) {
                    let name = spec_name(within, key).unwrap_or(key);
                    walk(value, name, &inner, version, faults);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, within, &format!("{path}[{index}]"), version, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_meant(since: &Since, within: &str, key: &str, value: &Value) -> bool {
    since.field == key
        && (since.within.is_empty() || since.within.contains(&within))
        && (since.values.is_empty()
            || value
                .as_str()
                .is_some_and(|value| since.values.contains(&value)))
}

/// What a spec is one of.
fn spec_name(within: &str, key: &str) -> Option<&'static str> {
    match (within, key) {
        ("Job" | "jobTemplate", "spec") => Some("JobSpec"),
        ("Pod" | "template", "spec") => Some("PodSpec"),
        ("PersistentVolumeClaim" | "volumeClaimTemplate", "spec") => Some("ClaimSpec"),
        ("Service", "spec") => Some("ServiceSpec"),
        _ => None,
    }
}

fn too_new(since: &Since, value: &Value, path: &str, version: KubeVersion) -> Option<Fault> {
    let Since {
        field,
        values,
        usable,
        stable,
        gate,
        ..
    } = since;
    let what = match value.as_str().filter(|_| !values.is_empty()) {
        Some(value) => format!("`{field}: {value}`"),
        None => format!("`{field}`"),
    };
    let is_known = |minor: u32| minor <= KubeVersion::NEWEST;
    if version.0 < *usable && is_known(*usable) {
        let message = format!(
            "Kubernetes {version} has no {what} (from 1.{usable} on, or with the feature gate {gate})"
        );
        return Some(Fault::new("K250", path, message).help(format!(
            "use a cluster of 1.{usable} or newer, or leave it out"
        )));
    }
    if version.0 < *usable {
        let message = format!("Kubernetes {version} has no {what} without the feature gate {gate}");
        return Some(
            Fault::new("K250", path, message)
                .help("leave it out; where the gate is on, render with --skip-manifest-validation"),
        );
    }
    let message = match is_known(*stable) {
        true => format!("{what} is beta in Kubernetes {version}, and stable from 1.{stable} on"),
        false => format!("{what} is beta in Kubernetes {version}"),
    };
    (version.0 < *stable).then(|| Fault::new("K251", path, message).warning())
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

    fn codes(manifest: &Value, text: &str) -> Vec<(&'static str, String)> {
        check_version(manifest, version(text))
            .into_iter()
            .map(|fault| (fault.code, fault.path))
            .collect()
    }

    #[test]
    fn fields_have_their_time() {
        let job = json!({"kind": "Job", "spec": {"podFailurePolicy": {}, "backoffLimitPerIndex": 1, "template": {"metadata": {"labels": {"managedBy": "x"}}}}});
        let at = |code, field: &str| (code, format!("spec.{field}"));
        assert_eq!(
            codes(&job, "1.28"),
            [
                at("K251", "podFailurePolicy"),
                at("K250", "backoffLimitPerIndex")
            ]
        );
        assert_eq!(codes(&job, "1.31"), [at("K251", "backoffLimitPerIndex")]);
        assert_eq!(codes(&job, "1.33"), []);
    }

    #[test]
    fn fields_have_their_place() {
        let container =
            json!({"name": "c", "image": "i", "restartPolicy": "Always", "resources": {}});
        let pod = json!({"kind": "Pod", "spec": {
            "restartPolicy": "Never", "containers": [container], "initContainers": [container],
            "volumes": [{"name": "v", "image": {}}, {"name": "w", "emptyDir": {}, "secret": null}],
            "tolerations": [{"operator": "Exists"}, {"operator": "Gt"}], "hostUsers": null
        }});
        let found = |text| -> Vec<String> {
            codes(&pod, text)
                .into_iter()
                .map(|(code, path)| format!("{code} {path}"))
                .collect()
        };
        let not_yet = "K250 spec.tolerations[1].operator";
        assert_eq!(
            found("1.34"),
            [
                "K250 spec.containers[0].restartPolicy",
                "K250 spec.volumes[0].image",
                not_yet
            ]
        );
        assert_eq!(
            found("1.37"),
            ["K251 spec.containers[0].restartPolicy", not_yet]
        );
        let claim =
            json!({"kind": "PersistentVolumeClaim", "spec": {"resources": {"requests": {}}}});
        assert_eq!(codes(&claim, "1.26"), []);
    }

    #[test]
    fn stages_follow_each_other() {
        for since in FIELDS {
            assert!(since.usable <= since.stable, "{since:?}");
            assert!(
                since.stable > KubeVersion::OLDEST,
                "{since:?}: it says nothing"
            );
        }
    }
}
