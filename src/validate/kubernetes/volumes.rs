//! Volumes and where they are mounted.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PodSpec, Volume, VolumeMount};
use serde_json::Value;

use super::{Fault, names};

mod sources;

/// Volumes: named once, one source each; mounts: of a volume that exists, one a path.
pub(super) fn check(pod: &PodSpec, pod_path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for (index, volume) in pod.volumes.iter().flatten().enumerate() {
        let path = format!("{pod_path}.volumes[{index}]");
        if let Some(reason) = names::not_label(&volume.name) {
            let message = format!("`{}` is not a volume's name: {reason}", volume.name);
            let fault = Fault::new("K204", format!("{path}.name"), message);
            faults.push(fault.help(names::rename(&volume.name)));
        }
        if !known.insert(volume.name.as_str()) {
            let message = format!("volume `{}` is there twice", volume.name);
            let fault = Fault::new("K245", format!("{path}.name"), message);
            faults.push(fault.help("give one of them another name"));
        }
        match one_source(volume, &path) {
            Some(fault) => faults.push(fault),
            None => faults.extend(sources::check(volume, &path)),
        }
    }
    for (index, container) in pod.containers.iter().enumerate() {
        let mut taken = BTreeSet::new();
        for (at, mount) in container.volume_mounts.iter().flatten().enumerate() {
            let path = format!("{pod_path}.containers[{index}].volumeMounts[{at}]");
            if !known.contains(mount.name.as_str()) {
                let fault = Fault::new(
                    "K246",
                    format!("{path}.name"),
                    format!("there is no volume `{}`", mount.name),
                );
                let near = bench_yaml::suggest(&mount.name, known.iter().copied());
                faults.push(match near {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => fault.help_at("add it under ", format!("{pod_path}.volumes"), ""),
                });
            }
            if !taken.insert(mount.mount_path.trim_end_matches('/')) {
                let message = format!("something is mounted at `{}` already", mount.mount_path);
                let fault = Fault::new("K246", format!("{path}.mountPath"), message);
                faults.push(fault.help("mount it at another path"));
            }
            faults.extend(mount_path(mount, &path));
        }
    }
    faults
}

/// A volume has exactly one source; none at all is Kubernetes' old way to write an emptyDir, and a mistake here.
fn one_source(volume: &Volume, path: &str) -> Option<Fault> {
    let json = serde_json::to_value(volume).unwrap_or(Value::Null);
    let sources = json.as_object().map_or(0, |fields| {
        fields.keys().filter(|key| *key != "name").count()
    });
    if sources == 1 {
        return None;
    }
    let message = format!(
        "volume `{}` has {sources} sources; it needs exactly one",
        volume.name
    );
    Some(Fault::new("K245", path, message).help("for example emptyDir: {}"))
}

fn mount_path(mount: &VolumeMount, path: &str) -> Option<Fault> {
    let sub_path = mount.sub_path.as_deref().unwrap_or_default();
    if mount.mount_path.is_empty() || mount.mount_path.contains(':') {
        let message = format!("`{}` is not a path", mount.mount_path);
        let fault = Fault::new("K246", format!("{path}.mountPath"), message);
        return Some(fault.help("for example /data"));
    }
    if sub_path.starts_with('/') || sub_path.split('/').any(|step| step == "..") {
        let message = format!("`{sub_path}` is not a path inside the volume");
        let fault = Fault::new("K246", format!("{path}.subPath"), message);
        return Some(fault.help("write it without `/` in front and without `..`"));
    }
    (mount.sub_path.is_some() && mount.sub_path_expr.is_some()).then(|| {
        let message = "a mount has subPath or subPathExpr, not both";
        Fault::new("K246", format!("{path}.subPathExpr"), message).help("keep one of them")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validate::kubernetes::codes;

    fn faults(change: impl FnOnce(&mut Value)) -> Vec<&'static str> {
        let mut pod = json!({
            "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "c"}}],
            "containers": [{"name": "c", "volumeMounts": [
                {"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b/f", "subPath": "f"}
            ]}]
        });
        change(&mut pod);
        codes(check(&serde_json::from_value(pod).unwrap(), "spec"))
    }

    #[test]
    fn what_we_write_passes() {
        assert_eq!(faults(|_| ()), [""; 0]);
    }

    #[test]
    fn each_rule_is_seen() {
        for (pointer, value, expected) in [
            ("/volumes/1/name", json!("a"), vec!["K245", "K246"]),
            ("/volumes/0/name", json!("A"), vec!["K204", "K246"]),
            ("/volumes/0/emptyDir", json!({"sizeLimit": "1Gi"}), vec![]),
            (
                "/volumes/0/emptyDir",
                json!({"sizeLimit": "1GiB"}),
                vec!["K245"],
            ),
            (
                "/volumes/0/emptyDir",
                json!({"medium": "memory"}),
                vec!["K245"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "hostPath": {}}),
                vec!["K245"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "hostPath": {"path": "/x/.."}}),
                vec!["K245"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "hostPath": {"path": "/x", "type": "Dir"}}),
                vec!["K245"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "secret": {}}),
                vec!["K248"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "secret": {"secretName": "A"}}),
                vec!["K204"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "secret": {"secretName": "s", "defaultMode": 512}}),
                vec!["K245"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "secret": {"secretName": "s", "items": [{"key": "k", "path": "/k"}]}}),
                vec!["K245"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "secret": {"secretName": "s", "items": [{"key": "k", "path": "k", "mode": 420}]}}),
                vec![],
            ),
            ("/volumes/1/configMap", json!({"name": ""}), vec!["K248"]),
            (
                "/volumes/1/configMap",
                json!({"name": "c", "items": [{"key": "", "path": "k"}]}),
                vec!["K248"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "persistentVolumeClaim": {}}),
                vec!["K248"],
            ),
            (
                "/volumes/0",
                json!({"name": "a", "persistentVolumeClaim": {"claimName": "p"}}),
                vec![],
            ),
            (
                "/containers/0/volumeMounts/1/mountPath",
                json!("/a/"),
                vec!["K246"],
            ),
            ("/volumes/0", json!({"name": "a"}), vec!["K245"]),
            (
                "/volumes/0",
                json!({"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}),
                vec!["K245"],
            ),
            (
                "/containers/0/volumeMounts/0/name",
                json!("z"),
                vec!["K246"],
            ),
            (
                "/containers/0/volumeMounts/1/mountPath",
                json!("/a"),
                vec!["K246"],
            ),
            (
                "/containers/0/volumeMounts/1/subPath",
                json!("../x"),
                vec!["K246"],
            ),
            (
                "/containers/0/volumeMounts/0/mountPath",
                json!(""),
                vec!["K246"],
            ),
        ] {
            let found = faults(|pod| *pod.pointer_mut(pointer).unwrap() = value.clone());
            assert_eq!(found, expected, "{pointer} {value}");
        }
    }
}
