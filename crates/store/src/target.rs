//! One place that the files of a run are uploaded to.

use std::collections::HashSet;
use std::sync::Mutex;

use bench_contract::config::{IfExists, Storage};
use object_store::path::Path as Key;
use tokio::sync::Mutex as AsyncMutex;

use crate::address::{Address, Cloud, clean};
use crate::credentials::authenticate;
use crate::deadline::Deadline;
use crate::environment::Environment;
use crate::error::StoreError;
use crate::http::Connector;
use crate::open::Client;
use crate::put::{Content, Replace, Stored, put};

/// How many folders beside the one that was asked for are looked at.
const MOST_SUFFIXES: u32 = 99;

/// What the places of a run's files depend on.
#[derive(Clone, Copy)]
pub struct Placement<'a> {
    /// Fills in `{timestamp}` and `{run_id}`.
    pub fill: &'a dyn Fn(&str) -> String,
    /// The path of a target that has none.
    pub default_path: &'a str,
    /// Region, endpoint and credentials, where the config leaves them out.
    pub env: &'a Environment,
    /// The name of the pod, where this is a Job's: the folder of a run id can only be taken by an earlier attempt of the same
    /// Job, whose files stay, and this one's go below it.
    pub pod: Option<&'a str>,
}

/// One place that the files of a run are uploaded to.
#[derive(Debug)]
pub struct Target {
    client: Client,
    env: Environment,
    /// The folder that was asked for.
    asked: Address,
    prefix: String,
    if_exists: IfExists,
    /// Below the folder, where an earlier attempt of the same Job has it.
    attempt: Option<String>,
    /// The folder that this run has, once its first file is there.
    claimed: AsyncMutex<Option<Address>>,
    /// Names of the files that are there.
    stored: Mutex<HashSet<String>>,
    is_authentic: AsyncMutex<bool>,
}

/// A target that cannot be.
#[derive(Debug)]
pub struct Unusable {
    /// The folder that was asked for.
    pub asked: Address,
    /// Why not.
    pub error: StoreError,
}

/// A file that is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Its address.
    pub address: Address,
    /// Whether the reply to its upload was lost and nobody may look whether it is the one that is there.
    pub is_presumed: bool,
}

impl Target {
    /// The targets of a config, or why one cannot be. Nothing is asked of anybody yet.
    #[must_use]
    pub fn open(storage: &Storage, placement: Placement<'_>) -> Vec<Result<Self, Box<Unusable>>> {
        let mut targets = Vec::new();
        let clouds = [
            &storage.simple_storage_service,
            &storage.google_cloud_storage,
        ];
        for (cloud, config) in [Cloud::S3, Cloud::Gcs].into_iter().zip(clouds) {
            if let Some(config) = config {
                let open = match cloud {
                    Cloud::Gcs => Client::gcs,
                    Cloud::S3 | Cloud::Azure => Client::s3,
                };
                targets.push(Self::of(
                    cloud,
                    &Place {
                        bucket: &config.bucket_name,
                        path: config.path.as_deref(),
                        prefix: config.report_file_prefix.as_deref(),
                        if_exists: config.if_exists,
                    },
                    placement,
                    |connector| open(config, connector, placement.env),
                ));
            }
        }
        if let Some(config) = &storage.azure_blob_storage {
            targets.push(Self::of(
                Cloud::Azure,
                &Place {
                    bucket: &config.container_name,
                    path: config.path.as_deref(),
                    prefix: config.report_file_prefix.as_deref(),
                    if_exists: config.if_exists,
                },
                placement,
                |connector| Client::azure(config, connector, placement.env),
            ));
        }
        targets
    }

    fn of(
        cloud: Cloud,
        place: &Place<'_>,
        placement: Placement<'_>,
        open: impl FnOnce(Connector) -> Result<Client, StoreError>,
    ) -> Result<Self, Box<Unusable>> {
        let path = place.path.unwrap_or(placement.default_path);
        let if_exists = place.if_exists.unwrap_or_default();
        let asked = Address {
            cloud,
            bucket: place.bucket.to_owned(),
            key: clean(&(placement.fill)(path)),
        };
        let creates = if_exists != IfExists::Overwrite;
        let client = Connector::new(creates).and_then(open);
        Ok(Self {
            client: client.map_err(|error| {
                Box::new(Unusable {
                    asked: asked.clone(),
                    error,
                })
            })?,
            env: placement.env.clone(),
            asked,
            prefix: (placement.fill)(place.prefix.unwrap_or_default()),
            if_exists,
            attempt: placement
                .pod
                .filter(|_| path.contains("{run_id}"))
                .map(|pod| format!("attempt-{pod}")),
            claimed: AsyncMutex::new(None),
            stored: Mutex::new(HashSet::new()),
            is_authentic: AsyncMutex::new(false),
        })
    }

