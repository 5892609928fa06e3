//! Why a store did not do what it was asked for, and what helps.

use std::fmt;

use http::{HeaderMap, StatusCode};
use thiserror::Error;

use crate::address::Cloud;

/// Why a store did not do what it was asked for. [`StoreError::remedy`] says what helps.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The target cannot be what the config says.
    #[error("{0}")]
    Setup(String),
    /// Nobody gave credentials; holds where they were looked for.
    #[error("no credentials: {0}")]
    NoCredentials(String),
    /// Whoever gives them does not do so now; holds what was found for it, and why.
    #[error("no credentials yet: {0}: {1}")]
    NoCredentialsYet(String, Box<StoreError>),
    /// Something is there that must not be replaced.
    #[error("{0} exists")]
    Exists(String),
    /// The same, and nobody may look whether an attempt of this run has put it there, whose reply was lost.
    #[error(
        "{0} exists, and these credentials may not look whether it is this run's own, whose reply was lost"
    )]
    Unknown(String),
    /// There is no such object.
    #[error("{0} does not exist")]
    Missing(String),
    /// The credentials do not suffice, or are none that the store knows.
    #[error("{0}")]
    Denied(Reply),
    /// There is no such bucket.
    #[error("{0}")]
    NoBucket(Reply),
    /// The bucket is in another region.
    #[error("the bucket is in another region{}", .0.region.as_ref().map(|region| format!(", {region}")).unwrap_or_default())]
    OtherRegion(Reply),
    /// The store does not do what it was asked for, and will not the next time either.
    #[error("{0}")]
    Refused(Reply),
    /// The store cannot do it now.
    #[error("{0}")]
    Unavailable(Reply),
    /// There was no reply.
    #[error("{}: {reason}", if *.was_sent { "the connection was lost" } else { "it cannot be reached" })]
    Unreachable {
        /// Why.
        reason: String,
        /// Whether the store may have got the request all the same.
        was_sent: bool,
    },
    /// There was no reply in time.
    #[error("it does not answer")]
    Silent,
    /// The server's certificate is not trusted.
    #[error("its certificate is not trusted: {reason}")]
    Certificate {
        /// Why not.
        reason: String,
    },
    /// The file to upload cannot be read.
    #[error("{0}")]
    File(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
    /// It was tried several times; holds how often, and how it ended the last time.
    #[error("{1} ({0} attempts)")]
    GaveUp(u32, Box<StoreError>),
}

impl StoreError {
    /// What a reply that is no success means.
    pub(crate) fn of_reply(reply: Reply) -> Self {
        match (reply.status, reply.code.as_str()) {
            // S3, when another upload to the same key is under way: neither has failed for good.
            (409, "ConditionalRequestConflict" | "OperationAborted") => Self::Unavailable(reply),
            // S3 and what speaks its API, Google, Azure; some say no more than the status.
            (412, "" | "PreconditionFailed" | "ConditionNotMet" | "TargetConditionNotMet")
            | (409, "BlobAlreadyExists") => Self::Exists(String::new()),
            (404, "NoSuchBucket" | "ContainerNotFound") => Self::NoBucket(reply),
            (404, _) if reply.message.contains("bucket does not exist") => Self::NoBucket(reply),
            (404, _) => Self::Missing(String::new()),
            (301 | 307 | 308, _)
            | (400, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                Self::OtherRegion(reply)
            }
            (408 | 429 | 500..=599, code) if code != "NotImplemented" => Self::Unavailable(reply),
            // What a connection that stalls in mid-upload is called by S3.
            (400, "RequestTimeout") => Self::Unavailable(reply),
            (401 | 403, _) | (400, "ExpiredToken" | "InvalidToken") => Self::Denied(reply),
            _ => Self::Refused(reply),
        }
    }

    /// What an error of the library means that no exchange explains.
    pub(crate) fn of_library(error: &object_store::Error) -> Self {
        match error {
            object_store::Error::AlreadyExists { path, .. } => Self::Exists(path.clone()),
            object_store::Error::NotFound { path, .. } => Self::Missing(path.clone()),
            other => Self::Other(other.to_string()),
        }
    }

