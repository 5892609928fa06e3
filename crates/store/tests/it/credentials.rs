//! Credentials: where they come from, and what is said when they do not.

use std::net::TcpListener;
use std::time::Duration;

use bench_store::{Cloud, Deadline, Environment, StoreError, read};
use serde_json::json;

use crate::server::{Mishap, Server};
use crate::targets::{credentials_with, open_in, patience, upload};

#[tokio::test]
async fn missing_credentials_are_said_with_where_they_were_looked_for() {
    // A metadata service that refuses, and one that never answers.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = Server::start();
    for address in [closed, silent.local_addr().unwrap(), refusing.address] {
        let metadata = (
            "AWS_METADATA_ENDPOINT".to_owned(),
            format!("http://{address}"),
        );
        let env: Environment = [metadata].into_iter().collect();
        let storage = json!({"simple_storage_service": {"bucket_name": "b"}});
        let target = open_in(storage, &env, None).remove(0).unwrap();
        let deadline = Deadline::after(Duration::from_secs(2));
        let error = target.authenticate(&deadline).await.unwrap_err();
        let StoreError::NoCredentials(looked) = &error else {
            panic!("{error:?}");
        };
        assert!(
            looked.contains("AWS_WEB_IDENTITY_TOKEN_FILE") && looked.contains("metadata"),
            "{looked}"
        );
        assert!(error.remedy(Cloud::S3).contains("IRSA"));
    }
}

#[tokio::test]
async fn a_role_that_cannot_be_taken_is_named() {
    let server = Server::start();
    server.plan([Mishap::Answer(403, "AccessDenied")]);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "jwt").unwrap();
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.display().to_string()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r".to_owned()),
        ("AWS_ENDPOINT_URL_STS", server.url()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let env: Environment = variables.into_iter().collect();
    let storage = json!({"simple_storage_service": {"bucket_name": "b"}});
    let target = open_in(storage, &env, None).remove(0).unwrap();
    let error = upload(&target, "config.yaml", "x").await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("AWS_ROLE_ARN led to none: it answers 403 AccessDenied"),
        "{error}"
    );
}

/// Credentials that a container is given at `url`.
fn of_container(url: &str, token: &std::path::Path) -> Environment {
    std::fs::write(token, "token").unwrap();
    let variables = [
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{url}/credentials"),
        ),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            token.display().to_string(),
        ),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    variables.into_iter().collect()
}

#[tokio::test]
async fn credentials_that_come_late_are_waited_for() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.let_look();
    let given = json!({
        "AccessKeyId": "id", "SecretAccessKey": "secret", "Token": "t", "Expiration": "2100-01-01T00:00:00Z"
    });
    server.put("/credentials", given.to_string().as_bytes());
    server.plan_looks([
        Mishap::CutAfter(0),
        Mishap::Answer(503, ""),
        Mishap::Answer(500, ""),
    ]);
    let env = of_container(&server.url(), &folder.path().join("token"));
    let storage =
        json!({"simple_storage_service": {"bucket_name": "b", "endpoint_url": server.url()}});
    let target = open_in(storage, &env, None).remove(0).unwrap();
    upload(&target, "config.yaml", "x").await.unwrap();
    assert_eq!(server.object("/b/reports/config.yaml").unwrap(), b"x");
}

#[tokio::test]
async fn who_gives_none_now_is_named_and_may_do_so_later() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.plan_looks(vec![Mishap::Answer(503, ""); 100]);
    let env = of_container(&server.url(), &folder.path().join("token"));
    let storage =
        json!({"simple_storage_service": {"bucket_name": "b", "endpoint_url": server.url()}});
    let target = open_in(storage, &env, None).remove(0).unwrap();
    let deadline = Deadline::after(Duration::from_secs(1));
    let error = target.authenticate(&deadline).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let said = error.to_string();
    assert!(
        said.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI") && said.contains("503"),
        "{said}"
    );

    // So does a metadata service that is there.
    server.plan(vec![Mishap::Answer(503, ""); 100]);
    let metadata = ("AWS_METADATA_ENDPOINT".to_owned(), server.url());
    let storage = json!({"simple_storage_service": {"bucket_name": "b"}});
    let env = [metadata].into_iter().collect();
    let target = open_in(storage, &env, None).remove(0).unwrap();
    let deadline = Deadline::after(Duration::from_secs(1));
    let error = target.authenticate(&deadline).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("metadata service"), "{error}");
}

#[tokio::test]
async fn keys_with_the_line_end_of_a_secret_are_keys() {
    let server = Server::start();
    let env = credentials_with(&[
        ("AWS_ACCESS_KEY_ID", "id\n"),
        ("AWS_SECRET_ACCESS_KEY", "secret\n"),
        ("AWS_SESSION_TOKEN", "token\r\n"),
        ("AWS_REGION", "eu-west-1\n"),
    ]);
    let storage =
        json!({"simple_storage_service": {"bucket_name": "b", "endpoint_url": server.url()}});
    let target = open_in(storage, &env, None).remove(0).unwrap();
    let uploaded = upload(&target, "config.yaml", "x").await.unwrap();
    assert_eq!(uploaded.folder.to_string(), "s3://b/reports");
    let seen = server.seen();
    assert_eq!(seen[0].header("x-amz-security-token"), "token");
    let authorization = seen[0].header("authorization");
    assert!(
        authorization.contains("Credential=id/") && authorization.contains("/eu-west-1/s3/"),
        "{authorization}"
    );
}

#[tokio::test]
async fn what_no_request_can_hold_is_refused_before_one_is_made() {
    let server = Server::start();
    for (variable, value, storage, said) in [
        (
            "AWS_ACCESS_KEY_ID",
            "i\nd",
            json!({"bucket_name": "b"}),
            "AWS_ACCESS_KEY_ID",
        ),
        (
            "AWS_ENDPOINT_URL_S3",
            "localhost:8333",
            json!({"bucket_name": "b"}),
            "http:// or https://",
        ),
        ("X", "x", json!({"bucket_name": "my bucket"}), "bucket_name"),
        (
            "X",
            "x",
            json!({"bucket_name": "b", "region_name": "eu\n"}),
            "region_name",
        ),
    ] {
        let env = credentials_with(&[("AWS_ENDPOINT_URL", &server.url()), (variable, value)]);
        let opened = open_in(json!({"simple_storage_service": storage}), &env, None).remove(0);
        let error = opened.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    for (cloud, storage) in [
        ("google_cloud_storage", json!({"bucket_name": "b/c"})),
        (
            "azure_blob_storage",
            json!({"container_name": "b c", "account_name": "a"}),
        ),
        (
            "azure_blob_storage",
            json!({"container_name": "b", "account_name": "a.b/"}),
        ),
    ] {
        let opened = open_in(json!({cloud: storage}), &credentials_with(&[]), None).remove(0);
        assert!(opened.unwrap_err().contains("correct the name"));
    }
    // What lies between is sent, and answered.
    let env = credentials_with(&[("AWS_ENDPOINT_URL", &server.url())]);
    let storage = json!({"simple_storage_service": {"bucket_name": "b", "path": "\u{e9} \"#?%/x"}});
    let target = open_in(storage, &env, None).remove(0).unwrap();
    target.authenticate(&patience()).await.unwrap();
    upload(&target, "config.yaml", "x").await.unwrap();
}

#[test]
fn an_address_that_cannot_be_is_no_panic() {
    for address in ["s3://my bucket/x", "gs://a\nb/x", "az://a b/x"] {
        let error = read(&address.parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("correct the name"), "{error}");
    }
}
