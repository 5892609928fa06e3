//! Where results go.

use bench_contract::config::IfExists;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The folder of the pod that results are written to: loadgen's working directory, and where a volume for them is mounted.
pub const RESULTS: &str = "/results";

/// Where the results go, each place on its own. Credentials are the ServiceAccount's, or in the environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// Amazon S3, or anything that speaks its API.
    pub s3: S3,
    /// Google Cloud Storage.
    pub gcs: Gcs,
    /// Azure Blob Storage (engine loadgen).
    pub azure: Azure,
    /// A volume that outlives the pod.
    pub local: Local,
}

/// A bucket of S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct S3 {
    /// The bucket's name; "" = no upload.
    #[schemars(example = &"inference-perf-results")]
    pub bucket_name: String,
    /// The first part of the key prefix, where `path` is not given.
    pub path_prefix: String,
    /// The whole key prefix; `{run_id}` and `{timestamp}` are replaced (engine loadgen). "" =
    /// `<pathPrefix>/<scenario>/<run id>`, for the engine inference-perf `<pathPrefix>/<scenario>/<name of the Job>`.
    pub path: String,
    /// The region; "" = from the pod's environment.
    pub region: String,
    /// Another endpoint than Amazon's; "" = Amazon's.
    pub endpoint_url: String,
    /// What to do about results that are there already (engine loadgen).
    pub if_exists: IfExists,
}

/// A bucket of Google Cloud Storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gcs {
    /// The bucket's name; "" = no upload.
    #[schemars(example = &"inference-perf-results")]
    pub bucket_name: String,
    /// The first part of the objects' names, where `path` is not given.
    pub path_prefix: String,
    /// The whole folder, as with `s3.path`.
    pub path: String,
    /// What to do about results that are there already (engine loadgen).
    pub if_exists: IfExists,
}

/// A container of Azure Blob Storage (engine loadgen).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Azure {
    /// The storage account.
    pub account_name: String,
    /// The container's name; "" = no upload.
    #[schemars(example = &"benchmark-results")]
    pub container_name: String,
    /// The first part of the blobs' names, where `path` is not given.
    pub path_prefix: String,
    /// The whole folder, as with `s3.path`.
    pub path: String,
    /// Another endpoint than `https://<account>.blob.core.windows.net`; "" = that one.
    pub endpoint_url: String,
    /// What to do about results that are there already.
    pub if_exists: IfExists,
}

/// A volume that outlives the pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Local {
    /// The PersistentVolumeClaim, in the Job's namespace; "" = results stay in the pod and end with it.
    pub claim_name: String,
    /// The first part of the folder in the volume, where `path` is not given.
    pub path_prefix: String,
    /// The whole folder in the volume, as with `s3.path`.
    pub path: String,
}
