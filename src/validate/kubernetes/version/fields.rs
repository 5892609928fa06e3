//! Since when clusters take a field as it comes.
//!
//! Stages and defaults are those of the feature gates in Kubernetes' own list of them
//! (`test/compatibility_lifecycle/reference/versioned_feature_list.yaml` of kubernetes/kubernetes, of 1.33 and of the tree
//! after 1.37); of gates that are gone from it, those of the pages below
//! <https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/>. `tests/real/kube_versions.py` compares
//! the table with the schemas of every version: no field is let through where its schema has not got it, and none is refused
//! that all versions have. Whether a gate is on by default no schema says but in the words of a description; that file lists
//! the descriptions that are wrong.

/// A field, and from which minor versions on it is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// The keys of the objects that have it, and the names that [`super::walk`] has for specs; none: any.
    pub(super) within: &'static [&'static str],
    /// Its key.
    pub(super) field: &'static str,
    /// The values that are meant; none: any.
    pub(super) values: &'static [&'static str],
    /// On without anybody's doing: beta and on by default, or stable.
    pub(super) usable: u32,
    /// For good.
    pub(super) stable: u32,
    /// The feature gate.
    pub(super) gate: &'static str,
}

/// In no version that is known.
pub(super) const NOT_YET: u32 = u32::MAX;

const ANY: &[&str] = &[];
const JOB: &[&str] = &["JobSpec"];
const POD: &[&str] = &["PodSpec"];
const CLAIM: &[&str] = &["ClaimSpec"];
const SERVICE: &[&str] = &["ServiceSpec"];
const INIT: &[&str] = &["initContainers"];
const CONTAINER: &[&str] = &["containers"];
const SECURITY: &[&str] = &["securityContext"];
const LIFECYCLE: &[&str] = &["lifecycle"];
const HOOK: &[&str] = &["preStop", "postStart"];
const PROBE: &[&str] = &["livenessProbe", "readinessProbe", "startupProbe"];
const TERM: &[&str] = &[
    "podAffinityTerm",
    "requiredDuringSchedulingIgnoredDuringExecution",
];
const VOLUME: &[&str] = &["volumes"];
const EMPTY: &[&str] = &["emptyDir"];
const SOURCE: &[&str] = &["sources"];
const FILES: &[&str] = &["configMap", "downwardAPI", "projected", "secret"];
const FILE: &[&str] = &[
    "items",
    "serviceAccountToken",
    "clusterTrustBundle",
    "podCertificate",
];
const GRPC: &[&str] = &["grpc"];
const HTTP: &[&str] = &["httpGet"];
const RESOURCES: &[&str] = &["resources"];
const FAILURE: &[&str] = &["rules"];
const RULE: &[&str] = &["restartPolicyRules"];
const TOLERATION: &[&str] = &["tolerations"];
const SPREAD: &[&str] = &["topologySpreadConstraints"];
const DATA: &[&str] = &["dataSourceRef"];

macro_rules! table {
    ($($within:ident $field:ident $usable:tt $stable:tt $gate:ident $([$($value:ident)*])?)*) => {
        &[$(Since {
            within: $within,
            field: stringify!($field),
            values: &[$($(stringify!($value)),*)?],
            usable: $usable,
            stable: $stable,
            gate: stringify!($gate),
        }),*]
    };
}

