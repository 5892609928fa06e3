//! What the pod gets and may do, in Kubernetes' own words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

type Object = serde_json::Map<String, serde_json::Value>;

/// CPU and memory of the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// What is set aside for it.
    #[schemars(example = serde_json::json!({"cpu": "2", "memory": "4Gi"}))]
    pub requests: BTreeMap<String, Quantity>,
    /// The most that it may take.
    #[schemars(example = serde_json::json!({"cpu": "4", "memory": "8Gi"}))]
    pub limits: BTreeMap<String, Quantity>,
}

/// A quantity of a resource as it was written: `500m`, `8Gi`, `2`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(serde_json::Number),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => Self(text),
            Written::Number(number) => Self(number.to_string()),
        })
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A Kubernetes quantity: a number with an optional suffix (m, k, M, G, Ki, Mi, Gi …).",
            "anyOf": [{"type": "string", "minLength": 1}, {"type": "number", "minimum": 0}],
            "examples": ["500m", "8Gi", 2]
        })
    }
}

/// Where the pod is placed: in the zone of the target's pods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Affinity {
    /// False = anywhere.
    pub enabled: bool,
    /// Whether the pod starts all the same when no node fits.
    pub mode: AffinityMode,
    /// Labels of the target's pods; {} = `app.kubernetes.io/component`: the Service that `target.baseUrl` names.
    #[schemars(example = serde_json::json!({"app": "qwen3-vllm"}))]
    pub target_labels: BTreeMap<String, String>,
    /// Their namespace; "" = the one that `target.baseUrl` names.
    pub target_namespace: String,
}

/// Whether a placement is a wish or a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AffinityMode {
    /// `preferred` for loadgen, `required` for inference-perf (as the guide has it).
    Auto,
    /// A wish: the pod starts all the same.
    Preferred,
    /// A condition: without it the pod stays Pending.
    Required,
}

/// A taint that the pod tolerates: Kubernetes' Toleration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Toleration {
    /// Key of the taint; none = every taint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Equal` (default) or `Exists`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Value of the taint, with `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; none = all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// How long a `NoExecute` taint is tolerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// An environment variable: Kubernetes' EnvVar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvVar {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its value, a string: quote numbers and booleans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where its value comes from: Kubernetes' EnvVarSource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<Object>,
}

/// A volume of the pod: Kubernetes' Volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Where it comes from, for example `emptyDir: {}`.
    #[serde(flatten)]
    pub source: Object,
}

/// A mount of the container: Kubernetes' VolumeMount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMount {
    /// Name of the volume.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Where it appears in the container.
    #[schemars(length(min = 1))]
    pub mount_path: String,
    /// What else a VolumeMount has: `readOnly`, `subPath` …
    #[serde(flatten)]
    pub rest: Object,
}

/// What the pod and the container may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecurityContext {
    /// What they may do where nothing else is written.
    pub profile: SecurityProfile,
    /// Kubernetes' PodSecurityContext, laid over the profile.
    #[schemars(example = serde_json::json!({"fsGroup": 1000}))]
    pub pod: Object,
    /// Kubernetes' SecurityContext of the container, laid over the profile.
    #[schemars(example = serde_json::json!({"runAsUser": 1000}))]
    pub container: Object,
}

/// What pod and container may do where nothing else is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecurityProfile {
    /// `restricted` for loadgen, `none` for inference-perf, whose image runs as root.
    Auto,
    /// The pod security standard `restricted`, with a read-only root file system.
    Restricted,
    /// Nothing is written: the cluster decides.
    None,
}
