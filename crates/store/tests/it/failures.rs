//! Uploads that fail, for good or for a while.

use std::net::TcpListener;
use std::time::Duration;

use bench_store::{Cloud, Content, Deadline, StoreError};
use serde_json::json;

use crate::server::{Mishap, Server};
use crate::targets::{open_in, s3, upload};

#[tokio::test]
async fn what_passes_is_tried_again() {
    let server = Server::start();
    server.plan([
        Mishap::Answer(503, "SlowDown"),
        Mishap::Answer(429, ""),
        Mishap::CutAfter(40_000),
    ]);
    let target = s3(&server.url(), json!({}));
    let text = "a line of a report\n".repeat(10_000);
    let uploaded = upload(&target, "report.json", &text).await.unwrap();
    assert!(!uploaded.is_presumed);
    assert_eq!(server.seen().len(), 4);
    assert_eq!(
        server.object("/b/results/report.json").unwrap(),
        text.as_bytes()
    );
}

#[tokio::test]
async fn what_does_not_is_said_at_once() {
    for (status, code, said, remedy) in [
        (403, "AccessDenied", "403 AccessDenied", "s3:PutObject"),
        (403, "InvalidAccessKeyId", "403 InvalidAccessKeyId", "renew"),
        (404, "NoSuchBucket", "404 NoSuchBucket", "create the bucket"),
        (301, "PermanentRedirect", "another region", "region_name"),
        (501, "NotImplemented", "501 NotImplemented", "to overwrite"),
    ] {
        let server = Server::start();
        server.plan([Mishap::Answer(status, code)]);
        let target = s3(&server.url(), json!({}));
        let error = upload(&target, "config.yaml", "x").await.unwrap_err();
        assert!(!error.is_transient(), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.remedy(Cloud::S3).contains(remedy), "{error:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_lost_reply_is_looked_after() {
    let server = Server::start();
    server.let_look();
    let target = s3(&server.url(), json!({}));
    server.plan([Mishap::LostReply]);
    let uploaded = upload(&target, "config.yaml", "x").await.unwrap();
    assert!(!uploaded.is_presumed);
    let methods: Vec<String> = server.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["PUT", "PUT", "GET"]);
    // One of another length is another run's.
    server.put("/b/results/report.json", b"of another run");
    server.plan([Mishap::CutAfter(0)]);
    let error = upload(&target, "report.json", "y").await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
}

#[tokio::test]
async fn where_nobody_may_look_it_is_presumed_in_a_folder_of_ones_own() {
    let server = Server::start();
    server.plan([Mishap::LostReply]);
    let first = upload(&s3(&server.url(), json!({})), "config.yaml", "x").await;
    let error = first.unwrap_err();
    assert!(
        matches!(error, StoreError::Unknown(_)),
        "the folder may be another run's: {error}"
    );
    assert!(error.to_string().contains("may not look"), "{error}");

    let target = s3(&server.url(), json!({"path": "own"}));
    upload(&target, "config.yaml", "x").await.unwrap();
    server.plan([Mishap::LostReply]);
    let uploaded = upload(&target, "report.json", "y").await.unwrap();
    assert!(uploaded.is_presumed);
    assert_eq!(server.object("/b/own/report.json").unwrap(), b"y");
}

#[tokio::test]
async fn a_store_that_stays_away_is_given_up_at_the_deadline() {
    let server = Server::start();
    server.plan(vec![Mishap::Answer(500, "InternalError"); 100]);
    let target = s3(&server.url(), json!({}));
    let deadline = Deadline::after(Duration::from_secs(1));
    let content = Content::Bytes("x".into());
    let error = target
        .upload("config.yaml", &content, &deadline)
        .await
        .unwrap_err();
    assert!(error.is_transient());
    assert!(
        error.to_string().contains("500 InternalError") && error.to_string().contains("attempts"),
        "{error}"
    );
    assert!(server.names().is_empty());
}

#[test]
fn a_container_without_an_account_is_refused_before_anything_is_sent() {
    let storage = json!({"azure_blob_storage": {"container_name": "c"}});
    let opened = open_in(storage, &[].into_iter().collect(), None).remove(0);
    assert!(opened.unwrap_err().contains("AZURE_STORAGE_ACCOUNT_NAME"));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_does_not_get_better() {
    let server = Server::start_tls();
    let target = s3(&server.url(), json!({}));
    let error = upload(&target, "config.yaml", "x").await.unwrap_err();
    assert!(matches!(error, StoreError::Certificate { .. }), "{error:?}");
    assert!(!error.is_transient() && error.remedy(Cloud::S3).contains("SSL_CERT_FILE"));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_shows_no_http_is_no_end_of_the_story() {
    // It closes every connection before it is asked anything.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let target = s3(&url, json!({}));
    let deadline = Deadline::after(Duration::from_secs(1));
    let content = Content::Bytes("x".into());
    let error = target
        .upload("config.yaml", &content, &deadline)
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("attempts"), "{error}");
}