/// Where it stands, the field, since when it is usable and stable, its gate, and perhaps the values that are meant. What was
/// stable by 1.26 is not here.
pub(super) const FIELDS: &[Since] = table! {
    JOB        podFailurePolicy                  26      31      JobPodFailurePolicy
    JOB        backoffLimitPerIndex              29      33      JobBackoffLimitPerIndex
    JOB        maxFailedIndexes                  29      33      JobBackoffLimitPerIndex
    JOB        podReplacementPolicy              29      34      JobPodReplacementPolicy
    JOB        successPolicy                     31      33      JobSuccessPolicy
    JOB        managedBy                         32      35      JobManagedBy
    JOB        scheduling                        NOT_YET NOT_YET WorkloadWithJob
    POD        schedulingGates                   27      30      PodSchedulingReadiness
    POD        hostUsers                         33      36      UserNamespacesSupport
    POD        hostnameOverride                  35      37      HostnameOverride
    POD        resources                         34      NOT_YET PodLevelResources
    POD        resourceClaims                    34      34      DynamicResourceAllocation
    POD        schedulingGroup                   NOT_YET NOT_YET GenericWorkload
    POD        evictionResponders                NOT_YET NOT_YET EvictionRequestAPI
    ANY        resizePolicy                      33      35      InPlacePodVerticalScaling
    INIT       restartPolicy                     29      33      SidecarContainers
    CONTAINER  restartPolicy                     35      NOT_YET ContainerRestartRules
    ANY        restartPolicyRules                35      NOT_YET ContainerRestartRules
    FAILURE    action                            29      33      JobBackoffLimitPerIndex [FailIndex]
    RULE       action                            36      NOT_YET RestartAllContainersOnContainerExits [RestartAllContainers]
    RESOURCES  claims                            34      34      DynamicResourceAllocation
    ANY        fileKeyRef                        35      NOT_YET EnvFiles
    LIFECYCLE  stopSignal                        NOT_YET NOT_YET ContainerStopSignals
    HOOK       sleep                             30      34      PodLifecycleSleepAction
    PROBE      grpc                              24      27      GRPCContainerProbe
    PROBE      terminationGracePeriodSeconds     25      28      ProbeTerminationGracePeriod
    GRPC       mode                              NOT_YET NOT_YET GRPCContainerProbeTLS
    HTTP       protocol                          NOT_YET NOT_YET H2CContainerProbe
    SECURITY   appArmorProfile                   30      31      AppArmorFields
    SECURITY   supplementalGroupsPolicy          33      35      SupplementalGroupsPolicy
    SECURITY   seLinuxChangePolicy               33      36      SELinuxChangePolicy
    SECURITY   procMount                         33      36      ProcMountType [Unmasked]
    TERM       matchLabelKeys                    31      33      MatchLabelKeysInPodAffinity
    TERM       mismatchLabelKeys                 31      33      MatchLabelKeysInPodAffinity
    TOLERATION operator                          NOT_YET NOT_YET TaintTolerationComparisonOperators [Lt Gt]
    SPREAD     matchLabelKeys                    27      NOT_YET MatchLabelKeysInPodTopologySpread
    SPREAD     minDomains                        27      30      MinDomainsInPodTopologySpread
    SPREAD     nodeAffinityPolicy                26      33      NodeInclusionPolicyInPodTopologySpread
    SPREAD     nodeTaintsPolicy                  26      33      NodeInclusionPolicyInPodTopologySpread
    VOLUME     image                             35      36      ImageVolume
    ANY        recursiveReadOnly                 31      33      RecursiveReadOnlyMounts
    ANY        bindMountOptions                  NOT_YET NOT_YET VolumeBindMountOptions
    EMPTY      mode                              NOT_YET NOT_YET EmptyDirVolumeMode
    FILES      defaultUser                       NOT_YET NOT_YET AtomicWriteVolumeUserFields
    FILE       user                              NOT_YET NOT_YET AtomicWriteVolumeUserFields
    SOURCE     clusterTrustBundle                37      37      ClusterTrustBundleProjection
    SOURCE     podCertificate                    37      37      PodCertificateRequest
    CLAIM      dataSourceRef                     24      33      AnyVolumeDataSource
    DATA       namespace                         NOT_YET NOT_YET CrossNamespaceVolumeDataSource
    CLAIM      volumeAttributesClassName         34      34      VolumeAttributesClass
    SERVICE    trafficDistribution               31      33      ServiceTrafficDistribution
};
