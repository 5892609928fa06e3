//! Large files: in parts, or sent while they are read.

use std::time::Duration;

use bench_store::{Content, Deadline, StoreError, Target};
use serde_json::json;

use crate::server::{Mishap, Server};
use crate::targets::{credentials_with, open_in, patience, s3, upload};

const NAME: &str = "requests.jsonl.zst";

/// A file of 70 MiB, which are five parts.
fn large() -> (tempfile::TempDir, Content, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let bytes: Vec<u8> = (0..70_u32 << 20).map(|index| (index % 251) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    (folder, Content::File(path), bytes)
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_replaces_nothing_either() {
    let server = Server::start();
    let (_folder, content, bytes) = large();
    let target = s3(&server.url(), json!({}));
    upload(&target, "config.yaml", "x").await.unwrap();
    target
        .upload("requests.jsonl.zst", &content, &patience())
        .await
        .unwrap();
    assert!(server.object("/b/results/requests.jsonl.zst").unwrap() == bytes);
    let parts = server.seen();
    let parts: Vec<_> = parts
        .iter()
        .filter(|seen| seen.target.contains("partNumber"))
        .collect();
    assert_eq!(parts.len(), 5);
    assert!(
        parts
            .iter()
            .all(|part| !part.header("content-md5").is_empty())
    );

    server.put("/b/again/requests.jsonl.zst", b"old");
    let target = s3(&server.url(), json!({"path": "again"}));
    upload(&target, "config.yaml", "x").await.unwrap();
    let error = target
        .upload("requests.jsonl.zst", &content, &patience())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(
        server.object("/b/again/requests.jsonl.zst").unwrap(),
        b"old"
    );
    assert_eq!(
        server.seen().last().unwrap().method,
        "DELETE",
        "its parts are removed"
    );
}

/// A target at `server` that has its folder, and what goes wrong from the beginning of the next upload on.
async fn ready(server: &Server, mishaps: Vec<Mishap>) -> Target {
    let target = s3(&server.url(), json!({}));
    upload(&target, "config.yaml", "x").await.unwrap();
    server.plan(mishaps);
    target
}

#[tokio::test]
async fn a_part_that_is_cut_or_put_off_is_sent_again() {
    let (_folder, content, bytes) = large();
    let server = Server::start();
    let mishaps = vec![
        Mishap::Answer(503, "SlowDown"),
        Mishap::None,
        Mishap::CutAfter(1_000_000),
        Mishap::LostReply,
        Mishap::Answer(500, "InternalError"),
    ];
    let target = ready(&server, mishaps).await;
    target.upload(NAME, &content, &patience()).await.unwrap();
    assert!(server.object("/b/results/requests.jsonl.zst").unwrap() == bytes);
}

#[tokio::test]
async fn a_part_that_is_refused_ends_the_upload_and_the_others_are_removed() {
    let (_folder, content, _) = large();
    let server = Server::start();
    let mishaps = vec![
        Mishap::None,
        Mishap::None,
        Mishap::Answer(403, "AccessDenied"),
    ];
    let target = ready(&server, mishaps).await;
    let end = target.upload(NAME, &content, &patience()).await;
    assert!(matches!(end, Err(StoreError::Denied(_))), "{end:?}");
    assert_eq!(server.seen().last().unwrap().method, "DELETE");
    assert_eq!(server.names(), ["/b/results/config.yaml"]);
}

#[tokio::test]
async fn a_completion_whose_reply_is_lost_is_looked_after() {
    let (_folder, content, bytes) = large();
    for may_look in [true, false] {
        let server = Server::start();
        if may_look {
            server.let_look();
        }
        // The creation, five parts, and the end.
        let mut mishaps = vec![Mishap::None; 6];
        mishaps.push(Mishap::LostReply);
        let target = ready(&server, mishaps).await;
        let uploaded = target.upload(NAME, &content, &patience()).await.unwrap();
        assert_eq!(uploaded.is_presumed, !may_look);
        assert!(server.object("/b/results/requests.jsonl.zst").unwrap() == bytes);
    }
}

#[tokio::test]
async fn giving_up_waits_for_nothing_and_the_end_of_patience_tidies_up() {
    let (_folder, content, _) = large();
    for gives_up in [true, false] {
        let server = Server::start();
        let mut mishaps = vec![Mishap::None];
        mishaps.extend(vec![Mishap::Stall; 10]);
        let target = ready(&server, mishaps).await;
        let deadline = Deadline::of_silence(Duration::from_secs(600));
        let parts = || {
            let seen = server.seen();
            let parts = seen
                .iter()
                .filter(|seen| seen.target.contains("partNumber"));
            parts.count()
        };
        let end = async {
            while parts() == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if gives_up {
                deadline.give_up();
            } else {
                deadline.shorten(Duration::ZERO);
            }
        };
        let (uploaded, ()) = tokio::join!(target.upload(NAME, &content, &deadline), end);
        let error = uploaded.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        let has_tidied = server.seen().iter().any(|seen| seen.method == "DELETE");
        assert_eq!(has_tidied, !gives_up);
    }
}

#[tokio::test]
async fn google_and_azure_get_it_while_it_is_read() {
    let (_folder, content, bytes) = large();
    let server = Server::start();
    let url = server.url();
    let storage = json!({
        "google_cloud_storage": {"bucket_name": "b", "path": "g", "endpoint_url": url},
        "azure_blob_storage": {"container_name": "b", "account_name": "a", "path": "z", "endpoint_url": url},
    });
    // A signature of Azure's covers the checksum, and so there is none.
    let env = credentials_with(&[("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")]);
    server.let_look();
    for (target, folder) in open_in(storage, &env, None).into_iter().zip(["g", "z"]) {
        let target = target.unwrap();
        upload(&target, "config.yaml", "x").await.unwrap();
        server.plan([Mishap::CutAfter(10_000_000), Mishap::LostReply]);
        let uploaded = target.upload(NAME, &content, &patience()).await.unwrap();
        assert!(!uploaded.is_presumed);
        let path = format!("/b/{folder}/{NAME}");
        assert!(server.object(&path).unwrap() == bytes, "{path}");
    }
    let seen = server.seen();
    let uploads = seen
        .iter()
        .filter(|seen| seen.method == "PUT" && seen.target.contains(NAME));
    for upload in uploads {
        assert_eq!(upload.header("content-length"), bytes.len().to_string());
        let is_signed = upload.header("authorization").starts_with("SharedKey");
        assert_eq!(upload.header("content-md5").is_empty(), is_signed);
    }
}
