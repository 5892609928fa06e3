//! Uploads of a run: what is where when it has ended, and what it says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr};
use std::time::Duration;

use bench_contract::{ExitCode, Report};
use bench_sim::SimArgs;
use serde_json::{Value, json};

use crate::bench::{Bench, Ran, by_shell};
use crate::ends::signal;
use crate::store::{Mishap, Server};

const WITH_KEYS: &str = r#"export AWS_ACCESS_KEY_ID=id AWS_SECRET_ACCESS_KEY=secret; exec "$@""#;

fn bucket(store: &Server) -> Value {
    json!({"storage": {"simple_storage_service": {
        "bucket_name": "b", "path": "{run_id}", "endpoint_url": store.url()
    }}})
}

fn run(bench: &Bench, store: &Server, args: &[&str]) -> Ran {
    run_with(bench, bucket(store), args)
}

fn run_with(bench: &Bench, config: Value, args: &[&str]) -> Ran {
    bench.run_by(by_shell(WITH_KEYS), &bench.config(config), args)
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

/// What a run says, as it says it.
struct Said {
    lines: BufReader<ChildStderr>,
    text: String,
}

impl Said {
    fn of(child: &mut Child) -> Self {
        Self {
            lines: BufReader::new(child.stderr.take().unwrap()),
            text: String::new(),
        }
    }

    /// Waits until it says this.
    #[track_caller]
    fn until(&mut self, part: &str) {
        loop {
            let from = self.text.len();
            let read = self.lines.read_line(&mut self.text).unwrap();
            assert!(read > 0, "it never says {part}:\n{}", self.text);
            if self.text[from..].contains(part) {
                return;
            }
        }
    }

    /// All that it says, once it has ended.
    fn all(mut self) -> String {
        self.lines.read_to_string(&mut self.text).unwrap();
        self.text
    }
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
    // Which begins with what tells this run from all others.
    let config = String::from_utf8(stored(&store)["config.yaml"].clone()).unwrap();
    let line = format!("# run: {} ", ran.report().run.id);
    assert!(config.starts_with(&line), "{config}");
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
    let mut child = bench.start_by(by_shell(WITH_KEYS), &config);
    let mut said = Said::of(&mut child);
    said.until("it is tried again when the run ends");
    said.until("not uploaded yet: s3://b/");
    // The table is out by then.
    said.until("the uploads go on; the results are in ");
    signal(&child, "TERM");
    said.until("once more to give up");
    signal(&child, "TERM");
    let said = said.all();
    let ran = bench.wait(child);
    assert_eq!(ran.code, Some(1), "{said}");
    for part in [
        "it cannot be reached: Connection refused",
        "giving up the uploads",
        "not uploaded: ",
        "the verdict has changed",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(ran.stdout.matches("verdict").count(), 1, "{}", ran.stdout);
    let report = ran.report();
    assert_eq!(report.counts.ok(), 50);
    assert_eq!(report.verdict.exit_code, ExitCode::Failed.code());
}

#[test]
fn a_report_that_cannot_be_replaced_holds_nobody_who_asks_to_end() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start());
    let config = json!({"storage": {"simple_storage_service": {
        "bucket_name": "b", "path": "p", "endpoint_url": store.url()
    }}});
    store.deny("/b/p/requests.jsonl.zst");
    // The six files, and then nothing any more.
    store.plan(vec![Mishap::None; 6]);
    store.plan(vec![Mishap::Stall; 10]);
    let mut child = bench.start_by(by_shell(WITH_KEYS), &bench.config(config));
    let said = Said::of(&mut child);
    while store.seen().len() < 7 {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "TERM");
    let said = said.all();
    assert_eq!(bench.wait(child).code, Some(1), "{said}");
    for part in [
        "SIGTERM: giving up the uploads",
        "report.json was not replaced",
        "report.html was not replaced",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_run_that_does_not_begin_leaves_the_results_of_the_one_before() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start());
    let before = written(&bench.run(&bench.config(json!({})), &[]).expect(0).results);
    assert_eq!(before.len(), 6);
    let without = r#"export AWS_EC2_METADATA_DISABLED=true; exec "$@""#;
    let ran = bench.run_by(by_shell(without), &bench.config(bucket(&store)), &[]);
    let ran = ran.expect(1);
    assert!(ran.stderr.contains("nothing was sent"), "{}", ran.stderr);
    assert!(written(&ran.results) == before, "{}", ran.stderr);
    // One that begins replaces them.
    let ran = run(&bench, &store, &[]).expect(0);
    assert!(ran.stderr.contains("are replaced"), "{}", ran.stderr);
    assert_ne!(written(&ran.results)["config.yaml"], before["config.yaml"]);
}

#[test]
fn a_pod_that_is_started_again_leaves_the_results_of_the_one_before() {
    let bench = Bench::new(SimArgs::default());
    let run = |uid: &str, pod: &str| {
        let script = format!(r#"export JOB_NAME=job JOB_UID={uid} POD_NAME={pod}; exec "$@""#);
        let ran = bench.run_by(by_shell(&script), &bench.config(json!({})), &[]);
        ran.expect(0).results
    };
    let results = run("u1", "a");
    let before = written(&results);
    run("u1", "b");
    let attempt = results.join("attempt-b");
    assert_eq!(written(&attempt).len(), 6);
    std::fs::rename(&attempt, bench.folder.path().join("attempt-b")).unwrap();
    assert!(written(&results) == before);
    // Another Job has not been asked to keep them.
    run("u2", "c");
    assert!(written(&results)["config.yaml"].starts_with(b"# run: job-u2 c "));
}

#[test]
fn one_target_that_cannot_be_leaves_nothing_at_the_others() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start());
    let mut config = bucket(&store);
    config["storage"]["azure_blob_storage"] = json!({"container_name": "c"});
    let ran = run_with(&bench, config, &[]).expect(1);
    assert!(
        ran.stderr.contains("AZURE_STORAGE_ACCOUNT_NAME"),
        "{}",
        ran.stderr
    );
    assert!(store.names().is_empty());
}

#[test]
fn a_prefix_with_a_folder_in_it_is_not_another_runs_folder() {
    let (bench, store) = (Bench::new(SimArgs::default()), Server::start());
    let mut config = bucket(&store);
    let target = &mut config["storage"]["simple_storage_service"];
    (target["path"], target["report_file_prefix"]) = (json!("p"), json!("a/"));
    let ran = run_with(&bench, config, &[]).expect(0);
    assert!(!ran.stderr.contains("another run"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("uploaded to s3://b/p\n"),
        "{}",
        ran.stderr
    );
    assert!(store.object("/b/p/a/report.json").is_some());
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
