//! What pod and container may do.

use k8s_openapi::api::core::v1::{Container, PodSpec, SeccompProfile};

use super::Fault;

/// The security context of a pod.
pub(super) fn pod(pod: &PodSpec, path: &str) -> Vec<Fault> {
    let Some(context) = &pod.security_context else {
        return Vec::new();
    };
    let path = format!("{path}.securityContext");
    let mut faults = Vec::new();
    let ids = [
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
        ("fsGroup", context.fs_group),
    ];
    faults.extend(
        ids.into_iter()
            .filter_map(|(field, id)| not_id(id, &path, field)),
    );
    for (index, id) in context.supplemental_groups.iter().flatten().enumerate() {
        faults.extend(not_id(
            Some(*id),
            &path,
            &format!("supplementalGroups[{index}]"),
        ));
    }
    faults.extend(seccomp(context.seccomp_profile.as_ref(), &path));
    faults.extend(root(context.run_as_user, context.run_as_non_root, &path));
    if let Some(policy) = context.fs_group_change_policy.as_deref()
        && !matches!(policy, "Always" | "OnRootMismatch")
    {
        let message = format!("`{policy}` is not a policy");
        let fault = Fault::new("K249", format!("{path}.fsGroupChangePolicy"), message);
        faults.push(fault.help("use Always or OnRootMismatch"));
    }
    faults
}

/// The security context of a container, over its pod's.
pub(super) fn container(container: &Container, pod: &PodSpec, path: &str) -> Vec<Fault> {
    let Some(context) = &container.security_context else {
        return Vec::new();
    };
    let path = format!("{path}.securityContext");
    let mut faults = Vec::new();
    let ids = [
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
    ];
    faults.extend(
        ids.into_iter()
            .filter_map(|(field, id)| not_id(id, &path, field)),
    );
    faults.extend(seccomp(context.seccomp_profile.as_ref(), &path));
    let pods = pod.security_context.as_ref();
    if context.run_as_user.is_some() || context.run_as_non_root.is_some() {
        let user = context.run_as_user.or(pods.and_then(|pod| pod.run_as_user));
        let non_root = context
            .run_as_non_root
            .or(pods.and_then(|pod| pod.run_as_non_root));
        faults.extend(root(user, non_root, &path));
    }
    let gains = |capability: &String| matches!(capability.as_str(), "SYS_ADMIN" | "CAP_SYS_ADMIN");
    let adds = context
        .capabilities
        .iter()
        .flat_map(|capabilities| capabilities.add.iter().flatten())
        .any(gains);
    if context.allow_privilege_escalation == Some(false) {
        let what = if context.privileged == Some(true) {
            Some("privileged")
        } else {
            adds.then_some("capabilities")
        };
        faults.extend(what.map(|field| {
            Fault::new(
                "K249",
                format!("{path}.{field}"),
                "cannot be with allowPrivilegeEscalation: false",
            )
            .help("remove it, or set allowPrivilegeEscalation: true")
        }));
    }
    faults
}

fn not_id(id: Option<i64>, path: &str, field: &str) -> Option<Fault> {
    let id = id.filter(|id| !(0..=i64::from(i32::MAX)).contains(id))?;
    let message = format!("{id} is not between 0 and {}", i32::MAX);
    Some(Fault::new("K249", format!("{path}.{field}"), message).help("for example 1000"))
}

/// A pod that must not be root and says that it is never starts.
fn root(user: Option<i64>, non_root: Option<bool>, path: &str) -> Option<Fault> {
    (user == Some(0) && non_root == Some(true)).then(|| {
        Fault::new(
            "K249",
            format!("{path}.runAsUser"),
            "0 is root, and runAsNonRoot is true: the container would never start",
        )
        .help("set another user, or runAsNonRoot: false")
    })
}

fn seccomp(profile: Option<&SeccompProfile>, path: &str) -> Option<Fault> {
    let profile = profile?;
    let path = format!("{path}.seccompProfile");
    let file = profile.localhost_profile.as_deref().unwrap_or_default();
    match profile.type_.as_str() {
        "Localhost" if file.is_empty() => Some(
            Fault::new("K249", &path, "Localhost needs localhostProfile")
                .help("name a file below the kubelet's seccomp folder"),
        ),
        "Localhost" if file.starts_with('/') || file.split('/').any(|step| step == "..") => {
            let message = format!("`{file}` is not a path inside the kubelet's seccomp folder");
            let fault = Fault::new("K249", format!("{path}.localhostProfile"), message);
            Some(fault.help("write it without `/` in front and without `..`"))
        }
        "Localhost" => None,
        "RuntimeDefault" | "Unconfined" => profile.localhost_profile.is_some().then(|| {
            let message = "a file is for type: Localhost only";
            Fault::new("K249", format!("{path}.localhostProfile"), message).help("remove it")
        }),
        other => {
            let message = format!("`{other}` is not a type of seccomp profile");
            let fault = Fault::new("K249", format!("{path}.type"), message);
            Some(fault.help("use RuntimeDefault, Unconfined or Localhost"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validate::kubernetes::codes;

    #[test]
    fn each_rule_is_seen() {
        for (pods, containers, expected) in [
            (json!({"runAsUser": 0}), json!({}), 0),
            (json!({"runAsUser": -1}), json!({}), 1),
            (json!({"fsGroup": -1}), json!({"runAsGroup": -1}), 2),
            (json!({"runAsUser": 0, "runAsNonRoot": true}), json!({}), 1),
            (json!({"runAsNonRoot": true}), json!({"runAsUser": 0}), 1),
            (
                json!({"runAsUser": 0, "runAsNonRoot": true}),
                json!({"runAsUser": 5}),
                1,
            ),
            (
                json!({"seccompProfile": {"type": "runtimeDefault"}}),
                json!({}),
                1,
            ),
            (
                json!({"seccompProfile": {"type": "Localhost"}}),
                json!({}),
                1,
            ),
            (
                json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}}),
                json!({}),
                0,
            ),
            (
                json!({}),
                json!({"privileged": true, "allowPrivilegeEscalation": false}),
                1,
            ),
            (
                json!({}),
                json!({"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": false}),
                0,
            ),
        ] {
            let spec: PodSpec = serde_json::from_value(json!({
                "securityContext": pods,
                "containers": [{"name": "c", "securityContext": containers}]
            }))
            .unwrap();
            let mut found = pod(&spec, "p");
            found.extend(container(&spec.containers[0], &spec, "c"));
            assert_eq!(codes(found).len(), expected, "{pods} {containers}");
        }
    }
}
