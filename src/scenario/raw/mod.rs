//! The values as a user writes them: one tree of types, from which `schemas/values.schema.json` is generated.
//!
//! Keys are `camelCase` as the AI on EKS benchmark chart's. Defaults live in `chart-templates/values.yaml` alone; the
//! schema repeats them. Sections of the merged values are always complete, and so nothing in them is optional here; a
//! scenario may be written in part, and [`super::resolve`] says what is missing.

mod data;
mod job;
mod metrics;
mod pod;
mod scenario;
mod storage;
mod target;

pub use data::{
    ScenarioData, ValuesConversations, ValuesDataType, ValuesDistribution, ValuesDistributionType,
    ValuesLength, ValuesMultiTurn, ValuesSharedPrefix,
};
pub use job::{ActiveDeadline, Engine, Image, Job, NameSuffix, PullPolicy, ServiceAccount};
pub use metrics::Metrics;
pub use pod::{
    Affinity, AffinityMode, EnvVar, Quantity, Resources, SecurityContext, SecurityProfile,
    Toleration, Volume, VolumeMount,
};
pub use scenario::{
    Scenario, ScenarioLoad, ValuesCancel, ValuesLoadType, ValuesStage, ValuesSweep, ValuesTrace,
    ValuesWarmup,
};
pub use storage::{Azure, Gcs, Local, RESULTS, S3, Storage};
pub use target::{
    CA_FILE, CA_FOLDER, Dependencies, SecretKey, Target, Tls, ValuesApi, ValuesApiType, ValuesDns,
    ValuesResponseFormat, ValuesResponseFormatType, ValuesServerType,
};

use std::collections::BTreeMap;

use bench_contract::{Limit, Slo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values of `benchctl render`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Values {
    /// The first part of the names when no NAME is given, and the label `app.kubernetes.io/name`; "" = `inference-perf`.
    pub name_override: String,
    /// The first part of the names, in place of NAME; "" = NAME.
    pub fullname_override: String,
    /// The benchmark.
    pub benchmark: Benchmark,
}

/// The benchmark: what runs, where, against what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Benchmark {
    /// False renders nothing.
    pub enabled: bool,
    /// The load generator that the Job runs.
    pub engine: Engine,
    /// Namespace of every object; `-n/--namespace` wins over it.
    #[schemars(length(min = 1), example = &"benchmarking")]
    pub namespace: String,
    /// The scenario to run: a preset, or one of your own under `scenarios`.
    #[schemars(length(min = 1), example = &"production")]
    pub scenario: String,
    /// The container image; "" = the engine's own.
    pub image: Image,
    /// The ServiceAccount that the pod runs as.
    pub service_account: ServiceAccount,
    /// The Job.
    pub job: Job,
    /// The server under test.
    pub target: Target,
    /// The API of the server and how it is spoken.
    pub api: ValuesApi,
    /// Where the results go.
    pub storage: Storage,
    /// What is installed at start (engine inference-perf).
    pub dependencies: Dependencies,
    /// CPU and memory of the container.
    pub resources: Resources,
    /// Where the pod is placed: in the zone of the target's pods.
    pub affinity: Affinity,
    /// Service level objectives, judged for each stage (engine loadgen).
    pub slo: Vec<Slo>,
    /// The most that a single request may take to count as good, by metric (engine loadgen).
    #[schemars(example = serde_json::json!({"ttft": "1200ms", "tpot": "50ms"}))]
    pub goodput: BTreeMap<String, Limit>,
    /// The server's own metrics while it runs (engine loadgen).
    pub metrics: Metrics,
    /// The seed of arrivals, lengths and prompts; 0 = derived from the run id (engine loadgen).
    pub seed: u64,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pod tolerates.
    pub tolerations: Vec<Toleration>,
    /// More annotations of the pod.
    pub pod_annotations: BTreeMap<String, String>,
    /// More labels of the pod.
    pub pod_labels: BTreeMap<String, String>,
    /// The PriorityClass of the pod; "" = none.
    pub priority_class_name: String,
    /// More environment variables of the container.
    pub env: Vec<EnvVar>,
    /// ConfigMaps and Secrets whose keys become environment variables: Kubernetes' EnvFromSource.
    pub env_from: Vec<serde_json::Map<String, serde_json::Value>>,
    /// More volumes of the pod.
    pub volumes: Vec<Volume>,
    /// More mounts of the container.
    pub volume_mounts: Vec<VolumeMount>,
    /// What the pod and the container may do.
    pub security_context: SecurityContext,
    /// Changes to presets, and scenarios of your own, by name.
    pub scenarios: BTreeMap<String, Scenario>,
}
