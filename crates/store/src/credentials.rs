//! Whose credentials are used, and what is said when there are none.

use std::time::Duration;

use tokio::time::timeout;

use crate::address::Cloud;
use crate::environment::Environment;
use crate::error::StoreError;
use crate::http::watched;
use crate::open::Client;
use crate::persist::{Effort, persist};

/// How long one attempt may take. A metadata service that is not there does not answer at all.
const PATIENCE: Duration = Duration::from_secs(4);

/// A source of credentials: what has to be in the environment for it.
struct Source(&'static [&'static str]);

impl Source {
    fn is_given(&self, env: &Environment) -> bool {
        self.0.iter().all(|name| env.get(name).is_some())
    }

    fn name(&self) -> String {
        self.0.join(" with ")
    }
}

/// The sources of a cloud's chain in its order, but for the metadata service, which comes last.
fn chain(cloud: Cloud) -> &'static [Source] {
    match cloud {
        Cloud::S3 => &[
            Source(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
            Source(&["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"]),
            Source(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]),
            Source(&[
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            ]),
        ],
        Cloud::Gcs => &[
            Source(&["GOOGLE_SERVICE_ACCOUNT"]),
            Source(&["GOOGLE_SERVICE_ACCOUNT_KEY"]),
            Source(&["GOOGLE_APPLICATION_CREDENTIALS"]),
        ],
        Cloud::Azure => &[
            Source(&["AZURE_STORAGE_ACCOUNT_KEY"]),
            Source(&[
                "AZURE_FEDERATED_TOKEN_FILE",
                "AZURE_CLIENT_ID",
                "AZURE_TENANT_ID",
            ]),
            Source(&["AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"]),
            Source(&["AZURE_STORAGE_SAS_TOKEN"]),
        ],
    }
}

/// Gets credentials, however long who gives them takes to be there: in a pod that has just started, some seconds.
///
/// # Errors
/// [`StoreError::NoCredentials`] when there are none, with where they were looked for; [`StoreError::NoCredentialsYet`] where
/// whoever gives them is there and does not do so now.
pub(crate) async fn authenticate(
    client: &Client,
    env: &Environment,
    effort: Effort<'_>,
) -> Result<(), StoreError> {
    let cloud = client.cloud();
    let source = chain(cloud).iter().find(|source| source.is_given(env));
    if source.is_none() && cloud == Cloud::S3 && is_disabled(env) {
        let why = "AWS_EC2_METADATA_DISABLED is set";
        return Err(StoreError::NoCredentials(looked_for(cloud, why)));
    }
    let done = persist(effort, async || {
        let Ok(got) = timeout(PATIENCE, watched(client.authenticate())).await else {
            return Err(StoreError::Silent);
        };
        match got {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(seen)) => Err(seen),
            (Err(error), None) => Err(StoreError::of_library(&error)),
        }
    });
    let Err(error) = done.await else {
        return Ok(());
    };
    Err(match source {
        // Nobody has said a word all the time, so there is nobody.
        None if error.is_unanswered() || !error.is_transient() => {
            StoreError::NoCredentials(looked_for(cloud, &error.to_string()))
        }
        None => StoreError::NoCredentialsYet(
            "this machine's metadata service".to_owned(),
            Box::new(error),
        ),
        Some(source) if error.is_transient() => {
            StoreError::NoCredentialsYet(source.name(), Box::new(error))
        }
        Some(source) => {
            StoreError::NoCredentials(format!("{} led to none: {error}", source.name()))
        }
    })
}

fn is_disabled(env: &Environment) -> bool {
    let set = env.get("AWS_EC2_METADATA_DISABLED");
    set.is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Where credentials were looked for, when no source but the metadata service was left.
fn looked_for(cloud: Cloud, why: &str) -> String {
    let names: Vec<String> = chain(cloud).iter().map(Source::name).collect();
    let files = match cloud {
        Cloud::Gcs => ", in gcloud's application default credentials",
        Cloud::S3 | Cloud::Azure => "",
    };
    format!(
        "looked in the environment ({}){files}, and asked this machine's metadata service ({why})",
        names.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_needs_all_of_its_variables() {
        let found = |set: &[&str]| {
            let set = set.iter().map(|name| ((*name).to_owned(), "x".to_owned()));
            let env: Environment = set.collect();
            let source = chain(Cloud::S3).iter().find(|source| source.is_given(&env));
            source.map(Source::name)
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["AWS_ROLE_ARN"]), None);
        assert_eq!(
            found(&["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]).unwrap(),
            "AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN"
        );
    }

    #[test]
    fn what_was_looked_for_is_named() {
        let text = looked_for(Cloud::S3, "it does not answer");
        for part in [
            "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "metadata service (it does not answer)",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
