//! What a server writes into the fields that an object leaves out.

/// What a server writes into a field that an object leaves out.
#[derive(Clone, Copy)]
pub(super) enum Filled {
    /// This, as JSON.
    Is(&'static str),
    /// Whatever it generates or another part of the cluster sets.
    Anything,
    /// The value of this field beside it.
    SameAs(&'static str),
    /// `Always` for the tag `latest`, else `IfNotPresent`.
    PullPolicy,
    /// The labels of the pod template.
    TemplateLabels,
}

use Filled::{Anything, Is, PullPolicy, SameAs, TemplateLabels};

/// Labels that the Job controller sets on a Job and its pods.
pub(super) const GENERATED: [&str; 4] = [
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
];

/// Fields below the root of an object of a kind, with `*` for the index of a list. From the defaulting
/// functions of Kubernetes (`pkg/apis/{batch,core}/v1/defaults.go`) and the Job strategy.
const DEFAULTS: [(&str, &str, Filled); 29] = [
    ("Job", "metadata labels", TemplateLabels),
    (
        "Job",
        "metadata annotations batch.kubernetes.io/job-tracking",
        Anything,
    ),
    ("Job", "spec backoffLimit", Is("6")),
    ("Job", "spec completionMode", Is("\"NonIndexed\"")),
    ("Job", "spec completions", Is("1")),
    ("Job", "spec manualSelector", Is("false")),
    ("Job", "spec parallelism", Is("1")),
    ("Job", "spec podReplacementPolicy", Anything),
    ("Job", "spec selector", Anything),
    ("Job", "spec suspend", Is("false")),
    (
        "Job",
        "spec podFailurePolicy rules * onPodConditions",
        Is("[]"),
    ),
    (
        "Job",
        "spec podFailurePolicy rules * onPodConditions * status",
        Is("\"True\""),
    ),
    (
        "Namespace",
        "metadata labels kubernetes.io/metadata.name",
        Anything,
    ),
    ("Namespace", "spec finalizers", Anything),
    ("ServiceAccount", "secrets", Anything),
    ("ServiceAccount", "imagePullSecrets", Anything),
    ("Secret", "type", Is("\"Opaque\"")),
    (
        "PersistentVolumeClaim",
        "spec volumeMode",
        Is("\"Filesystem\""),
    ),
    ("PersistentVolumeClaim", "spec volumeName", Anything),
    ("PersistentVolumeClaim", "spec storageClassName", Anything),
    ("Service", "spec clusterIP", Anything),
    ("Service", "spec clusterIPs", Anything),
    ("Service", "spec internalTrafficPolicy", Is("\"Cluster\"")),
    ("Service", "spec ipFamilies", Anything),
    ("Service", "spec ipFamilyPolicy", Anything),
    ("Service", "spec ports * protocol", Is("\"TCP\"")),
    ("Service", "spec ports * targetPort", SameAs("port")),
    ("Service", "spec sessionAffinity", Is("\"None\"")),
    ("Service", "spec type", Is("\"ClusterIP\"")),
];

/// Fields below `spec.template` of a Job. Init containers are containers, and all three probes are probes.
const POD_DEFAULTS: [(&str, Filled); 30] = [
    ("spec dnsPolicy", Is("\"ClusterFirst\"")),
    ("spec restartPolicy", Is("\"Always\"")),
    ("spec schedulerName", Is("\"default-scheduler\"")),
    ("spec securityContext", Is("{}")),
    ("spec serviceAccount", SameAs("serviceAccountName")),
    ("spec terminationGracePeriodSeconds", Is("30")),
    ("spec containers * imagePullPolicy", PullPolicy),
    ("spec containers * resources", Is("{}")),
    (
        "spec containers * terminationMessagePath",
        Is("\"/dev/termination-log\""),
    ),
    ("spec containers * terminationMessagePolicy", Is("\"File\"")),
    ("spec containers * ports * protocol", Is("\"TCP\"")),
    (
        "spec containers * env * valueFrom fieldRef apiVersion",
        Is("\"v1\""),
    ),
    (
        "spec containers * env * valueFrom resourceFieldRef divisor",
        Is("\"0\""),
    ),
    ("spec containers * probe failureThreshold", Is("3")),
    ("spec containers * probe periodSeconds", Is("10")),
    ("spec containers * probe successThreshold", Is("1")),
    ("spec containers * probe timeoutSeconds", Is("1")),
    ("spec containers * probe httpGet path", Is("\"/\"")),
    ("spec containers * probe httpGet scheme", Is("\"HTTP\"")),
    ("spec volumes * emptyDir", Is("{}")),
    ("spec volumes * configMap defaultMode", Is("420")),
    ("spec volumes * secret defaultMode", Is("420")),
    ("spec volumes * projected defaultMode", Is("420")),
    ("spec volumes * downwardAPI defaultMode", Is("420")),
    (
        "spec volumes * downwardAPI items * fieldRef apiVersion",
        Is("\"v1\""),
    ),
    (
        "spec volumes * projected sources * downwardAPI items * fieldRef apiVersion",
        Is("\"v1\""),
    ),
    (
        "spec volumes * projected sources * serviceAccountToken expirationSeconds",
        Is("3600"),
    ),
    ("spec volumes * hostPath type", Is("\"\"")),
    (
        "spec volumes * ephemeral volumeClaimTemplate metadata creationTimestamp",
        Anything,
    ),
    (
        "spec volumes * ephemeral volumeClaimTemplate spec volumeMode",
        Is("\"Filesystem\""),
    ),
];

/// What a server may have written into the field at a path of an object.
pub(super) fn defaults<'a>(kind: &'a str, path: &str) -> impl Iterator<Item = Filled> + use<'a> {
    let path: Vec<&str> = path.split(' ').map(class).collect();
    let path = path.join(" ");
    let pod = path
        .strip_prefix("spec template ")
        .filter(|_| kind == "Job")
        .map(str::to_owned);
    let below_labels = path
        .strip_prefix("metadata labels ")
        .or_else(|| path.strip_prefix("spec template metadata labels "));
    let is_generated = kind == "Job" && below_labels.is_some_and(|key| GENERATED.contains(&key));
    let own = DEFAULTS
        .iter()
        .filter(move |(of, at, _)| *of == kind && *at == path)
        .map(|(.., default)| *default);
    let pod = POD_DEFAULTS
        .iter()
        .filter(move |(at, _)| pod.as_deref() == Some(*at))
        .map(|(_, default)| *default);
    own.chain(pod).chain(is_generated.then_some(Anything))
}

/// What a key is called in the tables.
fn class(key: &str) -> &str {
    match key {
        "initContainers" => "containers",
        "livenessProbe" | "readinessProbe" | "startupProbe" => "probe",
        other => other,
    }
}
