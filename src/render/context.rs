//! What the templates see: names and values that are final.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::affinity::affinity;
use super::names::{Names, label_value};
use super::pod::{command, env, has_own_folders, image, pull_policy, security, volumes};
use crate::scenario::Run;
use crate::scenario::raw::{ActiveDeadline, Engine, RESULTS, Resources};

/// The labels of every object.
pub(super) const OUR_LABELS: [&str; 6] = [
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/component",
    "benchmark.scenario",
];

/// Everything that the templates interpolate.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Context {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) creates_namespace: bool,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) service_account: Option<ServiceAccount>,
    pub(super) config_yml: String,
    pub(super) job: Job,
    pub(super) pod: Pod,
    pub(super) container: Container,
}

/// The ServiceAccount to render.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ServiceAccount {
    pub(super) name: String,
    pub(super) annotations: BTreeMap<String, String>,
}

/// The Job's own fields.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Job {
    annotations: BTreeMap<String, String>,
    backoff_limit: u32,
    ttl_seconds_after_finished: u32,
    active_deadline_seconds: Option<u64>,
    fails_for_good: bool,
}

/// The pod template's fields.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Pod {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    service_account: Option<String>,
    has_no_token: bool,
    termination_grace_period_seconds: Option<u32>,
    priority_class: Option<String>,
    image_pull_secrets: Vec<String>,
    node_selector: BTreeMap<String, String>,
    tolerations: Vec<crate::scenario::raw::Toleration>,
    security_context: Value,
    affinity: Option<Value>,
    volumes: Vec<Value>,
}

/// The container's fields.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Container {
    name: &'static str,
    image: String,
    image_pull_policy: Option<&'static str>,
    working_dir: Option<&'static str>,
    command: Value,
    args: Vec<String>,
    env: Vec<Value>,
    env_from: Vec<Map<String, Value>>,
    security_context: Value,
    volume_mounts: Vec<Value>,
    resources: Resources,
    /// Where the cluster takes its last words from if it leaves none: loadgen leaves some once its config is read.
    termination_message_policy: Option<&'static str>,
}

/// The context of the Job of this name.
pub(super) fn context(
    run: &Run,
    names: &Names,
    name: &str,
    config_yml: String,
    creates_namespace: bool,
) -> Context {
    let benchmark = run.benchmark();
    let is_ours = run.engine() == Engine::Loadgen;
    let (image, version) = image(&benchmark.image, run.engine());
    let labels = labels(run, names, &version);
    let (volumes, volume_mounts) = volumes(run, name);
    let (pod_security, container_security) = security(run);
    let (command, args) = command(run);
    Context {
        name: name.to_owned(),
        namespace: benchmark.namespace.clone(),
        creates_namespace,
        service_account: benchmark.service_account.create.then(|| ServiceAccount {
            name: benchmark.service_account.name.clone(),
            annotations: benchmark.service_account.annotations.clone(),
        }),
        config_yml,
        job: Job {
            annotations: job_annotations(run),
            backoff_limit: benchmark.job.backoff_limit,
            ttl_seconds_after_finished: benchmark.job.ttl_seconds_after_finished,
            active_deadline_seconds: deadline(run),
            fails_for_good: is_ours,
        },
        pod: Pod {
            labels: with(labels.clone(), &benchmark.pod_labels),
            annotations: with(pod_annotations(is_ours), &benchmark.pod_annotations),
            service_account: Some(benchmark.service_account.name.clone())
                .filter(|name| !name.is_empty()),
            has_no_token: is_ours,
            termination_grace_period_seconds: (is_ours || run.is_grace_period_given)
                .then_some(benchmark.job.termination_grace_period_seconds),
            priority_class: Some(benchmark.priority_class_name.clone())
                .filter(|name| !name.is_empty()),
            image_pull_secrets: benchmark.image.pull_secrets.clone(),
            node_selector: benchmark.node_selector.clone(),
            tolerations: benchmark.tolerations.clone(),
            security_context: pod_security,
            affinity: affinity(
                &benchmark.affinity,
                run.engine(),
                &benchmark.target.base_url,
                &benchmark.namespace,
            ),
            volumes,
        },
        container: Container {
            name: run.engine().as_str(),
            image,
            image_pull_policy: pull_policy(&benchmark.image),
            working_dir: has_own_folders(run).then_some(RESULTS),
            command,
            args,
            env: env(run),
            env_from: benchmark.env_from.clone(),
            security_context: container_security,
            volume_mounts,
            resources: benchmark.resources.clone(),
            termination_message_policy: is_ours.then_some("FallbackToLogsOnError"),
        },
        labels,
    }
}

