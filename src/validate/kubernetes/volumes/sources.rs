//! What a volume is filled from.

use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, HostPathVolumeSource, KeyToPath, Volume};

use super::Fault;
use crate::validate::kubernetes::environment::{data_key, object_name};
use crate::validate::kubernetes::quantity;

/// Types of `hostPath`.
const HOST_PATHS: [&str; 8] = [
    "",
    "DirectoryOrCreate",
    "Directory",
    "FileOrCreate",
    "File",
    "Socket",
    "CharDevice",
    "BlockDevice",
];

/// The fields of the usual sources; the rest is for the API server.
pub(super) fn check(volume: &Volume, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(source) = &volume.host_path {
        faults.extend(host_path(source, &format!("{path}.hostPath")));
    }
    if let Some(source) = &volume.empty_dir {
        faults.extend(empty_dir(source, &format!("{path}.emptyDir")));
    }
    if let Some(source) = &volume.persistent_volume_claim {
        let path = format!("{path}.persistentVolumeClaim.claimName");
        faults.extend(object_name(&source.claim_name, &path));
    }
    if let Some(source) = &volume.secret {
        let path = format!("{path}.secret");
        let name = source.secret_name.as_deref().unwrap_or_default();
        faults.extend(object_name(name, &format!("{path}.secretName")));
        faults.extend(mode(source.default_mode, &format!("{path}.defaultMode")));
        faults.extend(items(source.items.as_deref(), &path));
    }
    if let Some(source) = &volume.config_map {
        let path = format!("{path}.configMap");
        faults.extend(object_name(&source.name, &format!("{path}.name")));
        faults.extend(mode(source.default_mode, &format!("{path}.defaultMode")));
        faults.extend(items(source.items.as_deref(), &path));
    }
    faults
}

fn host_path(source: &HostPathVolumeSource, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let directory = &source.path;
    if directory.is_empty() || directory.split('/').any(|step| step == "..") {
        let message = format!("`{directory}` is not a path of the node");
        let fault = Fault::new("K245", format!("{path}.path"), message);
        faults.push(fault.help("for example /mnt/models, without `..`"));
    }
    let kind = source.type_.as_deref().unwrap_or_default();
    if !HOST_PATHS.contains(&kind) {
        let message = format!("`{kind}` is not a type of hostPath");
        let fault = Fault::new("K245", format!("{path}.type"), message);
        faults.push(fault.help(format!("use one of {}", HOST_PATHS[1..].join(", "))));
    }
    faults
}

fn empty_dir(source: &EmptyDirVolumeSource, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let medium = source.medium.as_deref().unwrap_or_default();
    if !matches!(medium, "" | "Memory" | "HugePages") && !medium.starts_with("HugePages-") {
        let message = format!("`{medium}` is not a medium");
        let fault = Fault::new("K245", format!("{path}.medium"), message);
        faults.push(fault.help("use Memory or HugePages, or leave it out for the node's disk"));
    }
    if let Some(limit) = &source.size_limit
        && let Err((reason, meant)) = quantity::parse(&limit.0)
    {
        let message = format!("`{}` is not a quantity: {reason}", limit.0);
        let fault = Fault::new("K245", format!("{path}.sizeLimit"), message);
        faults.push(fault.help(quantity::remedy(meant)));
    }
    faults
}

/// Rights of a file.
fn mode(mode: Option<i32>, path: &str) -> Option<Fault> {
    let mode = mode.filter(|mode| !(0..=0o777).contains(mode))?;
    Some(
        Fault::new(
            "K245",
            path,
            format!("mode {mode} is not between 0 and 0777 (511)"),
        )
        .help("in YAML 1.2 a mode is decimal: 0644 is 420, 0400 is 256"),
    )
}

fn items(items: Option<&[KeyToPath]>, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, item) in items.unwrap_or_default().iter().enumerate() {
        let path = format!("{path}.items[{index}]");
        faults.extend(data_key(&item.key, &format!("{path}.key")));
        faults.extend(mode(item.mode, &format!("{path}.mode")));
        if item.path.is_empty()
            || item.path.starts_with('/')
            || item.path.split('/').any(|step| step == "..")
        {
            let message = format!("`{}` is not a path inside the volume", item.path);
            let fault = Fault::new("K245", format!("{path}.path"), message);
            faults.push(fault.help("write it without `/` in front and without `..`"));
        }
    }
    faults
}
