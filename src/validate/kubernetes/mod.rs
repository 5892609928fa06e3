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
const UNKNOWN_FIELD: &str = "K101";
/// The code of a value of another type.
const WRONG_TYPE: &str = "K102";

/// The code of a field that Kubernetes needs and that is not there.
const MISSING_FIELD: &str = "K103";

/// Something in a manifest that an API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable code.
    pub code: &'static str,
    /// The field: `spec.template.spec.containers[0].image`.
    pub path: String,
    /// Whether its key is wrong, and not its value.
    pub is_key: bool,
    /// The field that an unknown one most likely stands for.
    pub meant: Option<String>,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to do.
    pub help: Vec<Remedy>,
    /// Whether an API server takes it all the same.
    pub is_warning: bool,
}

impl Fault {
    fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            is_key: false,
            meant: None,
            message: message.into(),
            help: Vec::new(),
            is_warning: false,
        }
    }

    fn warning(self) -> Self {
        Self {
            is_warning: true,
            ..self
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(Remedy::Words(help.into()));
        self
    }

    /// A remedy that changes another field.
    fn help_at(
        mut self,
        before: &'static str,
        path: impl Into<String>,
        after: impl Into<String>,
    ) -> Self {
        self.help.push(Remedy::Field {
            before,
            path: path.into(),
            after: after.into(),
        });
        self
    }

    /// Whether another fault may be there because of this one: what a mistyped field was to hold is missing, and a value
    /// of the wrong type was not looked at.
    fn explains(&self, other: &Self) -> bool {
        let is_below = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        match self.code {
            UNKNOWN_FIELD => {
                let key = self.path.strip_prefix(other.path.as_str());
                let is_parent = key
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(|key| !key.contains('.'));
                is_parent || self.meant.as_deref() == Some(other.path.as_str())
            }
            WRONG_TYPE => is_below(&other.path, &self.path) || is_below(&self.path, &other.path),
            _ => false,
        }
    }

    fn at_key(self) -> Self {
        Self {
            is_key: true,
            ..self
        }
    }
}

/// What to do about a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// In words.
    Words(String),
    /// By another field, which may have another name where the manifest came from.
    Field {
        /// What stands before its name.
        before: &'static str,
        /// The field: `spec.template.spec.volumes`.
        path: String,
        /// What stands behind its name.
        after: String,
    },
}

impl Remedy {
    /// The remedy for a reader who knows fields by these names.
    pub fn told(&self, name: impl FnOnce(&str) -> String) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Field {
                before,
                path,
                after,
            } => format!("{before}{}{after}", name(path)),
        }
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
        ("", _) | (_, "") => vec![
            Fault::new("K100", "kind", "a manifest needs `apiVersion` and `kind`")
                .help("for example apiVersion: v1 and kind: ConfigMap"),
        ],
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
    let (object, mut faults) = strict::read::<T>(manifest);
    let found = object.as_ref().map(check).unwrap_or_default();
    // A rule that knows the field says it better.
    let is_said = |path: &str| found.iter().any(|fault| fault.path == path);
    faults.retain(|fault| fault.code != MISSING_FIELD || !is_said(&fault.path));
    let is_new = |fault: &Fault| !faults.iter().any(|known| known.explains(fault));
    let found: Vec<Fault> = found.into_iter().filter(is_new).collect();
    faults.extend(found);
    faults
}

/// The codes of faults, each of which has to say what helps.
#[cfg(test)]
fn codes(faults: impl IntoIterator<Item = Fault>) -> Vec<&'static str> {
    let code = |fault: Fault| {
        assert!(!fault.help.is_empty(), "no remedy: {fault:?}");
        fault.code
    };
    faults.into_iter().map(code).collect()
}
