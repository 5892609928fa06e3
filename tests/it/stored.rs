//! Results in a store, read over a socket.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::process::{benchctl, root, text};

/// A store that has these objects, by `/bucket/key`, and the paths that it was asked for.
fn store(objects: Vec<(String, Vec<u8>)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (objects, seen) = (objects.clone(), seen.clone());
            std::thread::spawn(move || answer(stream, &objects, &seen));
        }
    });
    (url, asked)
}

fn answer(mut stream: TcpStream, objects: &[(String, Vec<u8>)], seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default().to_owned();
    seen.lock().unwrap().push(path.clone());
    let found = objects.iter().find(|(name, _)| *name == path);
    let (status, body) = match found {
        Some((_, bytes)) => ("200 OK", bytes.clone()),
        None => (
            "404 Not Found",
            b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>".to_vec(),
        ),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: \"x\"\r\nlast-modified: Tue, 24 Nov 2026 12:00:00 GMT\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body);
}

/// What is printed with the store at `url`, and the exit code.
fn run(url: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let output = benchctl(root(), args)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1")
        .output()
        .unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn objects(with_records: bool) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("tests/cases/report-judge/results");
    let names = ["report.json", "requests.jsonl.zst"];
    let read = |name: &&str| {
        let bytes = fs::read(folder.join(name)).unwrap();
        (format!("/bucket/runs/one/{name}"), bytes)
    };
    let count = if with_records { 2 } else { 1 };
    names[..count].iter().map(read).collect()
}

#[test]
fn records_in_a_store_are_read_as_those_in_a_folder() {
    let (url, asked) = store(objects(true));
    let here = "tests/cases/report-judge/results";
    let slo = "tests/cases/report-judge/slo.yaml";
    for at in [
        "s3://bucket/runs/one",
        "s3://bucket/runs/one/report.json",
        "s3://bucket/runs/one/requests.jsonl.zst",
    ] {
        let stored = run(&url, &["report", "judge", at, "-f", slo]);
        assert_eq!(stored, run(&url, &["report", "judge", here, "-f", slo]));
        assert_eq!(stored.0, Some(4));
        let rows = run(&url, &["report", "convert", at, "--to", "csv"]);
        let expected = run(&url, &["report", "convert", here, "--to", "csv"]);
        assert_eq!((rows.0, rows.1), (expected.0, expected.1));
    }
    asked.lock().unwrap().clear();
    let shown = run(&url, &["report", "show", "s3://bucket/runs/one"]);
    assert_eq!(shown.0, Some(0), "{}", shown.2);
    let asked = asked.lock().unwrap().clone();
    assert!(
        asked.iter().all(|path| path.ends_with("report.json")),
        "nobody needs the records for that: {asked:?}"
    );
}

#[test]
fn records_that_are_not_in_the_store_are_said_to_be_missing() {
    let (url, _) = store(objects(false));
    let args = ["report", "convert", "s3://bucket/runs/one", "--to", "csv"];
    let (code, stdout, stderr) = run(&url, &args);
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(
        stderr.contains("there are no records beside this report")
            && stderr.contains("s3://bucket/runs/one/report.json"),
        "{stderr}"
    );
}

#[test]
fn nothing_of_fetched_records_stays_here() {
    let (url, _) = store(objects(true));
    let folder = tempfile::tempdir().unwrap();
    let output = benchctl(root(), &["report", "judge", "s3://bucket/runs/one"])
        .env("AWS_ENDPOINT_URL", &url)
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1")
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert!(!output.stdout.is_empty(), "{}", text(&output.stderr));
    let left = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!(left(folder.path()), 0);
}