    /// The folder that was asked for.
    #[must_use]
    pub fn asked(&self) -> &Address {
        &self.asked
    }

    /// Whether file `name` is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names().contains(name)
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        // Nothing that holds it can panic.
        self.stored
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Uploads `content` as file `name`. The first file decides about the folder, and all others go there. A file of this run
    /// that is there already is replaced.
    ///
    /// # Errors
    /// [`StoreError`], once trying again does not help or `deadline` has passed.
    pub async fn upload(
        &self,
        name: &str,
        content: &Content,
        deadline: &Deadline,
    ) -> Result<Uploaded, StoreError> {
        self.authenticate(deadline).await?;
        let uploaded = match self.claim(name, content, deadline).await? {
            Claim::First(address) => Uploaded {
                address,
                is_presumed: false,
            },
            Claim::Made(folder) => {
                let replace = match self.if_exists {
                    IfExists::Overwrite => Replace::Anything,
                    IfExists::Fail | IfExists::Suffix if self.has(name) => Replace::Own,
                    IfExists::Fail | IfExists::Suffix => Replace::Nothing,
                };
                let address = folder.join(&format!("{}{name}", self.prefix));
                let stored = self.put(&address, content, replace, deadline).await?;
                Uploaded {
                    address,
                    is_presumed: stored == Stored::Presumably,
                }
            }
        };
        self.names().insert(name.to_owned());
        Ok(uploaded)
    }

    async fn authenticate(&self, deadline: &Deadline) -> Result<(), StoreError> {
        let mut is_authentic = self.is_authentic.lock().await;
        if !*is_authentic {
            authenticate(&self.client, &self.env, deadline).await?;
            *is_authentic = true;
        }
        Ok(())
    }

    /// The folder of this run, which its first file takes where there is none yet.
    async fn claim(
        &self,
        name: &str,
        content: &Content,
        deadline: &Deadline,
    ) -> Result<Claim, StoreError> {
        let mut claimed = self.claimed.lock().await;
        if let Some(folder) = &*claimed {
            return Ok(Claim::Made(folder.clone()));
        }
        let replace = match self.if_exists {
            IfExists::Overwrite => Replace::Anything,
            IfExists::Fail | IfExists::Suffix => Replace::Nothing,
        };
        let mut taken = None;
        for folder in self.candidates() {
            let address = folder.join(&format!("{}{name}", self.prefix));
            match self.put(&address, content, replace, deadline).await {
                Ok(Stored::Surely) => {
                    *claimed = Some(folder);
                    return Ok(Claim::First(address));
                }
                // What cannot be told to be ours is somebody else's.
                Ok(Stored::Presumably) | Err(StoreError::Exists(_)) => {
                    taken.get_or_insert(StoreError::Exists(address.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Err(taken.unwrap_or_else(|| StoreError::Exists(self.asked.to_string())))
    }

    /// The folders that this run may have, the preferred one first.
    fn candidates(&self) -> Vec<Address> {
        let mut folders = vec![self.asked.clone()];
        match self.if_exists {
            IfExists::Overwrite => {}
            IfExists::Fail => {
                let attempt = self.attempt.as_ref();
                folders.extend(attempt.map(|step| self.asked.join(step)));
            }
            IfExists::Suffix => folders.extend((2..=MOST_SUFFIXES).map(|number| Address {
                key: if self.asked.key.is_empty() {
                    number.to_string()
                } else {
                    format!("{}-{number}", self.asked.key)
                },
                ..self.asked.clone()
            })),
        }
        folders
    }

    async fn put(
        &self,
        address: &Address,
        content: &Content,
        replace: Replace,
        deadline: &Deadline,
    ) -> Result<Stored, StoreError> {
        let key = Key::parse(&address.key).map_err(|error| StoreError::Setup(error.to_string()))?;
        let stored = put(&self.client, &key, content, replace, deadline).await;
        // Replies do not say what they are about.
        stored.map_err(|error| match error {
            StoreError::Exists(_) => StoreError::Exists(address.to_string()),
            StoreError::Missing(_) => StoreError::Missing(address.to_string()),
            other => other,
        })
    }
}

/// What the config says of a place, whichever cloud it is in.
struct Place<'a> {
    bucket: &'a str,
    path: Option<&'a str>,
    prefix: Option<&'a str>,
    if_exists: Option<IfExists>,
}

/// How a run came by its folder.
enum Claim {
    /// This file has taken it, and is there.
    First(Address),
    /// An earlier file has.
    Made(Address),
}
