use serde_json::json;

use super::*;

fn job(name: &str, image: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "b"}, "spec": {"image": image, "list": [{"a": 1, "b": 2}]}})
}

#[test]
fn equal_sets_do_not_differ_whatever_their_order() {
    let (a, b) = (job("a", "x"), job("b", "y"));
    let swapped = json!({"spec": {"list": [{"b": 2, "a": 1}], "image": "x"}, "metadata": {"namespace": "b", "name": "a"}, "kind": "Job", "apiVersion": "batch/v1"});
    assert_eq!(compare(&[a, b.clone()], &[b, swapped]), []);
}

#[test]
fn objects_come_and_go() {
    let found = compare(&[job("a", "x")], &[job("b", "x")]);
    let titles: Vec<String> = found.iter().map(Difference::title).collect();
    assert_eq!(
        titles,
        [
            "b, b, Job (batch) has been added:",
            "b, a, Job (batch) has been removed:"
        ]
    );
}

#[test]
fn a_new_hash_is_no_new_object() {
    let found = compare(&[job("a-01234567", "x")], &[job("a-89abcdef", "z")]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].title(),
        "b, a-89abcdef, Job (batch) (was a-01234567) has changed:"
    );
    let paths: Vec<&str> = found[0].fields.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["metadata.name", "spec.image"]);
    assert_eq!(
        found[0].unified(0),
        "@@ -4 +4 @@\n-  name: a-01234567\n+  name: a-89abcdef\n@@ -7 +7 @@\n-  image: x\n+  image: z\n"
    );
}

#[test]
fn secrets_are_seen_to_change_and_not_seen() {
    let secret = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"token": value, "same": "c2FtZQ=="}});
    let found = compare(&[secret("aGlkZGVu")], &[secret("b3RoZXJz")]);
    let text = found[0].unified(9);
    assert!(
        text.contains("+  token: REDACTED (8 bytes, changed)"),
        "{text}"
    );
    assert!(!format!("{found:?}").contains("aGlkZGVu"));
    assert_eq!(compare(&[secret("x")], &[secret("x")]), []);
}

#[test]
fn texts_of_a_secret_are_its_data() {
    let secret = |more: Value| {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        for (key, value) in more.as_object().unwrap() {
            secret[key] = value.clone();
        }
        secret
    };
    let kept = secret(json!({"data": {"a": "aGlkZGVu", "b": "w6k=", "c": ""}}));
    for given in [
        json!({"stringData": {"a": "hidden", "b": "é", "c": ""}}),
        json!({"data": {"a": "aGlk\nZGVu\n"}, "stringData": {"b": "é", "c": ""}}),
        json!({"data": {"a": "b3RoZXI=", "b": "w6k="}, "stringData": {"a": "hidden", "c": ""}}),
        json!({"data": {"a": "aGlkZGVu", "b": "w6k=", "c": ""}, "stringData": {}}),
    ] {
        let given = [secret(given)];
        let kept = std::slice::from_ref(&kept);
        assert_eq!(compare(kept, &given), []);
        assert_eq!(compare(&given, kept), []);
    }
    let other = secret(json!({"stringData": {"a": "changed", "b": "é", "d": 1}}));
    for (old, new, change, gone) in [
        (&kept, &other, "12 bytes, changed", "data.c"),
        (&other, &kept, "8 bytes, changed", "stringData"),
    ] {
        let found = compare(std::slice::from_ref(old), std::slice::from_ref(new));
        let text = format!("{} {found:?}", found[0].unified(9));
        assert!(
            text.contains(&format!("+  a: REDACTED ({change})")),
            "{text}"
        );
        for hidden in ["hidden", "aGlkZGVu", "changed\"", "Y2hhbmdlZA"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        let paths: Vec<&str> = found[0].fields.iter().map(|f| f.path.as_str()).collect();
        assert!(
            paths.contains(&"data.a") && paths.contains(&gone),
            "{paths:?}"
        );
        assert!(!paths.contains(&"data.b"), "{paths:?}");
    }
    // Other kinds have no such field.
    let map = |key: &str, text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, key: {"a": text}});
    assert_eq!(
        compare(&[map("data", "YQ==")], &[map("stringData", "a")]).len(),
        1
    );
}

