//! What runs: engine, image, ServiceAccount, Job.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bench_contract::FailOn;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The load generator that the Job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Ours: an open-loop generator in one static binary.
    Loadgen,
    /// kubernetes-sigs/inference-perf 0.2.0, as the guide runs it.
    InferencePerf,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Loadgen, Self::InferencePerf];

    /// The name in values, and of the container.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loadgen => "loadgen",
            Self::InferencePerf => "inference-perf",
        }
    }
}

/// The container image; "" = the engine's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// Registry and name.
    #[schemars(example = &"quay.io/inference-perf/inference-perf")]
    pub repository: String,
    /// The tag.
    #[schemars(example = &"v0.2.0")]
    pub tag: String,
    /// `sha256:` and 64 hexadecimal digits; pins the image, and wins over the tag.
    pub digest: String,
    /// When the node pulls the image.
    pub pull_policy: PullPolicy,
    /// Names of Secrets that the image is pulled with.
    #[schemars(inner(length(min = 1)))]
    pub pull_secrets: Vec<String>,
}

/// When the node pulls an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    /// When the node does not have it.
    IfNotPresent,
    /// Each time.
    Always,
    /// Never: it must be there.
    Never,
}

impl PullPolicy {
    /// The name in Kubernetes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfNotPresent => "IfNotPresent",
            Self::Always => "Always",
            Self::Never => "Never",
        }
    }
}

/// The ServiceAccount that the pod runs as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAccount {
    /// Render it; false: it exists already.
    pub create: bool,
    /// Its name; "" with `create: false` = the namespace's own, `default`.
    pub name: String,
    /// Its annotations, for example the role that it may take.
    #[schemars(example = serde_json::json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bench"}))]
    pub annotations: BTreeMap<String, String>,
}

/// The Job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Job {
    /// Free text that enters the hash in the name: change it to run the same thing again.
    #[schemars(example = &"2026-11-24")]
    pub run: String,
    /// How often a pod that was disrupted is started again.
    #[schemars(range(max = 2_147_483_647))]
    pub backoff_limit: u32,
    /// Seconds after which the finished Job is deleted, with its log.
    #[schemars(range(max = 2_147_483_647))]
    pub ttl_seconds_after_finished: u32,
    /// Seconds from the Job's start after which it is ended; `auto` = readyTimeout + (1 + backoffLimit) x plan + 1800.
    pub active_deadline_seconds: ActiveDeadline,
    /// Seconds that the engine has to write its report when the pod is stopped.
    #[schemars(range(max = 2_147_483_647))]
    pub termination_grace_period_seconds: u32,
    /// What follows the name: a hash of config and Job, so that `kubectl apply` works again after a change; or nothing.
    pub name_suffix: NameSuffix,
    /// Results that fail the Job (engine loadgen).
    pub fail_on: Vec<FailOn>,
}

/// What follows the name of Job and ConfigMap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NameSuffix {
    /// 8 characters over config and Job. A Job's template is immutable: a changed one needs a new name.
    Hash,
    /// Nothing.
    None,
}

/// When the Job is ended whatever it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActiveDeadline {
    /// From the plan.
    Auto,
    /// So many seconds after the start, at least 1.
    Seconds(u32),
}

impl Serialize for ActiveDeadline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Seconds(seconds) => serializer.serialize_u32(*seconds),
        }
    }
}

impl<'de> Deserialize<'de> for ActiveDeadline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Seconds(u32),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) if seconds > 0 => Ok(Self::Seconds(seconds)),
            Written::Word(word) if word == "auto" => Ok(Self::Auto),
            Written::Seconds(_) | Written::Word(_) => Err(serde::de::Error::custom(
                "must be `auto` or a number of seconds of at least 1",
            )),
        }
    }
}

impl JsonSchema for ActiveDeadline {
    fn schema_name() -> Cow<'static, str> {
        "ActiveDeadline".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": u32::MAX}],
            "examples": ["auto", 7200]
        })
    }
}
