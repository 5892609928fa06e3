//! Targets at a server, with credentials of a test.

use std::time::Duration;

use bench_contract::config::Storage;
use bench_store::{Content, Deadline, Environment, Placement, StoreError, Target, Uploaded};
use serde_json::{Value, json};

/// An environment with credentials for every cloud.
pub(crate) fn credentials() -> Environment {
    credentials_with(&[])
}

/// The same with more, or others.
pub(crate) fn credentials_with(more: &[(&str, &str)]) -> Environment {
    let service_account = json!({
        "disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""
    });
    let variables = [
        ("AWS_ACCESS_KEY_ID", "id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("GOOGLE_SERVICE_ACCOUNT_KEY", service_account.to_string()),
        ("AZURE_STORAGE_SAS_TOKEN", "sv=2024-11-04&sig=x".to_owned()),
    ];
    let more = more
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    variables
        .into_iter()
        .chain(more)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(crate) fn open_in(
    storage: Value,
    env: &Environment,
    pod: Option<&str>,
) -> Vec<Result<Target, String>> {
    let storage: Storage = serde_json::from_value(storage).unwrap();
    let placement = Placement {
        fill: &|text| text.replace("{run_id}", "run-1"),
        default_path: "reports",
        env,
        pod,
    };
    Target::open(&storage, placement)
        .into_iter()
        .map(|target| target.map_err(|unusable| format!("{}: {}", unusable.asked, unusable.error)))
        .collect()
}

/// The one target of a bucket of S3 at `url`, with `more` in its config.
pub(crate) fn s3(url: &str, more: Value) -> Target {
    s3_of_pod(url, more, None)
}

pub(crate) fn s3_of_pod(url: &str, more: Value, pod: Option<&str>) -> Target {
    let mut config = json!({"bucket_name": "b", "path": "results", "endpoint_url": url});
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    let mut targets = open_in(
        json!({"simple_storage_service": config}),
        &credentials(),
        pod,
    );
    assert_eq!(targets.len(), 1);
    targets.remove(0).unwrap()
}

pub(crate) async fn upload(
    target: &Target,
    name: &str,
    text: &str,
) -> Result<Uploaded, StoreError> {
    let content = Content::Bytes(text.to_owned().into());
    target.upload(name, &content, &patience()).await
}

pub(crate) fn patience() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}
