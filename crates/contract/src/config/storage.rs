//! `storage`: where reports go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where reports go.
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
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            local_storage: Some(LocalStorage::default()),
            google_cloud_storage: None,
            simple_storage_service: None,
        }
    }
}

fn is_default_local(local: &Option<LocalStorage>) -> bool {
    local.as_ref() == Some(&LocalStorage::default())
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

/// A bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudStorage {
    /// The bucket's name.
    pub bucket_name: String,
    /// The key prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Put before every file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_file_prefix: Option<String>,
    /// Another endpoint than the cloud's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_name: Option<String>,
    /// `auto`, `virtual` or `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing_style: Option<String>,
}