#[test]
fn names_like_openai_api_key_hide_their_value() {
    let map = |value: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"env": [
        {"name": "OPENAI_API_KEY", "value": value}, {"name": "OTHER", "value": "shown"}, {"name": "HF_TOKEN", "value": "$(REF)"}
    ], "api.token": value, "url": format!("http://u:{value}@h/"), "lines": format!("a: 1\npassword: {value}\n")}})
    };
    let found = compare(&[map("hidden1")], &[map("hidden22")]);
    let text = format!("{} {found:?}", found[0].unified(99));
    assert!(!text.contains("hidden"), "{text}");
    for shown in ["shown", "$(REF)", "REDACTED (8 bytes, changed)"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let paths: Vec<&str> = found[0].fields.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.env[0].value",
            r"spec.api\.token",
            "spec.url",
            "spec.lines"
        ]
    );
}

#[test]
fn a_variable_is_compared_with_the_one_of_its_name() {
    let pod = |env: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "env": env});
    let key = json!({"name": "API_KEY", "value": "same"});
    let found = compare(
        &[pod(json!([key]))],
        &[pod(json!([{"name": "A", "value": "b"}, key]))],
    );
    assert_eq!(
        found[0].unified(0),
        "@@ -5,0 +6,2 @@\n+  - name: A\n+    value: b\n"
    );
}

#[test]
fn what_nobody_sees_is_written_out() {
    let map = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"t": text}});
    for (old, new, shown) in [
        ("a\r\nb\n", "a\nb\n", r#"-  t: "a\r\nb\n""#),
        ("a\u{202e}b", "ab", r#"-  t: "a\u202eb""#),
        ("a\u{9b}b\nc", "a\nc", r#"-  t: "a\x9Bb\nc""#),
        ("a\nb", "a\nb\n", "-  t: |-\n+  t: |\n"),
        ("a\nb\n\n", "a\nb\n", "@@\n-\n"),
        ("a\n", "a", r#"-  t: "a\n""#),
    ] {
        let found = compare(&[map(old)], &[map(new)]);
        let text = found[0].unified(0);
        assert!(text.contains(shown), "{old:?} {new:?}\n{text}");
    }
}

#[test]
fn without_times_the_last_whole_generation_is_the_predecessor() {
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "b"}});
    let [first, second, third] = ["a-00000001", "a-00000002", "a-00000003"];
    let old = [
        map(first),
        map(second),
        map(third),
        job(first, "x"),
        job(second, "x"),
    ];
    let found = compare(&old, &[map("a-ffffffff"), job("a-ffffffff", "y")]);
    let names = |kind: Kind| -> Vec<_> {
        let of_kind = found.iter().filter(|found| found.kind == kind);
        of_kind
            .map(|found| (found.old_name.clone(), found.object.name.clone()))
            .collect()
    };
    let pair = (Some(second.to_owned()), "a-ffffffff".to_owned());
    assert_eq!(names(Kind::Changed), [pair.clone(), pair]);
    assert_eq!(names(Kind::Removed).len(), 3);
}

#[test]
fn a_job_whose_config_is_there_has_no_other_predecessor() {
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "b"}});
    let old = [map("a-00000002"), job("a-00000001", "x")];
    let found = compare(&old, &[map("a-00000002"), job("a-00000002", "x")]);
    let kinds: Vec<Kind> = found.iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [Kind::Added, Kind::Removed]);
}