    /// Whether it may end otherwise when it is tried again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Unreachable { .. } | Self::Silent => true,
            Self::GaveUp(_, last) | Self::NoCredentialsYet(_, last) => last.is_transient(),
            // A success that says otherwise in its body.
            Self::Other(text) => text.contains("InternalError") || text.contains("SlowDown"),
            _ => false,
        }
    }

    /// Whether nobody has answered the last time.
    #[must_use]
    pub(crate) fn is_unanswered(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent => true,
            Self::GaveUp(_, last) => last.is_unanswered(),
            _ => false,
        }
    }

    /// Whether the store may have done all the same what it was asked for.
    #[must_use]
    pub(crate) fn is_unsure(&self) -> bool {
        match self {
            Self::Unreachable { was_sent, .. } => *was_sent,
            Self::Silent | Self::Other(_) => true,
            Self::Unavailable(reply) => reply.status >= 500,
            _ => false,
        }
    }

    /// What helps, for somebody who writes to this store.
    #[must_use]
    pub fn remedy(&self, cloud: Cloud) -> String {
        let holder = cloud.holder();
        match self {
            Self::GaveUp(_, last) => last.remedy(cloud),
            Self::Exists(_) => {
                "have {run_id} in `path`, or set if_exists (ifExists in values) to suffix or overwrite".to_owned()
            }
            Self::Unknown(_) => {
                "run it again, and allow them to read the path of the results, so that a lost reply does not matter".to_owned()
            }
            Self::NoCredentialsYet(..) => {
                "check whether this machine or pod gets there".to_owned()
            }
            Self::NoCredentials(_) => match cloud {
                Cloud::S3 => "in a pod give its ServiceAccount a role (IRSA or EKS Pod Identity); elsewhere set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for example by `eval \"$(aws configure export-credentials --format env)\"`",
                Cloud::Gcs => "in a pod give its ServiceAccount a Google service account (Workload Identity); elsewhere set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`",
                Cloud::Azure => "in a pod give its ServiceAccount an identity (Microsoft Entra Workload ID); elsewhere set AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
            }
            .to_owned(),
            Self::Denied(reply) => match (cloud, reply.code.as_str()) {
                (_, "RequestTimeTooSkewed") => "set this machine's clock".to_owned(),
                (_, "ExpiredToken" | "InvalidToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthenticationFailed") => {
                    "renew the credentials".to_owned()
                }
                (Cloud::S3, _) => "allow s3:PutObject on the path of the results to whoever the credentials belong to".to_owned(),
                (Cloud::Gcs, _) => "grant roles/storage.objectCreator on the bucket, with `overwrite` roles/storage.objectUser".to_owned(),
                (Cloud::Azure, _) => "grant Storage Blob Data Contributor on the container".to_owned(),
            },
            Self::NoBucket(_) => format!("create the {holder}, or correct its name and the endpoint"),
            Self::OtherRegion(reply) => match &reply.region {
                Some(region) => format!("set region_name (region in values) to {region}"),
                None => "set region_name (region in values) to the bucket's region".to_owned(),
            },
            Self::Refused(reply) if reply.status == 501 => {
                "this store cannot keep an upload from replacing what exists: set if_exists (ifExists in values) to overwrite".to_owned()
            }
            Self::Unreachable { .. } | Self::Silent => {
                "check the endpoint, and whether this machine or pod gets there".to_owned()
            }
            Self::Certificate { .. } => {
                "name a file with the certificate of its authority in SSL_CERT_FILE".to_owned()
            }
            Self::Missing(_) => "check the address".to_owned(),
            Self::Unavailable(_) => "try again later".to_owned(),
            Self::Setup(_) | Self::Refused(_) | Self::File(_) | Self::Other(_) => String::new(),
        }
    }
}

/// A reply that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The store's own name of what is wrong, such as `AccessDenied`.
    pub code: String,
    /// Its words on it.
    pub message: String,
    /// The region that the bucket is in, where the store says so.
    pub region: Option<String>,
}