fn labels(run: &Run, names: &Names, version: &str) -> BTreeMap<String, String> {
    let values = [
        label_value(&names.app),
        label_value(&names.instance),
        label_value(version),
        "benchctl".to_owned(),
        "benchmark".to_owned(),
        label_value(&run.scenario),
    ];
    OUR_LABELS
        .into_iter()
        .map(str::to_owned)
        .zip(values)
        .collect()
}

/// The guide's Job for inference-perf has no annotations, and so ours has none either.
fn job_annotations(run: &Run) -> BTreeMap<String, String> {
    if run.engine() == Engine::InferencePerf || run.description.is_empty() {
        return BTreeMap::new();
    }
    [("benchmark.description".to_owned(), run.description.clone())].into()
}

/// A run that is moved to another node has to start from the beginning: autoscalers leave the pod alone.
fn pod_annotations(is_ours: bool) -> BTreeMap<String, String> {
    if !is_ours {
        return BTreeMap::new();
    }
    [
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
        ("karpenter.sh/do-not-disrupt", "true"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

fn with(
    mut ours: BTreeMap<String, String>,
    users: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    ours.extend(
        users
            .iter()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    ours
}

/// The deadline counts from the Job's start, and so holds every retry: readyTimeout + (1 + backoffLimit) x plan + 1800 s.
/// A load whose length only the pod knows has none, unless the user says one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "non-negative; `as` saturates"
)]
fn deadline(run: &Run) -> Option<u64> {
    const SLACK: f64 = 1800.0;
    let benchmark = run.benchmark();
    match benchmark.job.active_deadline_seconds {
        ActiveDeadline::Seconds(seconds) => Some(u64::from(seconds)),
        ActiveDeadline::Auto => {
            let tries = 1.0 + f64::from(benchmark.job.backoff_limit);
            let plan = run.plan?.get();
            Some((benchmark.target.ready_timeout.get() + tries * plan + SLACK).ceil() as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Chart;
    use crate::pipeline::{Checked, Skip};
    use crate::render::names::names;
    use crate::values::{Sources, load};

    /// The names below `## Names in a variant` in the manual, in the row that begins with `name`.
    fn documented(name: &str) -> Vec<&'static str> {
        let manual = include_str!("../../docs/charts.md");
        let row = manual
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}`")))
            .unwrap_or_default();
        row.split('`').skip(1).step_by(2).collect()
    }

    #[test]
    fn the_manual_names_everything_that_a_template_sees() {
        let chart = Chart::built_in().unwrap();
        let checked = Checked::new(&chart, load(&Sources::default()), Skip::default());
        let (_, run) = checked.resolved(&chart).unwrap();
        let (names, _) = names(&run.values, None, &run.scenario);
        let context = context(&run, &names, "x", String::new(), false);
        let json = serde_json::to_value(&context).unwrap();
        for (name, value) in json.as_object().unwrap() {
            if name == "creates_namespace" {
                assert!(documented("namespace").contains(&name.as_str()));
                continue;
            }
            let row = documented(name);
            assert!(!row.is_empty(), "{name}");
            // The keys of labels are no names of the chart.
            let below = value.as_object().filter(|_| name != "labels");
            for key in below.into_iter().flat_map(Map::keys) {
                assert!(row.contains(&key.as_str()), "{name}.{key}");
            }
        }
    }
}
