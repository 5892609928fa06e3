//! Manifests as an API server would look at them, offline.

mod environment;
mod image;
mod job;
mod names;
mod pod;
mod quantity;
mod resources;
mod security;
mod set;
mod strict;
mod version;
mod volumes;

pub(crate) use image::wrong_part as wrong_image_part;
pub(crate) use quantity::is_same_quantity;
pub use set::check_set;
pub(crate) use set::duplicates;
pub use version::{KubeVersion, check_version};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde_json::Value;

/// The code of a field that Kubernetes does not have.
pub const UNKNOWN_FIELD: &str = "K101";

/// The code of a field that Kubernetes needs and that is not there.
const MISSING_FIELD: &str = "K103";

/// Something in a manifest that an API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable code.
    pub code: &'static str,
    /// The field: `spec.template.spec.containers[0].image`.
    pub path: String,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to do.
    pub help: Vec<String>,
    /// Whether an API server takes it all the same.
    pub is_warning: bool,
}

impl Fault {
    fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            message: message.into(),
            help: Vec::new(),
            is_warning: false,
        }
    }

    /// The remedies that need no values of benchctl.
    pub fn general_help(&self) -> impl Iterator<Item = &str> {
        let is_general = |help: &&str| !help.contains("benchmark.");
        self.help.iter().map(String::as_str).filter(is_general)
    }

    fn warning(self) -> Self {
        Self {
            is_warning: true,
            ..self
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// Everything wrong with one manifest: unknown fields, wrong types, and what an API server checks beyond them.
#[must_use]
pub fn check_manifest(manifest: &Value) -> Vec<Fault> {
    let text = |key: &str| {
        manifest
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    match (text("apiVersion"), text("kind")) {
        ("batch/v1", "Job") => typed::<Job>(manifest, job::check),
        ("v1", "ConfigMap") => typed::<ConfigMap>(manifest, set::check_config_map),
        ("v1", "ServiceAccount") => {
            typed::<ServiceAccount>(manifest, |account| names::metadata(&account.metadata, true))
        }
        ("v1", "Namespace") => typed::<Namespace>(manifest, |namespace| {
            names::namespace_metadata(&namespace.metadata)
        }),
        ("v1", "Secret") => typed::<Secret>(manifest, |o| names::metadata(&o.metadata, true)),
        ("v1", "Service") => typed::<Service>(manifest, |o| names::metadata(&o.metadata, true)),
        ("v1", "PersistentVolumeClaim") => {
            typed::<PersistentVolumeClaim>(manifest, |o| names::metadata(&o.metadata, true))
        }
        ("v1", "Pod") => typed::<Pod>(manifest, |o| names::metadata(&o.metadata, true)),
        ("rbac.authorization.k8s.io/v1", "Role") => typed::<Role>(manifest, |_| Vec::new()),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => {
            typed::<RoleBinding>(manifest, |_| Vec::new())
        }
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => {
            typed::<ClusterRole>(manifest, |_| Vec::new())
        }
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => {
            typed::<ClusterRoleBinding>(manifest, |_| Vec::new())
        }
        ("networking.k8s.io/v1", "NetworkPolicy") => {
            typed::<NetworkPolicy>(manifest, |o| names::metadata(&o.metadata, true))
        }
        ("", _) | (_, "") => vec![Fault::new(
            "K100",
            "kind",
            "a manifest needs `apiVersion` and `kind`",
        )],
        (version, kind) => vec![
            Fault::new(
                "K100",
                "kind",
                format!("{version} {kind} is not a kind that benchctl knows, and is not checked"),
            )
            .warning(),
        ],
    }
}

fn typed<T: serde::de::DeserializeOwned + serde::Serialize>(
    manifest: &Value,
    check: impl FnOnce(&T) -> Vec<Fault>,
) -> Vec<Fault> {
    match strict::read::<T>(manifest) {
        Ok((object, mut faults)) => {
            let found = check(&object);
            // A rule that knows the field says it better.
            let is_said = |path: &str| found.iter().any(|fault| fault.path == path);
            faults.retain(|fault| fault.code != MISSING_FIELD || !is_said(&fault.path));
            faults.extend(found);
            faults
        }
        Err(fault) => vec![fault],
    }
}
