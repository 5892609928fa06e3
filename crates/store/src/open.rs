//! Clients of the clouds' stores, set up from the config and the environment.

use std::fmt;

use bench_contract::config::{AddressingStyle, AzureStorage, CloudStorage};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::multipart::MultipartStore;
use object_store::{ObjectStore, RetryConfig};

use crate::address::{Address, Cloud};
use crate::environment::{Environment, check_endpoint};
use crate::error::StoreError;
use crate::http::Connector;

/// A client of one bucket.
pub(crate) enum Client {
    S3(AmazonS3),
    Gcs(GoogleCloudStorage),
    Azure(MicrosoftAzure),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Their own would show credentials.
        f.write_str(self.cloud().scheme())
    }
}

impl Client {
    pub(crate) fn cloud(&self) -> Cloud {
        match self {
            Self::S3(_) => Cloud::S3,
            Self::Gcs(_) => Cloud::Gcs,
            Self::Azure(_) => Cloud::Azure,
        }
    }

    pub(crate) fn objects(&self) -> &dyn ObjectStore {
        match self {
            Self::S3(client) => client,
            Self::Gcs(client) => client,
            Self::Azure(client) => client,
        }
    }

    /// Uploads in parts, where they can be kept from replacing anything: of the others only S3 lets the end of one be
    /// conditional without another right or another signature, and the others take gigabytes in one piece, read while it is sent.
    pub(crate) fn parts(&self) -> Option<&dyn MultipartStore> {
        match self {
            Self::S3(client) => Some(client),
            Self::Gcs(_) | Self::Azure(_) => None,
        }
    }

    /// Gets credentials, which are then kept for as long as they are valid.
    pub(crate) async fn authenticate(&self) -> object_store::Result<()> {
        match self {
            Self::S3(client) => client.credentials().get_credential().await.map(drop),
            Self::Gcs(client) => client.credentials().get_credential().await.map(drop),
            Self::Azure(client) => client.credentials().get_credential().await.map(drop),
        }
    }

