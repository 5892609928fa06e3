//! Files and standard input.

use std::fs;

use serde_json::json;

use super::*;

#[test]
fn standard_input_is_read_once() {
    let sources = Sources {
        set_file: vec!["text=-".to_owned()],
        ..Sources::default()
    };
    assert_eq!(codes_of(fold_with("a: 1", sources.clone())), ["B118"]);
    let loaded = load_with(&sources, &mut || Ok(b"line\n".to_vec()));
    assert_eq!(fold(&[], loaded).unwrap().json(), json!({"text": "line\n"}));
    let loaded = load_with(
        &Sources {
            values: vec!["-".to_owned()],
            ..Sources::default()
        },
        &mut || Err("a terminal".to_owned()),
    );
    assert_eq!(codes_of(fold(&[], loaded)), ["B003"]);
}

#[test]
fn files_merge_in_order_and_bad_ones_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    fs::write(path("a.yaml"), "x: 1\nm: {z: 1}\n---\nx: 2\n").unwrap();
    fs::write(path("b.yaml"), "\u{feff}m: {w: 2}\r\n").unwrap();
    fs::write(path("with,comma.yaml"), "c: 1\n").unwrap();
    fs::write(path("custom-production.yaml"), "").unwrap();
    fs::write(path("utf16.yaml"), b"\xff\xfea\0:\0").unwrap();
    fs::write(path("key.pem"), "PEM\n").unwrap();
    let read = |values: &[String], set_file: &[String]| {
        let sources = Sources {
            values: values.to_vec(),
            set_file: set_file.to_vec(),
            ..Sources::default()
        };
        fold(&[], load(&sources))
    };
    let both = format!("{},{}", path("a.yaml"), path("b.yaml"));
    let merged = read(
        &[both, path("with,comma.yaml")],
        &[format!("k={}", path("key.pem"))],
    )
    .unwrap();
    assert_eq!(
        merged.json(),
        json!({"x": 2, "m": {"z": 1, "w": 2}, "c": 1, "k": "PEM\n"})
    );

    let help = |name: &str| {
        let problem = read(&[path(name)], &[]).unwrap_err().remove(0);
        (
            problem.code,
            problem.message.replace(&path(""), ""),
            problem.help.join(";").replace(&path(""), ""),
        )
    };
    let expect = |code, message: &str, help: &str| (code, message.to_owned(), help.to_owned());
    let missing = "cannot read values file `custom-prod.yaml`: not found";
    assert_eq!(
        help("custom-prod.yaml"),
        expect("B002", missing, "did you mean `custom-production.yaml`?")
    );
    let missing = "cannot read values file `aa.yaml`: not found";
    assert_eq!(
        help("aa.yaml"),
        expect("B002", missing, "did you mean `a.yaml`?")
    );
    assert_eq!(help("utf16.yaml").0, "B005");
    assert!(help("").1.contains("directory"));
    assert!(help("").2.contains("a.yaml, b.yaml"));
    assert!(
        read(&["http://h/v.yaml".to_owned()], &[]).unwrap_err()[0].help[0]
            .contains("curl -fsSL http://h/v.yaml |")
    );
}
