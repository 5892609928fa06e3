//! One place that the files of a run are uploaded to.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock};

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
use crate::persist::{Effort, Trouble};
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
    /// The file that takes the folder, and tells this run from all others.
    first: OnceLock<(String, Content)>,
    claimed: AsyncMutex<Claim>,
    /// Names of the files that are there.
    stored: Mutex<HashSet<String>>,
    is_authentic: AsyncMutex<bool>,
    trouble: Trouble,
}

/// How far this run has got with taking a folder.
#[derive(Debug, Default)]
struct Claim {
    /// The folder that it has, once its first file is there.
    folder: Option<Address>,
    /// Where an attempt may have put that file whose reply did not come.
    unsure: HashSet<String>,
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
    /// The folder of the run.
    pub folder: Address,
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
            first: OnceLock::new(),
            claimed: AsyncMutex::default(),
            stored: Mutex::new(HashSet::new()),
            is_authentic: AsyncMutex::new(false),
            trouble: Trouble::default(),
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

    /// Has the folder taken by this file, whichever is uploaded first: small, and unlike that of any other run, since it is what
    /// tells in doubt whose folder it is.
    pub fn claim_by(&self, name: &str, content: Content) {
        let _ = self.first.set((name.to_owned(), content));
    }

    /// What is in the way of its uploads at the moment, if anything.
    #[must_use]
    pub fn trouble(&self) -> Option<StoreError> {
        self.trouble.get()
    }

    /// Whether the folder that was asked for is taken only by earlier attempts of the same Job, if by anybody.
    #[must_use]
    pub fn is_of_attempts(&self) -> bool {
        self.attempt.is_some()
    }

    /// Uploads `content` as file `name`. The folder is taken before, by the file of [`Self::claim_by`], or else by this one, and
    /// all others go there. A file of this run that is there already is replaced.
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
        let first = self
            .first
            .get_or_init(|| (name.to_owned(), content.clone()));
        let folder = self.claim(first, deadline).await?;
        let address = folder.join(&format!("{}{name}", self.prefix));
        let mut stored = Stored::Surely;
        if !is_same(first, name, content) {
            let replace = match self.if_exists {
                IfExists::Overwrite => Replace::Anything,
                IfExists::Fail | IfExists::Suffix if self.has(name) => Replace::Own,
                IfExists::Fail | IfExists::Suffix => Replace::Nothing,
            };
            let is_unsure = &mut false;
            stored = self
                .put(&address, content, replace, is_unsure, deadline)
                .await?;
            self.names().insert(name.to_owned());
        }
        Ok(Uploaded {
            address,
            folder,
            is_presumed: stored == Stored::Presumably,
        })
    }

    /// Gets credentials, which every upload does before it begins.
    ///
    /// # Errors
    /// [`StoreError`], where there are none, or none until `deadline`.
    pub async fn authenticate(&self, deadline: &Deadline) -> Result<(), StoreError> {
        let mut is_authentic = self.is_authentic.lock().await;
        if !*is_authentic {
            authenticate(&self.client, &self.env, self.effort(deadline)).await?;
            *is_authentic = true;
        }
        Ok(())
    }

    fn effort<'a>(&'a self, deadline: &'a Deadline) -> Effort<'a> {
        Effort {
            deadline,
            trouble: &self.trouble,
        }
    }

    /// The folder of this run, which its first file takes where there is none yet.
    async fn claim(
        &self,
        (name, content): &(String, Content),
        deadline: &Deadline,
    ) -> Result<Address, StoreError> {
        let mut claim = self.claimed.lock().await;
        if let Some(folder) = &claim.folder {
            return Ok(folder.clone());
        }
        let replace = match self.if_exists {
            IfExists::Overwrite => Replace::Anything,
            IfExists::Fail | IfExists::Suffix => Replace::Nothing,
        };
        let mut taken = None;
        for folder in self.candidates() {
            let address = folder.join(&format!("{}{name}", self.prefix));
            let mut is_unsure = IsUnsure::at(&mut claim.unsure, &address.key);
            let put = self.put(&address, content, replace, &mut is_unsure.now, deadline);
            let put = put.await;
            drop(is_unsure);
            match put {
                Ok(Stored::Surely) => {
                    claim.folder = Some(folder.clone());
                    self.names().insert(name.clone());
                    return Ok(folder);
                }
                // What cannot be told to be ours is somebody else's.
                Ok(Stored::Presumably) => {
                    taken.get_or_insert(StoreError::Unknown(address.to_string()));
                }
                Err(StoreError::Exists(_)) => {
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
        is_unsure: &mut bool,
        deadline: &Deadline,
    ) -> Result<Stored, StoreError> {
        let key = Key::parse(&address.key).map_err(|error| StoreError::Setup(error.to_string()))?;
        let effort = self.effort(deadline);
        let stored = put(&self.client, &key, content, replace, is_unsure, effort).await;
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

/// Whether an attempt may have put a file at a key, written down whenever the upload ends: it may just be given up.
struct IsUnsure<'a> {
    unsure: &'a mut HashSet<String>,
    key: &'a str,
    now: bool,
}

impl<'a> IsUnsure<'a> {
    fn at(unsure: &'a mut HashSet<String>, key: &'a str) -> Self {
        let now = unsure.contains(key);
        Self { unsure, key, now }
    }
}

impl Drop for IsUnsure<'_> {
    fn drop(&mut self) {
        if self.now {
            self.unsure.insert(self.key.to_owned());
        } else {
            self.unsure.remove(self.key);
        }
    }
}

/// Whether the file that takes the folder is this one, with these bytes.
fn is_same((first, bytes): &(String, Content), name: &str, content: &Content) -> bool {
    let is_same = match (bytes, content) {
        (Content::Bytes(first), Content::Bytes(bytes)) => first == bytes,
        (Content::File(first), Content::File(path)) => first == path,
        (Content::Bytes(_), Content::File(_)) | (Content::File(_), Content::Bytes(_)) => false,
    };
    first == name && is_same
}