/// A Job as a chart may write it, and as a server gives it back.
fn applied_and_live() -> (Value, Value) {
    let applied = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {
        "metadata": {"labels": {"app": "x"}},
        "spec": {
            "containers": [{"name": "c", "image": "r.io:5000/x", "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}},
                "livenessProbe": {"httpGet": {"port": 80}}, "env": [{"name": "E", "value": ""}]}],
            "initContainers": [{"name": "i", "image": "x@sha256:00"}],
            "volumes": [{"name": "v", "secret": {"secretName": "s"}}]
        }
    }}});
    let mut live = applied.clone();
    let labels = json!({"app": "x", "controller-uid": "u", "batch.kubernetes.io/job-name": "j"});
    live["metadata"] =
        json!({"name": "j", "namespace": "b", "uid": "u", "labels": labels, "generation": 1});
    live["spec"]["selector"] = json!({"matchLabels": {"controller-uid": "u"}});
    live["spec"]["backoffLimit"] = 6.into();
    let template = &mut live["spec"]["template"];
    template["metadata"] = json!({"creationTimestamp": null, "labels": labels});
    template["spec"]["dnsPolicy"] = "ClusterFirst".into();
    template["spec"]["securityContext"] = json!({});
    template["spec"]["volumes"][0]["secret"]["defaultMode"] = 420.into();
    let init = &mut template["spec"]["initContainers"][0];
    init["imagePullPolicy"] = "IfNotPresent".into();
    init["resources"] = json!({});
    let container = &mut template["spec"]["containers"][0];
    container["imagePullPolicy"] = "Always".into();
    container["resources"] = json!({"limits": {"cpu": "1", "memory": "1Gi"}});
    container["env"] = json!([{"name": "E"}]);
    container["livenessProbe"] = json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "periodSeconds": 10, "failureThreshold": 3});
    (applied, live)
}

#[test]
fn what_a_server_fills_in_is_no_difference() {
    let (applied, live) = applied_and_live();
    let (old, new) = (std::slice::from_ref(&live), std::slice::from_ref(&applied));
    assert_eq!(compare(old, new), []);
    // In a file the same fields are somebody's word.
    let mut file = live;
    file["metadata"] = applied["metadata"].clone();
    assert_eq!(compare(&[file], &[applied]).len(), 1);
}

#[test]
fn what_a_server_would_not_fill_in_so_is_one() {
    for (pointer, value) in [
        ("/spec/backoffLimit", json!(3)),
        ("/spec/template/spec/dnsPolicy", json!("None")),
        (
            "/spec/template/spec/containers/0/imagePullPolicy",
            json!("Never"),
        ),
        (
            "/spec/template/spec/containers/0/resources/limits/cpu",
            json!("2"),
        ),
        (
            "/spec/template/spec/volumes/0/secret/defaultMode",
            json!(256),
        ),
        ("/spec/template/metadata/labels/app", json!("y")),
    ] {
        let (applied, mut live) = applied_and_live();
        *live.pointer_mut(pointer).unwrap() = value;
        let found = compare(&[live], &[applied]);
        assert!(!found.is_empty(), "{pointer}");
    }
}

#[test]
fn of_a_cluster_only_this_release_is_gone() {
    let live = |name: &str, managed_by: &str, instance: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "b", "uid": "u",
        "labels": {"app.kubernetes.io/managed-by": managed_by, "app.kubernetes.io/instance": instance}}})
    };
    let old = [
        live("theirs", "Helm", "a"),
        live("other", "benchctl", "other"),
        live("ours", "benchctl", "a"),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "namespace": "b", "uid": "u"}}),
    ];
    let mut new = live("new", "benchctl", "a");
    new["metadata"]["uid"].take();
    let names = |new: &[Value]| -> Vec<String> {
        let found = compare(&old, new);
        let gone = found
            .into_iter()
            .filter(|found| found.kind == Kind::Removed);
        gone.map(|found| found.object.name).collect()
    };
    assert_eq!(names(&[new]), ["ours"]);
    assert_eq!(names(&[]), ["other", "ours"]);
}
