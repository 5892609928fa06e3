//! Addresses of objects and folders: `s3://bucket/key`, `gs://bucket/key`, `az://container/key`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Whose store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon S3, or anything that speaks its API.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

impl Cloud {
    const ALL: [Self; 3] = [Self::S3, Self::Gcs, Self::Azure];

    /// The scheme of its addresses.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
        }
    }

    /// What holds its objects.
    #[must_use]
    pub fn holder(self) -> &'static str {
        match self {
            Self::S3 | Self::Gcs => "bucket",
            Self::Azure => "container",
        }
    }
}

/// A place in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whose store it is.
    pub cloud: Cloud,
    /// The bucket, or Azure's container.
    pub bucket: String,
    /// The key of an object or the folder of several, without a slash at either end; "" is all of the bucket.
    pub key: String,
}

impl Address {
    /// Whether a text is meant as an address of a store, rather than as the path of a file.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        Cloud::ALL.iter().any(|cloud| {
            text.strip_prefix(cloud.scheme())
                .is_some_and(|rest| rest.starts_with("://"))
        })
    }

    /// The address of `name` in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let key = if self.key.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.key)
        };
        Self {
            key,
            ..self.clone()
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.cloud.scheme(), self.bucket)?;
        if !self.key.is_empty() {
            write!(f, "/{}", self.key)?;
        }
        Ok(())
    }
}

/// A text that is no address of a store. Write `s3://bucket/key`, `gs://bucket/key` or `az://container/key`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no address of a store: write s3://bucket/key, gs://bucket/key or az://container/key"
)]
pub struct NotAnAddress(pub String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let wrong = || NotAnAddress(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let cloud = Cloud::ALL
            .into_iter()
            .find(|cloud| cloud.scheme() == scheme);
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            cloud: cloud.ok_or_else(wrong)?,
            bucket: bucket.to_owned(),
            key: clean(key),
        })
    }
}

/// A key without empty steps, which no two readers take the same way.
pub(crate) fn clean(key: &str) -> String {
    let steps: Vec<&str> = key.split('/').filter(|step| !step.is_empty()).collect();
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_put_together() {
        for (text, cloud, bucket, key) in [
            ("s3://b/a/c.json", Cloud::S3, "b", "a/c.json"),
            ("gs://b/a//c/", Cloud::Gcs, "b", "a/c"),
            ("az://c", Cloud::Azure, "c", ""),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(
                (address.cloud, address.bucket.as_str(), address.key.as_str()),
                (cloud, bucket, key)
            );
            assert!(Address::is_meant(text));
        }
        let folder: Address = "s3://b/a/".parse().unwrap();
        assert_eq!(
            folder.join("report.json").to_string(),
            "s3://b/a/report.json"
        );
        let bucket: Address = "gs://b".parse().unwrap();
        assert_eq!(bucket.join("x").to_string(), "gs://b/x");
    }

    #[test]
    fn files_are_no_addresses() {
        for text in ["report.json", "./s3:/x", "s3", "http://s3://b", "s3:/b/k"] {
            assert!(!Address::is_meant(text), "{text}");
        }
        for text in ["s3://", "s3:///key", "ftp://b/k", "b/k"] {
            assert_eq!(text.parse::<Address>(), Err(NotAnAddress(text.to_owned())));
        }
    }
}
