//! Where results go: from values to the config's `storage`.

use bench_contract::config::{AzureStorage, CloudStorage, IfExists, LocalStorage, Storage};

use super::engine::CODE;
use super::raw::{Benchmark, Engine, RESULTS};
use crate::problem::Problem;

/// Where results go beside the pod's own folder, if anywhere. A path of its own for each run ends with the run id, which
/// loadgen fills in; inference-perf knows none, and the Job's name takes its place.
#[must_use]
pub(super) fn storage(benchmark: &Benchmark, scenario: &str, job: &str) -> Option<Storage> {
    let values = &benchmark.storage;
    let is_ours = benchmark.engine == Engine::Loadgen;
    let run = if is_ours { "{run_id}" } else { job };
    let path = |prefix: &str, given: &str| match given {
        "" => [prefix.trim_matches('/'), scenario, run]
            .into_iter()
            .filter(|step| !step.is_empty())
            .collect::<Vec<_>>()
            .join("/"),
        given => given.to_owned(),
    };
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let if_exists =
        |what: IfExists| Some(what).filter(|what| is_ours && *what != IfExists::default());
    let (s3, gcs, azure, local) = (&values.s3, &values.gcs, &values.azure, &values.local);
    let storage = Storage {
        local_storage: Some(LocalStorage {
            path: given(&local.claim_name).map(|_| {
                let folder = path(&local.path_prefix, &local.path);
                format!("{RESULTS}/{}", folder.trim_start_matches('/'))
            }),
            report_file_prefix: None,
        }),
        simple_storage_service: given(&s3.bucket_name).map(|bucket_name| CloudStorage {
            bucket_name,
            path: Some(path(&s3.path_prefix, &s3.path)),
            report_file_prefix: None,
            // inference-perf 0.2.0 knows neither; the pod's environment carries them.
            endpoint_url: given(&s3.endpoint_url).filter(|_| is_ours),
            region_name: given(&s3.region).filter(|_| is_ours),
            addressing_style: None,
            if_exists: if_exists(s3.if_exists),
        }),
        google_cloud_storage: given(&gcs.bucket_name).map(|bucket_name| CloudStorage {
            bucket_name,
            path: Some(path(&gcs.path_prefix, &gcs.path)),
            report_file_prefix: None,
            endpoint_url: None,
            region_name: None,
            addressing_style: None,
            if_exists: if_exists(gcs.if_exists),
        }),
        azure_blob_storage: given(&azure.container_name).map(|container_name| AzureStorage {
            container_name,
            account_name: given(&azure.account_name),
            path: Some(path(&azure.path_prefix, &azure.path)),
            report_file_prefix: None,
            endpoint_url: given(&azure.endpoint_url),
            if_exists: if_exists(azure.if_exists),
        }),
    };
    Some(storage).filter(|storage| *storage != Storage::default())
}

/// Keys of places that are not named.
pub(super) fn without_effect(benchmark: &Benchmark) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (s3, gcs) = (&benchmark.storage.s3, &benchmark.storage.gcs);
    let (azure, local) = (&benchmark.storage.azure, &benchmark.storage.local);
    let unless = |what: IfExists| if what == IfExists::default() { "" } else { "x" };
    for (place, name, is_named, keys) in [
        (
            "s3",
            "bucketName",
            !s3.bucket_name.is_empty(),
            vec![
                ("path", s3.path.as_str()),
                ("region", &s3.region),
                ("endpointUrl", &s3.endpoint_url),
                ("ifExists", unless(s3.if_exists)),
            ],
        ),
        (
            "gcs",
            "bucketName",
            !gcs.bucket_name.is_empty(),
            vec![
                ("path", gcs.path.as_str()),
                ("ifExists", unless(gcs.if_exists)),
            ],
        ),
        (
            "azure",
            "containerName",
            !azure.container_name.is_empty(),
            vec![
                ("accountName", azure.account_name.as_str()),
                ("path", &azure.path),
                ("endpointUrl", &azure.endpoint_url),
                ("ifExists", unless(azure.if_exists)),
            ],
        ),
        (
            "local",
            "claimName",
            !local.claim_name.is_empty(),
            vec![("path", local.path.as_str())],
        ),
    ] {
        let message = match name {
            "bucketName" => "nothing is uploaded without a bucket",
            "containerName" => "nothing is uploaded without a container",
            _ => "nothing is kept without a claim",
        };
        let written = keys
            .iter()
            .filter(|(_, value)| !is_named && !value.is_empty());
        problems.extend(written.map(|(key, _)| {
            Problem::key(CODE, format!("/benchmark/storage/{place}/{key}"), message)
                .help(format!("set benchmark.storage.{place}.{name}"))
        }));
    }
    if !azure.container_name.is_empty() && azure.account_name.is_empty() {
        problems.push(
            Problem::key(
                CODE,
                "/benchmark/storage/azure/containerName",
                "a container is in a storage account",
            )
            .help("set benchmark.storage.azure.accountName"),
        );
    }
    problems
}
