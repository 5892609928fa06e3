//! What the environment says of stores.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::StoreError;

/// Variables that hold the address of a server.
const ADDRESSES: [&str; 10] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_METADATA_ENDPOINT",
    "AZURE_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "GOOGLE_BASE_URL",
    "IDENTITY_ENDPOINT",
];

/// Variables that become a part of a header or of a host.
const SENT_AS_THEY_ARE: [&str; 8] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
];

/// The variables that clients of the clouds' stores look at.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        let all = std::env::vars_os();
        all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable that is set, and not to nothing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Refuses what the library would panic over: what no header, host or address can hold. `prefix` is that of a cloud's
    /// variables.
    pub(crate) fn check(&self, prefix: &str) -> Result<(), StoreError> {
        let of_cloud = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        for (name, value) in of_cloud {
            if ADDRESSES.contains(&name.as_str()) {
                check_endpoint(name, value)?;
            }
            let is_wrong = |c: char| c.is_control() || !c.is_ascii();
            if SENT_AS_THEY_ARE.contains(&name.as_str()) && value.contains(is_wrong) {
                return Err(StoreError::Setup(format!(
                    "the environment variable {name} holds a line end or another character that it cannot have: set it anew"
                )));
            }
        }
        Ok(())
    }

    /// Hands the variables of a cloud, whose names begin with `prefix`, to a builder that knows them by these names.
    pub(crate) fn configure<B, K: FromStr>(
        &self,
        prefix: &str,
        builder: B,
        with: impl Fn(B, K, &str) -> B,
    ) -> B {
        let of_cloud = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        of_cloud.fold(builder, |builder, (name, value)| {
            match name.to_ascii_lowercase().parse() {
                Ok(key) => with(builder, key, value),
                Err(_) => builder,
            }
        })
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        // A Secret made by `echo` ends with a line end, which belongs to no key, token, region or address.
        let trimmed = variables.into_iter().map(|(name, value)| {
            let value = value.trim().to_owned();
            (name, value)
        });
        Self(trimmed.filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// Refuses an endpoint that is no address of a server. `name`: where it stands.
pub(crate) fn check_endpoint(name: &str, value: &str) -> Result<(), StoreError> {
    let uri: Result<http::Uri, _> = value.parse();
    let is_fine = uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(is_host)
    });
    if is_fine {
        return Ok(());
    }
    Err(StoreError::Setup(format!(
        "{name} is `{value}`, which is no address of a server: write http:// or https:// and its host, for example https://minio.storage:9000"
    )))
}

fn is_host(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values are secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_are_set_to_nothing_are_not_set_and_none_is_shown() {
        let variables = [("AWS_REGION", ""), ("AWS_SECRET_ACCESS_KEY", "topsecret")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment: Environment = variables.into_iter().collect();
        assert_eq!(environment.get("AWS_REGION"), None);
        assert_eq!(environment.get("AWS_SECRET_ACCESS_KEY"), Some("topsecret"));
        assert!(!format!("{environment:?}").contains("topsecret"));
    }

    fn of(name: &str, value: &str) -> Environment {
        [(name.to_owned(), value.to_owned())].into_iter().collect()
    }

    #[test]
    fn line_ends_of_secrets_are_no_part_of_them() {
        let environment = of("AWS_SESSION_TOKEN", "token\r\n");
        assert_eq!(environment.get("AWS_SESSION_TOKEN"), Some("token"));
        assert_eq!(of("AWS_REGION", " \n").get("AWS_REGION"), None);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name_and_never_shown() {
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", "one\ntwo"),
            ("AWS_SESSION_TOKEN", "t\u{f6}ken"),
        ] {
            let said = of(name, value).check("AWS_").unwrap_err().to_string();
            assert!(said.contains(name) && !said.contains(value), "{said}");
            assert_eq!(of(name, value).check("GOOGLE_"), Ok(()));
        }
        for value in [
            "localhost:8333",
            "minio",
            "ftp://minio",
            "http://",
            "http://a b",
            "https:///x",
        ] {
            let said = of("AWS_ENDPOINT_URL_S3", value).check("AWS_");
            let said = said.unwrap_err().to_string();
            assert!(
                said.contains("AWS_ENDPOINT_URL_S3") && said.contains("https://minio"),
                "{said}"
            );
        }
        for (name, value) in [
            ("AWS_ENDPOINT_URL_S3", "http://localhost:8333"),
            ("AWS_ENDPOINT_URL", "https://[::1]:9000/"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
        ] {
            assert_eq!(of(name, value).check("AWS_"), Ok(()), "{name}");
        }
    }
}