impl Reply {
    /// Reads what S3, Google and Azure write into the body of an error: XML with `Code` and `Message`.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let text = String::from_utf8_lossy(body);
        let code = element(&text, "Code").or_else(|| header("x-ms-error-code"));
        Self {
            status: status.as_u16(),
            code: code.unwrap_or_default(),
            message: element(&text, "Message").unwrap_or_default(),
            region: header("x-amz-bucket-region").or_else(|| element(&text, "Region")),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it answers {}", self.status)?;
        let reason = StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason());
        match (self.code.as_str(), reason) {
            ("", Some(reason)) => write!(f, " {reason}")?,
            (code, _) => write!(f, " {code}")?,
        }
        let message = self.message.trim().trim_end_matches('.');
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

/// The first line of the text of the first element of this name, without control characters.
fn element(xml: &str, name: &str) -> Option<String> {
    const LONGEST: usize = 300;
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let line = text.trim().lines().next().unwrap_or_default();
    let shown = line
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect();
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> StoreError {
        let status = StatusCode::from_u16(status).unwrap();
        StoreError::of_reply(Reply::new(status, &HeaderMap::new(), body.as_bytes()))
    }

    fn coded(status: u16, code: &str) -> StoreError {
        reply(
            status,
            &format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>So it is.</Message></Error>"
            ),
        )
    }

    #[test]
    fn replies_are_told_apart() {
        for (error, is_transient, is_unsure) in [
            (coded(403, "AccessDenied"), false, false),
            (coded(400, "ExpiredToken"), false, false),
            (coded(404, "NoSuchBucket"), false, false),
            (coded(412, "PreconditionFailed"), false, false),
            (coded(409, "BlobAlreadyExists"), false, false),
            (coded(409, "ConditionalRequestConflict"), true, false),
            (coded(503, "SlowDown"), true, true),
            (coded(500, "InternalError"), true, true),
            (coded(429, ""), true, false),
            (coded(501, "NotImplemented"), false, false),
            (coded(301, "PermanentRedirect"), false, false),
            (reply(502, "<html>"), true, true),
        ] {
            assert_eq!(error.is_transient(), is_transient, "{error:?}");
            assert_eq!(error.is_unsure(), is_unsure, "{error:?}");
        }
        assert!(matches!(
            coded(409, "BlobAlreadyExists"),
            StoreError::Exists(_)
        ));
        // What else is in conflict is told in the store's words.
        for (status, code) in [
            (409, "ContainerBeingDeleted"),
            (412, "LeaseIdMissing"),
            (409, ""),
        ] {
            let other = coded(status, code);
            assert!(matches!(other, StoreError::Refused(_)), "{other:?}");
        }
        assert!(matches!(
            coded(404, "NoSuchBucket"),
            StoreError::NoBucket(_)
        ));
        assert!(matches!(coded(404, "NoSuchKey"), StoreError::Missing(_)));
    }

    #[test]
    fn they_are_told_in_the_stores_own_words_and_with_a_remedy() {
        let denied = coded(403, "AccessDenied");
        assert_eq!(denied.to_string(), "it answers 403 AccessDenied: So it is");
        assert!(denied.remedy(Cloud::S3).contains("s3:PutObject"));
        assert!(denied.remedy(Cloud::Gcs).contains("objectCreator"));
        assert_eq!(reply(502, "").to_string(), "it answers 502 Bad Gateway");
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-bucket-region", "eu-west-1".parse().unwrap());
        let status = StatusCode::MOVED_PERMANENTLY;
        let elsewhere = StoreError::of_reply(Reply::new(status, &headers, b""));
        assert_eq!(
            elsewhere.to_string(),
            "the bucket is in another region, eu-west-1"
        );
        assert_eq!(
            elsewhere.remedy(Cloud::S3),
            "set region_name (region in values) to eu-west-1"
        );
        let gave_up = StoreError::GaveUp(3, Box::new(StoreError::Silent));
        assert_eq!(gave_up.to_string(), "it does not answer (3 attempts)");
        assert!(gave_up.is_transient());
    }
}