    pub(crate) fn s3(
        config: &CloudStorage,
        connector: Connector,
        env: &Environment,
    ) -> Result<Self, StoreError> {
        let bucket = &config.bucket_name;
        env.check("AWS_")?;
        check_name("bucket_name", bucket, "-._")?;
        if let Some(region) = &config.region_name {
            check_name("region_name", region, "-_")?;
        }
        check_given(config.endpoint_url.as_deref())?;
        let builder = AmazonS3Builder::new();
        let mut builder = env
            .configure("AWS_", builder, |builder, key, value| {
                builder.with_config(key, value)
            })
            .with_bucket_name(bucket)
            .with_retry(once())
            .with_http_connector(connector);
        if let Some(region) = &config.region_name {
            builder = builder.with_region(region);
        }
        let style = config.addressing_style.unwrap_or_default();
        let endpoint = config.endpoint_url.clone().or_else(|| {
            // The environment's; the one of S3 alone comes first, as with every tool of AWS.
            [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
                .iter()
                .find_map(|key| builder.get_config_value(key))
        });
        let is_virtual = match style {
            AddressingStyle::Virtual => true,
            AddressingStyle::Path => false,
            AddressingStyle::Auto => endpoint.is_none() && !bucket.contains('.'),
        };
        builder = builder.with_virtual_hosted_style_request(is_virtual);
        if let Some(endpoint) = endpoint {
            let endpoint = endpoint.trim_end_matches('/');
            // The library takes the endpoint of a bucket where the bucket is in the host.
            let endpoint = match endpoint.split_once("://") {
                Some((scheme, host)) if is_virtual => format!("{scheme}://{bucket}.{host}"),
                _ => endpoint.to_owned(),
            };
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        builder
            .build()
            .map(Self::S3)
            .map_err(|error| unusable(&error))
    }

    pub(crate) fn gcs(
        config: &CloudStorage,
        connector: Connector,
        env: &Environment,
    ) -> Result<Self, StoreError> {
        env.check("GOOGLE_")?;
        check_name("bucket_name", &config.bucket_name, "-._")?;
        check_given(config.endpoint_url.as_deref())?;
        let builder = GoogleCloudStorageBuilder::new();
        let mut builder = env
            .configure("GOOGLE_", builder, |builder, key, value| {
                builder.with_config(key, value)
            })
            .with_bucket_name(&config.bucket_name)
            .with_retry(once())
            .with_http_connector(connector);
        if let Some(endpoint) = &config.endpoint_url {
            builder = builder.with_base_url(endpoint.trim_end_matches('/'));
        }
        builder
            .build()
            .map(Self::Gcs)
            .map_err(|error| unusable(&error))
    }

    pub(crate) fn azure(
        config: &AzureStorage,
        connector: Connector,
        env: &Environment,
    ) -> Result<Self, StoreError> {
        env.check("AZURE_")?;
        env.check("IDENTITY_ENDPOINT")?;
        check_name("container_name", &config.container_name, "-$")?;
        if let Some(account) = &config.account_name {
            check_name("account_name", account, "-")?;
        }
        check_given(config.endpoint_url.as_deref())?;
        let builder = MicrosoftAzureBuilder::new();
        let mut builder = env
            .configure("AZURE_", builder, |builder, key, value| {
                builder.with_config(key, value)
            })
            .with_container_name(&config.container_name)
            .with_retry(once())
            .with_http_connector(connector);
        if let Some(endpoint) = env.get("IDENTITY_ENDPOINT") {
            builder = builder.with_msi_endpoint(endpoint);
        }
        if let Some(account) = &config.account_name {
            builder = builder.with_account(account);
        }
        if let Some(endpoint) = &config.endpoint_url {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        let value = |key: AzureConfigKey| builder.get_config_value(&key).unwrap_or_default();
        let is_named = !value(AzureConfigKey::AccountName).is_empty();
        if !is_named && value(AzureConfigKey::UseEmulator) != "true" {
            return Err(StoreError::Setup(
                "no storage account is named: set account_name, or AZURE_STORAGE_ACCOUNT_NAME"
                    .to_owned(),
            ));
        }
        builder
            .build()
            .map(Self::Azure)
            .map_err(|error| unusable(&error))
    }

    /// A client to read from a place that only an address names; all else is in the environment, as for the clouds' own tools.
    pub(crate) fn of_address(address: &Address, env: &Environment) -> Result<Self, StoreError> {
        let connector = Connector::new(false)?;
        let bucket = CloudStorage {
            bucket_name: address.bucket.clone(),
            path: None,
            report_file_prefix: None,
            endpoint_url: None,
            region_name: None,
            addressing_style: None,
            if_exists: None,
        };
        match address.cloud {
            Cloud::S3 => Self::s3(&bucket, connector, env),
            Cloud::Gcs => Self::gcs(&bucket, connector, env),
            Cloud::Azure => {
                let container = AzureStorage {
                    container_name: bucket.bucket_name,
                    account_name: None,
                    path: None,
                    report_file_prefix: None,
                    endpoint_url: None,
                    if_exists: None,
                };
                Self::azure(&container, connector, env)
            }
        }
    }
}

/// Refuses a name that no host or path can hold as it stands: letters, digits and `more` are what one may have.
fn check_name(key: &str, name: &str, more: &str) -> Result<(), StoreError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    if !name.is_empty() && name.chars().all(is_allowed) {
        return Ok(());
    }
    let wrong = name.chars().find(|c| !is_allowed(*c));
    let why = wrong.map_or("is empty".to_owned(), |wrong| {
        format!("is `{name}`, and cannot have `{}`", wrong.escape_debug())
    });
    Err(StoreError::Setup(format!("{key} {why}: correct the name")))
}

/// Refuses an endpoint of the config that is none.
fn check_given(endpoint: Option<&str>) -> Result<(), StoreError> {
    endpoint.map_or(Ok(()), |endpoint| check_endpoint("endpoint_url", endpoint))
}

/// Trying again is ours: only so is it known whether an earlier attempt may have succeeded.
fn once() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    }
}

fn unusable(error: &object_store::Error) -> StoreError {
    StoreError::Setup(match error {
        object_store::Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    })
}
