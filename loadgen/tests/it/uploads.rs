//! Uploads of a run: what is where when it has ended, and what it says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bench_contract::{ExitCode, Report, RunStatus};
use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran, by_shell};
use crate::ends::signal;
use crate::store::Server;

const WITH_KEYS: &str = r#"export AWS_ACCESS_KEY_ID=id AWS_SECRET_ACCESS_KEY=secret; exec "$@""#;

fn bucket(store: &Server) -> Value {
    json!({"storage": {"simple_storage_service": {
        "bucket_name": "b", "path": "{run_id}", "endpoint_url": store.url()
    }}})
}

fn run(bench: &Bench, store: &Server, args: &[&str]) -> Ran {
    bench.run_by(by_shell(WITH_KEYS), &bench.config(bucket(store)), args)
}

/// The bytes of what is stored, by file name.
fn stored(store: &Server) -> BTreeMap<String, Vec<u8>> {
    let names = store.names();
    let files = names.iter().map(|path| {
        let (folder, name) = path.rsplit_once('/').unwrap();
        assert_eq!(
            folder.split('/').count(),
            3,
            "all are in one folder: {path}"
        );
        (name.to_owned(), store.object(path).unwrap())
    });
    files.collect()
}

fn written(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    });
    files.collect()
}

fn report(bytes: &[u8]) -> Report {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn every_file_is_in_the_store_too_and_the_config_was_there_first() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start());
    let ran = run(&bench, &store, &[]).expect(0);
    assert_eq!(stored(&store), written(&ran.results));
    assert_eq!(stored(&store).len(), 6);
    assert!(ran.stderr.contains("uploaded to s3://b/"), "{}", ran.stderr);
    assert!(store.seen()[0].target.ends_with("/config.yaml"));
}

#[test]
fn what_cannot_be_uploaded_is_said_everywhere() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start());
    let config = json!({"storage": {"simple_storage_service": {
        "bucket_name": "b", "path": "p", "endpoint_url": store.url()
    }}});
    store.deny("/b/p/requests.jsonl.zst");
    let ran = bench
        .run_by(by_shell(WITH_KEYS), &bench.config(config), &[])
        .expect(1);
    for part in [
        "not uploaded: requests.jsonl.zst; s3://b/p: it answers 403 AccessDenied",
        "s3:PutObject",
        "what is missing there is in ",
    ] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    // The other files are there, and the report has been replaced by one that knows.
    let (stored, written) = (stored(&store), written(&ran.results));
    assert_eq!(stored.len(), written.len() - 1);
    assert_eq!(stored["report.json"], written["report.json"]);
    let verdict = report(&stored["report.json"]).verdict;
    assert_eq!(verdict.exit_code, ExitCode::Failed.code());
    assert!(
        verdict
            .reasons
            .iter()
            .any(|why| why.contains("requests.jsonl.zst"))
    );
    assert_eq!(ran.records().len(), 50);
}

#[test]
fn nothing_is_sent_when_results_cannot_be_uploaded() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start());
    let without = r#"export AWS_EC2_METADATA_DISABLED=true; exec "$@""#;
    let config = bench.config(bucket(&store));
    let message = bench.folder.path().join("termination-log");
    std::fs::write(&message, "").unwrap();
    let log = message.display().to_string();
    let flags = ["--termination-log", &log, "--fail-on", "slo,error"];
    let ran = bench.run_by(by_shell(without), &config, &flags).expect(1);
    let left = std::fs::read_to_string(&message).unwrap();
    assert!(left.starts_with("nothing was sent: s3://b/"), "{left}");
    assert!(
        ran.stderr.contains("no credentials") && ran.stderr.contains("AWS_WEB_IDENTITY_TOKEN_FILE"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(bench.sim.as_ref().unwrap().stats().requests, 0);
    assert!(store.names().is_empty());

    // Unless an error is not to count.
    let ran = bench
        .run_by(by_shell(without), &config, &["--fail-on", "slo"])
        .expect(0);
    assert!(ran.stderr.contains("warning: s3://b/"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("error: not uploaded: "),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.report().counts.ok(), 50);
}

#[test]
fn a_store_that_is_away_costs_no_result_and_no_patience() {
    let bench = Bench::new(SimArgs::default());
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let config = bench.config(json!({"storage": {"simple_storage_service": {
        "bucket_name": "b", "endpoint_url": format!("http://{closed}")
    }}}));
    let child = bench.start_by(by_shell(WITH_KEYS), &config);
    // There from time zero on, and finished once the uploads begin.
    let is_over = || {
        let text = std::fs::read_to_string(bench.results().join("report.json")).ok()?;
        let report: Report = serde_json::from_str(&text).ok()?;
        (report.run.status == RunStatus::Complete).then_some(())
    };
    while is_over().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..2 {
        signal(&child, "TERM");
        std::thread::sleep(Duration::from_millis(300));
    }
    let ran = bench.wait(child).expect(1);
    for part in [
        "it cannot be reached: Connection refused",
        "it is tried again when the run ends",
        "giving up the uploads",
        "not uploaded: ",
    ] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    let report = ran.report();
    assert_eq!(report.counts.ok(), 50);
    assert_eq!(report.verdict.exit_code, ExitCode::Failed.code());
}

#[test]
fn a_store_with_a_certificate_of_ones_own_is_trusted_when_that_is_named() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start_tls());
    let file = bench.folder.path().join("ca.pem");
    std::fs::write(&file, store.certificate.as_ref().unwrap()).unwrap();
    let script = format!("export SSL_CERT_FILE={}; {WITH_KEYS}", file.display());
    let ran = bench.run_by(by_shell(&script), &bench.config(bucket(&store)), &[]);
    assert_eq!(stored(&store), written(&ran.expect(0).results));
}
