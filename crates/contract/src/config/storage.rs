//! `storage`: where reports go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::{KeyPath, Problems};

/// Where reports go: to each of these, on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Storage {
    /// A local folder; on by default, `null` turns it off.
    #[serde(skip_serializing_if = "is_default_local")]
    pub local_storage: Option<LocalStorage>,
    /// Google Cloud Storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google_cloud_storage: Option<CloudStorage>,
    /// Amazon S3, or anything that speaks its API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simple_storage_service: Option<CloudStorage>,
    /// Azure Blob Storage. Ours: inference-perf has no such target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_blob_storage: Option<AzureStorage>,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            local_storage: Some(LocalStorage::default()),
            google_cloud_storage: None,
            simple_storage_service: None,
            azure_blob_storage: None,
        }
    }
}

impl Storage {
    /// Whether results go anywhere but to a local folder.
    #[must_use]
    pub fn uploads(&self) -> bool {
        self.google_cloud_storage.is_some()
            || self.simple_storage_service.is_some()
            || self.azure_blob_storage.is_some()
    }

    /// What contradicts itself or cannot be meant.
    pub(super) fn check(&self, found: &mut Problems) {
        let clouds = [
            ("google_cloud_storage", &self.google_cloud_storage),
            ("simple_storage_service", &self.simple_storage_service),
        ];
        for (name, cloud) in clouds {
            let at = KeyPath::from("storage").key(name);
            let Some(cloud) = cloud else { continue };
            check_name(found, at.key("bucket_name"), &cloud.bucket_name, "bucket");
            check_place(
                found,
                &at,
                cloud.path.as_deref(),
                cloud.endpoint_url.as_deref(),
            );
            if name == "google_cloud_storage" && cloud.region_name.is_some() {
                found.warn(
                    at.key("region_name"),
                    "Google Cloud Storage finds a bucket without its region",
                    "remove it",
                );
            }
        }
        if let Some(azure) = &self.azure_blob_storage {
            let at = KeyPath::from("storage.azure_blob_storage");
            check_name(
                found,
                at.key("container_name"),
                &azure.container_name,
                "container",
            );
            check_place(
                found,
                &at,
                azure.path.as_deref(),
                azure.endpoint_url.as_deref(),
            );
        }
    }
}

fn check_name(found: &mut Problems, at: KeyPath, name: &str, what: &str) {
    if name.is_empty() || name.contains(|c: char| c == '/' || c.is_whitespace()) {
        found.error(
            at,
            format!("`{name}` is not the name of a {what}"),
            format!("write the name of the {what} alone; folders go into `path`"),
        );
    }
}

fn check_place(found: &mut Problems, at: &KeyPath, path: Option<&str>, endpoint: Option<&str>) {
    let path = path.unwrap_or_default();
    if path.split('/').any(|step| step == "." || step == "..") || path.chars().any(char::is_control)
    {
        found.error(
            at.key("path"),
            "a key in a bucket has no `.` or `..` and no control characters",
            "write the folders from the bucket down: results/production/{run_id}",
        );
    }
    let is_url = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    if let Some(endpoint) = endpoint
        && !is_url(endpoint)
    {
        found.error(
            at.key("endpoint_url"),
            format!("`{endpoint}` is no URL"),
            "begin with https:// or http://",
        );
    }
}

fn is_default_local(local: &Option<LocalStorage>) -> bool {
    local.as_ref() == Some(&LocalStorage::default())
}

/// What to do about files that an earlier run has left where this one's are to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IfExists {
    /// Nothing is replaced, and the run does not begin.
    #[default]
    Fail,
    /// They are replaced.
    Overwrite,
    /// All files of the run go to a folder beside theirs: `path-2`, `path-3` and so on.
    Suffix,
}

/// How the bucket is named in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AddressingStyle {
    /// `path` with an `endpoint_url` or a bucket with a dot in its name, else `virtual`.
    #[default]
    Auto,
    /// In the host: `https://bucket.host/key`.
    Virtual,
    /// In the path: `https://host/bucket/key`.
    Path,
}

/// A local folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LocalStorage {
    /// The folder; `{timestamp}` and `{run_id}` are replaced. Default `reports-{timestamp}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Put before every file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_file_prefix: Option<String>,
}

/// A bucket. Credentials come from the cloud's own chain: environment, workload identity, instance metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudStorage {
    /// The bucket's name.
    pub bucket_name: String,
    /// The folder in it; `{timestamp}` and `{run_id}` are replaced. Default `reports-{timestamp}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Put before every file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_file_prefix: Option<String>,
    /// Another endpoint than the cloud's own, for example of MinIO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// The region; else that of the environment (`AWS_REGION`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_name: Option<String>,
    /// How the bucket is named in a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing_style: Option<AddressingStyle>,
    /// What to do about files that are there already; default `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_exists: Option<IfExists>,
}

/// A container of Azure Blob Storage. Credentials come from Azure's own chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AzureStorage {
    /// The container's name.
    pub container_name: String,
    /// The storage account; else that of the environment (`AZURE_STORAGE_ACCOUNT_NAME`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// The folder in it; `{timestamp}` and `{run_id}` are replaced. Default `reports-{timestamp}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Put before every file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_file_prefix: Option<String>,
    /// Another endpoint than `https://<account>.blob.core.windows.net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// What to do about files that are there already; default `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_exists: Option<IfExists>,
}
