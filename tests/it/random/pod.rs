//! The parts of a pod in Kubernetes' own words, as a user would write them.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::texts::{label, label_key, name, text};
use super::values::{Any, json, list, map, one_of, section};

/// One key of a Secret, or none.
pub(super) fn secret_key() -> Any {
    prop_oneof![
        Just(json!({"name": "", "key": ""})),
        (name(), r"[-._a-zA-Z0-9]{0,9}[a-z0-9]")
            .prop_map(|(name, key)| json!({"name": name, "key": key})),
    ]
    .boxed()
}

pub(super) fn resources() -> Any {
    let cpu = vec![
        json!("500m"),
        json!(1),
        json!(0.5),
        json!("1e0"),
        json!("1.10"),
        json!(2),
    ];
    let memory = vec![
        json!("2Gi"),
        json!("1e9"),
        json!("4e9"),
        json!(2_000_000_000_u64),
        json!(1e9),
        json!("4Gi"),
    ];
    let requests = section(vec![("cpu", one_of(cpu)), ("memory", one_of(memory))]);
    let limits = one_of(vec![
        json!({"cpu": 3}),
        json!({"cpu": "8", "memory": "9007199254740993"}),
        json!({"nvidia.com/gpu": 1}),
    ]);
    section(vec![("requests", requests), ("limits", limits)])
}

pub(super) fn toleration() -> Any {
    let effect = || select(vec!["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    prop_oneof![
        Just(json!({"operator": "Exists"})),
        (label_key(), effect()).prop_map(|(key, effect)| json!({"key": key, "operator": "Exists", "effect": effect})),
        (label_key(), label()).prop_map(|(key, value)| json!({"key": key, "value": value})),
        (label_key(), any::<i64>()).prop_map(
            |(key, seconds)| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds})
        ),
    ]
    .boxed()
}

/// Variables with names of their own.
pub(super) fn env() -> Any {
    let names = vec![
        "A", "y", "on", "RUST_LOG", "NO", "no", "a.b-c", "HF_HOME", "_",
    ];
    let variable = prop_oneof![
        3 => text().prop_map(|text| json!({"value": text})),
        1 => secret_key().prop_map(|key| match key["name"].as_str() {
            Some("") => json!({}),
            _ => json!({"valueFrom": {"secretKeyRef": key}}),
        }),
        1 => one_of(vec![
            json!({"valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['on']"}}}),
            json!({"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}}),
            json!({"valueFrom": {"configMapKeyRef": {"name": "no", "key": "yes", "optional": true}}}),
        ]),
    ];
    prop::collection::btree_map(select(names), variable, 0..5)
        .prop_map(|variables| {
            let named = |(name, mut variable): (&str, Value)| {
                variable["name"] = json!(name);
                variable
            };
            variables.into_iter().map(named).collect()
        })
        .boxed()
}

pub(super) fn env_from() -> Any {
    (name(), any::<bool>(), select(vec!["", "on_", "P_"]))
        .prop_map(|(name, is_secret, prefix)| {
            let kind = if is_secret {
                "secretRef"
            } else {
                "configMapRef"
            };
            json!({kind: {"name": name}, "prefix": prefix})
        })
        .boxed()
}

pub(super) fn security_context() -> Any {
    let id = || one_of(vec![json!(1000), json!(i32::MAX), json!(null)]);
    let pod = section(vec![
        ("runAsUser", id()),
        ("fsGroup", id()),
        ("supplementalGroups", one_of(vec![json!([0, 644])])),
        (
            "seccompProfile",
            one_of(vec![
                json!({"type": "Unconfined"}),
                json!({"type": "Localhost", "localhostProfile": "yes"}),
            ]),
        ),
        (
            "sysctls",
            list(
                (name(), text())
                    .prop_map(
                        |(name, value)| json!({"name": format!("net.{name}"), "value": value}),
                    )
                    .boxed(),
                2,
            ),
        ),
    ]);
    let container = section(vec![
        ("runAsGroup", id()),
        ("readOnlyRootFilesystem", json(any::<bool>())),
        (
            "capabilities",
            one_of(vec![json!({"add": ["NET_ADMIN"]}), json!({"drop": []})]),
        ),
    ]);
    section(vec![
        ("profile", one_of(vec!["auto", "restricted", "none"])),
        ("pod", pod),
        ("container", container),
    ])
}

/// A few volumes, and a mount of each.
pub(super) fn volumes_and_mounts() -> Any {
    let source = prop_oneof![
        Just(json!({"emptyDir": {}})),
        Just(json!({"emptyDir": {"medium": "Memory", "sizeLimit": "1e9"}})),
        name().prop_map(|name| json!({"persistentVolumeClaim": {"claimName": name, "readOnly": true}})),
        name().prop_map(|name| json!({"secret": {"secretName": name, "defaultMode": 256}})),
        name().prop_map(|name| json!({"configMap": {"name": name, "items": [{"key": "on", "path": "yes", "mode": 0}]}})),
        r"/[ -~&&[^/]]{1,12}".prop_filter("steps up", |path| !path.contains("..")).prop_map(|path| json!({"hostPath": {"path": path}})),
        map(prop_oneof![text(), r"[!-~]{1,2000}"].boxed(), text()).prop_map(|attributes| json!({"csi": {"driver": "a.b", "volumeAttributes": attributes}})),
    ];
    let path = r"/[ -~&&[^/:]]{1,12}|/データ|/0644".prop_filter("hides our own", |path| {
        !matches!(path.as_str(), "/workspace" | "/tmp" | "/results")
    });
    let sub_path = prop::option::of(prop_oneof![
        Just("yes".to_owned()),
        Just("a/0644".to_owned())
    ]);
    let volumes = prop::collection::btree_map(r"v[a-z0-9]{0,8}", (source, path, sub_path), 0..3);
    volumes
        .prop_map(|volumes| {
            let mut taken = Vec::new();
            let (mut all, mut mounts) = (Vec::new(), Vec::new());
            for (name, (mut source, path, sub_path)) in volumes {
                source["name"] = json!(name);
                all.push(source);
                if taken.contains(&path) {
                    continue;
                }
                let mut mount = json!({"name": name, "mountPath": path});
                if let Some(sub_path) = sub_path {
                    mount["subPath"] = json!(sub_path);
                }
                mounts.push(mount);
                taken.push(path);
            }
            match all.is_empty() {
                true => json!({}),
                false => json!({"volumes": all, "volumeMounts": mounts}),
            }
        })
        .boxed()
}
