//! Why a file of the hub is not to be had, and what helps.

use std::path::PathBuf;

use thiserror::Error;

/// Why a file of the hub is not to be had. [`HubError::remedy`] says what helps.
#[derive(Debug, Error)]
pub enum HubError {
    /// It is not in the cache, and the environment forbids to ask for it.
    #[error("{file} is not in {}, and {variable} is set", .cache.display())]
    Offline {
        /// The file.
        file: String,
        /// Where it was looked for.
        cache: PathBuf,
        /// What forbids it.
        variable: &'static str,
    },
    /// The hub wants to know who asks, or does not let them.
    #[error("{host} does not give {file}: it answers {status}{}", detail(.message))]
    Denied {
        /// The file.
        file: String,
        /// Who was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The hub's words on it.
        message: String,
        /// Whether a token was sent.
        had_token: bool,
    },
    /// There is no such repository, or no such revision or file in it.
    #[error("{host} has no {file}{}", detail(.message))]
    Missing {
        /// The file.
        file: String,
        /// Who was asked.
        host: String,
        /// The hub's words on it.
        message: String,
        /// Whether the repository is there, and only the file is not.
        only_file: bool,
    },
    /// The hub cannot do it now, or errs.
    #[error("{host} answers {status}{}", detail(.message))]
    Refused {
        /// Who was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The hub's words on it.
        message: String,
    },
    /// There is no connection.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// Why.
        reason: String,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {reason}")]
    Certificate {
        /// Who was asked.
        host: String,
        /// Why not.
        reason: String,
    },
    /// The connection broke and did not come back.
    #[error("the connection to {host} was lost after {bytes} bytes of {file}: {reason}")]
    Lost {
        /// Who was asked.
        host: String,
        /// The file.
        file: String,
        /// How much had come.
        bytes: u64,
        /// Why.
        reason: String,
    },
    /// Nothing came for too long, or not all of it in time.
    #[error("{host} did not give {file} in time: {reason}")]
    Late {
        /// Who was asked.
        host: String,
        /// The file.
        file: String,
        /// Which limit.
        reason: String,
    },
    /// It cannot be written down.
    #[error("cannot write {}: {error}", .path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Something else.
    #[error("{0}")]
    Other(String),
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

impl HubError {
    /// What helps.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Offline { .. } => {
                "unset it, or mount a cache that has the file and name it in HF_HOME"
            }
            Self::Denied {
                had_token: false, ..
            } => {
                "check the name; a gated or private repository needs HF_TOKEN (benchmark.target.hfTokenSecret)"
            }
            Self::Denied { .. } => {
                "check that the token of HF_TOKEN may read it, and that its terms were accepted on the hub"
            }
            Self::Missing {
                only_file: true, ..
            } => "check the name of the file",
            Self::Missing { .. } => {
                "check the name; a private repository needs HF_TOKEN (benchmark.target.hfTokenSecret)"
            }
            Self::Unreachable { .. } | Self::Late { .. } | Self::Lost { .. } => {
                "check whether this machine or pod gets there, or name a mirror in HF_ENDPOINT, or a proxy in HTTPS_PROXY"
            }
            Self::Certificate { .. } => {
                "name a file with the certificate of its authority in SSL_CERT_FILE"
            }
            Self::Refused { .. } => "try again later",
            Self::Disk { .. } => "name a folder with more room in HF_HOME",
            Self::Other(_) => "check HF_ENDPOINT",
        }
    }

    /// Whether the repository is there and has no such file.
    #[must_use]
    pub fn is_only_file_missing(&self) -> bool {
        matches!(
            self,
            Self::Missing {
                only_file: true,
                ..
            }
        )
    }

    /// Whether it may end otherwise when the hub is asked again.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Lost { bytes, .. } => *bytes > 0,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502..=504),
            _ => false,
        }
    }
}
