use serde_json::{Value, json};

use super::*;
use crate::validate::kubernetes::codes;

fn pod(change: impl FnOnce(&mut Value)) -> Vec<&'static str> {
    let mut template = json!({
        "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d / e"}},
        "spec": {
            "serviceAccountName": "sa", "nodeSelector": {"k": "v"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
                "weight": 100,
                "podAffinityTerm": {"topologyKey": "topology.kubernetes.io/zone", "namespaces": ["n"],
                    "labelSelector": {"matchLabels": {"app": "x"}}}
            }]}},
            "containers": [{
                "name": "c", "image": "r/i:t",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "envFrom": [{"secretRef": {"name": "s"}}]
            }]
        }
    });
    change(&mut template);
    codes(check(&serde_json::from_value(template).unwrap()))
}

#[test]
fn what_we_write_passes() {
    assert_eq!(pod(|_| ()), [""; 0]);
}

#[test]
fn each_rule_is_seen() {
    for (pointer, value, code) in [
        ("/metadata/labels/a", json!("x/y"), "K207"),
        ("/spec/serviceAccountName", json!("Sa"), "K204"),
        ("/spec/nodeSelector/k", json!("a b"), "K207"),
        ("/spec/containers", json!([]), "K240"),
        ("/spec/containers/0/name", json!("C_1"), "K204"),
        ("/spec/containers/0/image", json!(" "), "K241"),
        ("/spec/containers/0/image", json!("r@sha256:12"), "K241"),
        ("/spec/containers/0/env/0/name", json!("1A"), "K242"),
        ("/spec/containers/0/env/0/name", json!("B"), "K242"),
        ("/spec/containers/0/env/1/valueFrom", json!({}), "K242"),
        ("/spec/containers/0/envFrom/0", json!({}), "K242"),
    ] {
        let found = pod(|template| *template.pointer_mut(pointer).unwrap() = value.clone());
        let expected: Vec<&str> = [code].into_iter().filter(|code| !code.is_empty()).collect();
        assert_eq!(found, expected, "{pointer} {value}");
    }
}

#[test]
fn affinity_terms() {
    let wish = "/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/0";
    for (field, value, code) in [
        ("weight", json!(0), "K244"),
        ("podAffinityTerm/topologyKey", json!(""), "K244"),
        ("podAffinityTerm/namespaces/0", json!("N"), "K204"),
        (
            "podAffinityTerm/labelSelector/matchLabels/app",
            json!("a/b"),
            "K207",
        ),
    ] {
        let found = pod(|template| {
            *template.pointer_mut(&format!("{wish}/{field}")).unwrap() = value.clone();
        });
        assert_eq!(found, [code], "{field} {value}");
    }
}

/// What an API server says to each of these (`ValidateTolerations` in Kubernetes' core validation).
#[test]
fn tolerations() {
    for (toleration, expected) in [
        (json!({"operator": "Exists"}), &[][..]),
        (json!({"key": "gpu"}), &[]),
        (json!({"key": "gpu", "operator": "Equal"}), &[]),
        (json!({"key": "gpu", "operator": "", "effect": ""}), &[]),
        (json!({"key": "a.b/gpu", "value": "yes"}), &[]),
        (
            json!({"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}),
            &[],
        ),
        (json!({}), &["operator"]),
        (json!({"key": "", "value": "x"}), &["operator"]),
        (json!({"operator": "Equal"}), &["operator"]),
        (json!({"key": "a b", "operator": "Exists"}), &["key"]),
        (json!({"key": "gpu", "operator": "Exist"}), &["operator"]),
        (json!({"key": "gpu", "operator": "Lt", "value": "5"}), &[]),
        (
            json!({"key": "gpu", "operator": "Exists", "value": "x"}),
            &["value"],
        ),
        (json!({"key": "gpu", "value": "a b"}), &["value"]),
        (json!({"key": "gpu", "value": "x".repeat(64)}), &["value"]),
        (json!({"key": "gpu", "effect": "noschedule"}), &["effect"]),
        (
            json!({"key": "gpu", "tolerationSeconds": 5}),
            &["tolerationSeconds"],
        ),
        (
            json!({"key": "gpu", "effect": "NoSchedule", "tolerationSeconds": 5}),
            &["tolerationSeconds"],
        ),
        (
            json!({"key": "/", "operator": "Is", "effect": "No", "value": "x"}),
            &["key", "operator", "effect"],
        ),
    ] {
        let read: Toleration = serde_json::from_value(toleration.clone()).unwrap();
        let faults = check_toleration(&read, "t");
        let fields: Vec<&str> = faults
            .iter()
            .filter_map(|fault| fault.path.strip_prefix("t."))
            .collect();
        assert_eq!(fields, expected, "{toleration}");
        codes(faults);
    }
}
