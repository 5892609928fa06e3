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
