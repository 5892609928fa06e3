use super::*;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};

fn faults(manifest: &Value) -> Vec<Fault> {
    read::<ConfigMap>(manifest).1
}

#[test]
fn one_wrong_type_does_not_hide_the_next() {
    let manifest = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "labels": {"x": true}},
        "spec": {"backoffLimit": "2", "template": {"spec": {"containers": [
            {"name": 1, "image": "i", "args": ["a", 5, "b"], "env": {"name": "A"}},
            "second",
            {"name": "c", "iamge": "i"}
        ]}}}
    });
    let (job, faults) = read::<k8s_openapi::api::batch::v1::Job>(&manifest);
    let mut found: Vec<(&str, &str)> = faults
        .iter()
        .map(|fault| (fault.path.as_str(), fault.message.as_str()))
        .collect();
    found.sort_unstable();
    let at = |path: &str| format!("spec.template.spec.containers{path}");
    assert_eq!(
        found,
        [
            (
                "metadata.labels.x",
                "expected a string, found the boolean true"
            ),
            ("spec.backoffLimit", "expected a number, found a string"),
            (&*at("[0].args[1]"), "expected a string, found the number 5"),
            (&*at("[0].env"), "expected a list, found a mapping"),
            (&*at("[0].name"), "expected a string, found the number 1"),
            (
                &*at("[1]"),
                "expected a mapping (Container), found a string"
            ),
            (
                &*at("[2].iamge"),
                "`iamge` is not a field of Kubernetes here"
            ),
        ]
    );
    assert!(job.is_some());
    crate::validate::kubernetes::codes(faults);
}

#[test]
fn unknown_fields_are_named_with_their_path() {
    let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "lables": {"a": "b"}}});
    let found = faults(&manifest);
    assert_eq!(
        (found[0].code, found[0].path.as_str()),
        ("K101", "metadata.lables")
    );
}

#[test]
fn a_null_needs_a_field_too() {
    let with = |key: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", key: null}});
    // Of every type that a field can have: a text, a number, a list, a mapping, a time.
    for known in [
        "namespace",
        "generation",
        "finalizers",
        "labels",
        "deletionTimestamp",
    ] {
        assert_eq!(faults(&with(known)), [], "{known}");
    }
    let found = faults(&with("lables"));
    assert_eq!(
        (found.len(), found[0].path.as_str()),
        (1, "metadata.lables")
    );
    let mut manifest = with("labels");
    manifest["bogus"] = Value::Null;
    assert_eq!(faults(&manifest)[0].path, "bogus");
}

#[test]
fn wrong_types_are_named_with_their_path() {
    let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": 5}});
    let found = faults(&manifest);
    assert_eq!((found[0].code, found[0].path.as_str()), ("K102", "data.x"));
}

#[test]
fn what_is_needed_is_missed() {
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
        "containers": [{"name": "c", "image": null, "ports": [{"containerPort": null}]}],
        "volumes": [{"name": "v", "csi": {}}, {"name": "w", "csi": {"driver": ""}}]
    }});
    let (_, found) = read::<Pod>(&manifest);
    let found: Vec<_> = found.iter().map(|f| (f.code, f.path.as_str())).collect();
    assert_eq!(
        found,
        [
            ("K103", "spec.containers[0].ports[0].containerPort"),
            ("K103", "spec.volumes[0].csi.driver")
        ]
    );
}

#[test]
fn what_is_there_in_another_shape_is_not_missing() {
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
        "containers": [{"name": 5}, "second"],
        "volumes": [{"name": "v", "csi": {"drivr": "d"}}]
    }});
    let (_, found) = read::<Pod>(&manifest);
    let found: Vec<_> = found.iter().map(|f| (f.code, f.path.as_str())).collect();
    assert_eq!(
        found,
        [
            ("K102", "spec.containers[0].name"),
            ("K102", "spec.containers[1]"),
            ("K101", "spec.volumes[0].csi.drivr")
        ]
    );
}

#[test]
fn what_is_known_comes_back() {
    let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {}}, "data": {"x": "5"}});
    assert_eq!(faults(&manifest), []);
}
