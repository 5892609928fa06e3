//! One object, put once.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutMode, PutPayload};
use tokio::time::timeout;

use crate::body::{Md5Sum, Source, Upload, md5_of, stand_in};
use crate::error::StoreError;
use crate::http::{uploading, watched};
use crate::open::Client;
use crate::parts;
use crate::persist::{Effort, persist};

/// What is uploaded.
#[derive(Clone, Debug)]
pub enum Content {
    /// These bytes.
    Bytes(Bytes),
    /// What is in this file.
    File(PathBuf),
}

/// What an upload may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replace {
    /// Nothing.
    Nothing,
    /// The object that this run has put there before.
    Own,
    /// Anything.
    Anything,
}

/// How an upload has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The object is there.
    Surely,
    /// A reply was lost, then there was an object of this key, and nobody may look at it.
    Presumably,
}

/// Files from this size on are not read into memory: they are uploaded in parts, or sent while they are read.
const LARGE: u64 = 64 * 1024 * 1024;

/// How long an exchange may take beside its bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The slowest pace at which bytes are taken to be on their way, in bytes a second.
const SLOWEST: u64 = 512 * 1024;

/// Puts `content` at `key`. `is_unsure`: whether an attempt before may have put it there, and, in the end, whether any has.
pub(crate) async fn put(
    client: &Client,
    key: &Key,
    content: &Content,
    replace: Replace,
    is_unsure: &mut bool,
    effort: Effort<'_>,
) -> Result<Stored, StoreError> {
    let (payload, upload, expected) = match content {
        Content::Bytes(bytes) => whole(bytes.clone()),
        Content::File(path) => match (size(path)?, client.parts()) {
            (length, _) if length < LARGE => whole(read(path)?),
            // The client of a run that replaces nothing else makes no exception for its own at the end of an upload in parts.
            (length, Some(store)) if replace != Replace::Own => {
                return parts::put(client, store, key, path, length, effort).await;
            }
            // The signature of S3 covers the bytes.
            (_, Some(_)) => whole(read(path)?),
            (length, None) => while_read(path, length, effort).await?,
        },
    };
    let mode = match replace {
        Replace::Nothing => PutMode::Create,
        Replace::Own | Replace::Anything => PutMode::Overwrite,
    };
    persist(effort, async || {
        let was_unsure = *is_unsure;
        // Also where the deadline ends the attempt.
        *is_unsure = true;
        let put = client
            .objects()
            .put_opts(key, payload.clone(), mode.clone().into());
        match exchange(upload.length, uploading(upload.clone(), put)).await {
            Ok(_) => {
                effort.deadline.put_off();
                Ok(Stored::Surely)
            }
            Err(StoreError::Exists(_)) if was_unsure => look(client, key, &expected).await,
            Err(error) => {
                *is_unsure = was_unsure || error.is_unsure();
                Err(error)
            }
        }
    })
    .await
}

/// What an object has to be to be the one of this upload.
pub(crate) enum Expected {
    /// It has these bytes.
    Bytes(Bytes),
    /// It has this length, and where the store tells it, this MD5.
    Like(u64, Option<Md5Sum>),
}

fn whole(bytes: Bytes) -> (PutPayload, Arc<Upload>, Expected) {
    let upload = Arc::new(Upload::of_bytes(&bytes));
    let expected = Expected::Bytes(bytes.clone());
    (PutPayload::from_bytes(bytes), upload, expected)
}

/// A large file, sent while it is read.
async fn while_read(
    path: &Path,
    length: u64,
    effort: Effort<'_>,
) -> Result<(PutPayload, Arc<Upload>, Expected), StoreError> {
    let file = path.to_owned();
    // Meanwhile other uploads go on.
    let md5 = tokio::task::spawn_blocking(move || md5_of(&file)).await;
    let md5 = match md5 {
        Ok(md5) => md5.map_err(|error| unreadable(path, &error))?,
        Err(error) => return Err(StoreError::Other(error.to_string())),
    };
    let upload = Upload {
        md5,
        length,
        file: Some(Source {
            path: path.to_owned(),
            deadline: effort.deadline.clone(),
            farthest: Arc::default(),
        }),
    };
    Ok((
        stand_in(length),
        Arc::new(upload),
        Expected::Like(length, Some(md5)),
    ))
}

/// Whether the object that is there came of an attempt whose reply was lost. What passes is no answer.
pub(crate) async fn look(
    client: &Client,
    key: &Key,
    expected: &Expected,
) -> Result<Stored, StoreError> {
    let is_it = match expected {
        Expected::Bytes(bytes) => {
            exchange(bytes.len() as u64, async {
                let found = client.objects().get(key).await?;
                if found.meta.size != bytes.len() as u64 {
                    return Ok(false);
                }
                Ok(found.bytes().await? == bytes)
            })
            .await
        }
        Expected::Like(length, md5) => {
            let found = exchange(0, client.objects().head(key)).await;
            found.map(|found| {
                let tag = found.e_tag.unwrap_or_default();
                found.size == *length && !md5.is_some_and(|md5| is_other(&tag, &md5))
            })
        }
    };
    match is_it {
        Ok(true) => Ok(Stored::Surely),
        Ok(false) => Err(StoreError::Exists(key.to_string())),
        Err(StoreError::Denied(_)) => Ok(Stored::Presumably),
        Err(error) => Err(error),
    }
}

/// Whether an entity tag says that the bytes are others. Only some tags are the MD5 of the bytes.
fn is_other(tag: &str, md5: &Md5Sum) -> bool {
    let tag = tag.trim_matches('"');
    let is_md5 = tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hex: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
    is_md5 && !tag.eq_ignore_ascii_case(&hex)
}

/// Awaits one exchange of so many bytes with the store.
pub(crate) async fn exchange<T>(
    bytes: u64,
    work: impl Future<Output = object_store::Result<T>>,
) -> Result<T, StoreError> {
    let patience = PATIENCE + Duration::from_secs(bytes / SLOWEST);
    let Ok((done, seen)) = timeout(patience, watched(work)).await else {
        return Err(StoreError::Silent);
    };
    done.map_err(|error| seen.unwrap_or_else(|| StoreError::of_library(&error)))
}

fn size(path: &Path) -> Result<u64, StoreError> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    Ok(metadata.len())
}

fn read(path: &Path) -> Result<Bytes, StoreError> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    Ok(bytes.into())
}

/// So many bytes of a file, from there on.
pub(crate) fn slice(path: &Path, from: u64, length: u64) -> Result<Bytes, StoreError> {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = vec![0; length as usize];
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    };
    read().map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::File(format!("cannot read {}: {error}", path.display()))
}
