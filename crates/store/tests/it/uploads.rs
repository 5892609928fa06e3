//! Uploads that succeed, and where they go.

use std::time::Duration;

use bench_store::{Content, Deadline, StoreError, Target};
use serde_json::json;

use crate::server::Server;
use crate::targets::{credentials, open_in, s3, s3_of_pod, upload};

#[tokio::test]
async fn nothing_but_puts_is_asked_for_and_each_carries_its_checksum() {
    let server = Server::start();
    let target = s3(&server.url(), json!({"report_file_prefix": "x-"}));
    for name in ["config.yaml", "report.json"] {
        let uploaded = upload(&target, name, "hello").await.unwrap();
        assert_eq!(
            uploaded.address.to_string(),
            format!("s3://b/results/x-{name}")
        );
        assert!(target.has(name) && !uploaded.is_presumed);
    }
    assert_eq!(
        server.names(),
        ["/b/results/x-config.yaml", "/b/results/x-report.json"]
    );
    assert_eq!(server.object("/b/results/x-report.json").unwrap(), b"hello");
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert_eq!(request.method, "PUT");
        // The MD5 of `hello`.
        assert_eq!(request.header("content-md5"), "XUFAKrxLKna5cZ2REBfFkg==");
        assert_eq!(request.header("if-none-match"), "*");
        assert!(
            request
                .header("authorization")
                .starts_with("AWS4-HMAC-SHA256")
        );
    }
}

#[tokio::test]
async fn what_exists_is_not_replaced() {
    let server = Server::start();
    server.put("/b/results/config.yaml", b"old");
    let error = upload(&s3(&server.url(), json!({})), "config.yaml", "new")
        .await
        .unwrap_err();
    assert_eq!(
        error,
        StoreError::Exists("s3://b/results/config.yaml".to_owned())
    );
    // Nor is a file that stands alone in the folder.
    server.put("/b/other/report.json", b"old");
    let target = s3(&server.url(), json!({"path": "other"}));
    upload(&target, "config.yaml", "new").await.unwrap();
    let error = upload(&target, "report.json", "new").await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(server.object("/b/results/config.yaml").unwrap(), b"old");
    assert_eq!(server.object("/b/other/report.json").unwrap(), b"old");
}

#[tokio::test]
async fn it_is_replaced_where_that_is_asked_for() {
    let server = Server::start();
    server.put("/b/results/config.yaml", b"old");
    let target = s3(&server.url(), json!({"if_exists": "overwrite"}));
    upload(&target, "config.yaml", "new").await.unwrap();
    assert_eq!(server.object("/b/results/config.yaml").unwrap(), b"new");
    assert_eq!(server.seen()[0].header("if-none-match"), "");
}

#[tokio::test]
async fn files_of_a_run_stay_together_beside_those_of_others() {
    let server = Server::start();
    for number in ["", "-2", "-3"] {
        let target = s3(&server.url(), json!({"if_exists": "suffix"}));
        for name in ["config.yaml", "report.json"] {
            let uploaded = upload(&target, name, number).await.unwrap();
            assert_eq!(
                uploaded.address.to_string(),
                format!("s3://b/results{number}/{name}")
            );
        }
    }
    assert_eq!(server.names().len(), 6);
    assert_eq!(server.object("/b/results-2/report.json").unwrap(), b"-2");
}

#[tokio::test]
async fn another_attempt_of_a_job_goes_below_the_first_one() {
    let server = Server::start();
    let path = json!({"path": "p/{run_id}"});
    for (pod, folder) in [("pod-a", "p/run-1"), ("pod-b", "p/run-1/attempt-pod-b")] {
        let target = s3_of_pod(&server.url(), path.clone(), Some(pod));
        for name in ["config.yaml", "report.json"] {
            let uploaded = upload(&target, name, pod).await.unwrap();
            assert_eq!(
                uploaded.address.to_string(),
                format!("s3://b/{folder}/{name}")
            );
        }
    }
    // A path that another Job may have as well is somebody else's.
    let fixed = s3_of_pod(&server.url(), json!({"path": "p/run-1"}), Some("pod-c"));
    let error = upload(&fixed, "config.yaml", "x").await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
}

#[tokio::test]
async fn a_file_of_this_run_can_be_replaced() {
    let server = Server::start();
    let target = s3(&server.url(), json!({}));
    for text in ["PASS", "FAILED"] {
        upload(&target, "report.json", text).await.unwrap();
    }
    assert_eq!(server.object("/b/results/report.json").unwrap(), b"FAILED");
}

#[tokio::test]
async fn each_cloud_is_asked_in_its_own_way_to_replace_nothing() {
    let server = Server::start();
    let url = server.url();
    let storage = json!({
        "simple_storage_service": {"bucket_name": "b", "path": "s", "endpoint_url": url},
        "google_cloud_storage": {"bucket_name": "b", "path": "g", "endpoint_url": url},
        "azure_blob_storage": {"container_name": "b", "account_name": "a", "path": "z", "endpoint_url": url},
    });
    for round in 0..2 {
        for target in open_in(storage.clone(), &credentials(), None) {
            let target = target.unwrap();
            let end = upload(&target, "config.yaml", "x").await;
            match (round, end) {
                (0, Ok(_)) | (1, Err(StoreError::Exists(_))) => {}
                (_, end) => panic!("round {round}: {end:?}"),
            }
        }
    }
    assert_eq!(
        server.names(),
        ["/b/g/config.yaml", "/b/s/config.yaml", "/b/z/config.yaml"]
    );
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| !seen.header("content-md5").is_empty())
    );
}

#[tokio::test]
async fn one_target_that_fails_does_not_stop_another() {
    let server = Server::start();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let targets = open_in(
        json!({
            "simple_storage_service": {"bucket_name": "b", "endpoint_url": format!("http://{closed}")},
            "google_cloud_storage": {"bucket_name": "b", "endpoint_url": server.url()},
        }),
        &credentials(),
        None,
    );
    let content = Content::Bytes("x".into());
    let deadline = Deadline::after(Duration::from_secs(1));
    let Ok([down, up]) = <[_; 2]>::try_from(targets) else {
        panic!("two targets are configured");
    };
    let (down, up): (Target, Target) = (down.unwrap(), up.unwrap());
    let (down, up) = tokio::join!(
        down.upload("config.yaml", &content, &deadline),
        up.upload("config.yaml", &content, &deadline)
    );
    assert!(down.unwrap_err().is_transient());
    up.unwrap();
    assert_eq!(server.names(), ["/b/reports/config.yaml"]);
}

#[tokio::test]
async fn one_file_that_fails_does_not_stop_another() {
    let server = Server::start();
    server.deny("/b/results/requests.jsonl.zst");
    let target = s3(&server.url(), json!({}));
    upload(&target, "config.yaml", "x").await.unwrap();
    let error = upload(&target, "requests.jsonl.zst", "x")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    upload(&target, "report.json", "x").await.unwrap();
    assert!(!target.has("requests.jsonl.zst") && target.has("report.json"));
}
