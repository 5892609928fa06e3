//! Whose folder it is, also where a reply was lost.

use std::time::Duration;

use bench_store::{Content, Deadline, StoreError};
use serde_json::json;

use crate::server::{Mishap, Server};
use crate::targets::{s3, s3_of_pod, upload};

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(500))
}

#[tokio::test]
async fn a_folder_is_ones_own_only_if_its_file_is_the_same_to_the_byte() {
    let server = Server::start();
    server.let_look();
    // Another run of the same length, and a reply that leaves open whether this one's got there.
    server.put("/b/results/config.yaml", b"# run: a");
    server.plan([Mishap::Answer(503, "SlowDown")]);
    let error = upload(&s3(&server.url(), json!({})), "config.yaml", "# run: b")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error:?}");
    // It goes beside, where that is asked for.
    server.plan([Mishap::Answer(503, "SlowDown")]);
    let target = s3(&server.url(), json!({"if_exists": "suffix"}));
    let uploaded = upload(&target, "config.yaml", "# run: b").await.unwrap();
    assert_eq!(uploaded.folder.to_string(), "s3://b/results-2");
    // An earlier attempt of the same Job is another one, too.
    server.put("/b/p/run-1/config.yaml", b"# run: run-1 pod-a");
    server.plan([Mishap::Answer(503, "SlowDown")]);
    let target = s3_of_pod(&server.url(), json!({"path": "p/{run_id}"}), Some("pod-b"));
    let uploaded = upload(&target, "config.yaml", "# run: run-1 pod-b").await;
    let folder = uploaded.unwrap().folder.to_string();
    assert_eq!(folder, "s3://b/p/run-1/attempt-pod-b");
}

#[tokio::test]
async fn a_look_that_fails_is_no_answer() {
    let server = Server::start();
    server.let_look();
    server.plan([Mishap::LostReply]);
    server.plan_looks([Mishap::Answer(503, "SlowDown"), Mishap::CutAfter(0)]);
    let target = s3(&server.url(), json!({}));
    let uploaded = upload(&target, "config.yaml", "x").await.unwrap();
    assert!(!uploaded.is_presumed);
    assert_eq!(uploaded.folder.to_string(), "s3://b/results");
}

#[tokio::test]
async fn a_folder_that_was_taken_unawares_is_known_again() {
    for if_exists in ["fail", "suffix"] {
        let server = Server::start();
        server.let_look();
        let target = s3(&server.url(), json!({"if_exists": if_exists}));
        let config = Content::Bytes("# run: a".into());
        target.claim_by("config.yaml", config.clone());
        // The store has it, says nothing, and is away from then on.
        server.plan([Mishap::LostReply]);
        server.plan(vec![Mishap::Answer(503, "SlowDown"); 100]);
        let end = target.upload("config.yaml", &config, &soon()).await;
        assert!(end.unwrap_err().is_transient());
        assert_eq!(server.names(), ["/b/results/config.yaml"]);
        server.recover();
        for name in ["requests.jsonl.zst", "config.yaml", "report.json"] {
            let text = if name == "config.yaml" {
                "# run: a"
            } else {
                "x"
            };
            let uploaded = upload(&target, name, text).await.unwrap();
            assert_eq!(
                uploaded.address.to_string(),
                format!("s3://b/results/{name}")
            );
        }
        assert_eq!(server.names().len(), 3);
    }
}

#[tokio::test]
async fn only_the_file_that_tells_runs_apart_takes_a_folder() {
    let server = Server::start();
    server.let_look();
    // A run that was killed has left no more than this.
    server.put("/b/results/config.yaml", b"# run: a");
    let target = s3(&server.url(), json!({"if_exists": "suffix"}));
    let config = Content::Bytes("# run: b".into());
    target.claim_by("config.yaml", config.clone());
    server.plan(vec![Mishap::Answer(503, "SlowDown"); 100]);
    let end = target.upload("config.yaml", &config, &soon()).await;
    assert!(end.unwrap_err().is_transient());
    server.recover();
    let uploaded = upload(&target, "requests.jsonl.zst", "x").await.unwrap();
    assert_eq!(uploaded.folder.to_string(), "s3://b/results-2");
    assert!(target.has("config.yaml"));
    assert_eq!(
        server.names(),
        [
            "/b/results-2/config.yaml",
            "/b/results-2/requests.jsonl.zst",
            "/b/results/config.yaml"
        ]
    );
}
