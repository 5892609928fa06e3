//! One object, put once.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutMode, PutPayload};
use tokio::time::timeout;

use crate::deadline::Deadline;
use crate::error::StoreError;
use crate::http::watched;
use crate::open::Client;
use crate::persist::persist;

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

/// Files from this size on are uploaded in parts, where the store can do that.
pub(crate) const LARGE: u64 = 64 * 1024 * 1024;

/// The size of a part, for as long as the allowed 10,000 of them suffice.
const PART: u64 = 16 * 1024 * 1024;

/// How many parts are under way at once.
const AT_ONCE: usize = 4;

/// How long an exchange may take beside its bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The slowest pace at which bytes are taken to be on their way, in bytes a second.
const SLOWEST: u64 = 512 * 1024;

/// Puts `content` at `key`.
pub(crate) async fn put(
    client: &Client,
    key: &Key,
    content: &Content,
    replace: Replace,
    deadline: &Deadline,
) -> Result<Stored, StoreError> {
    let bytes = match (content, client.parts()) {
        (Content::Bytes(bytes), _) => bytes.clone(),
        // The client of a run that replaces nothing else makes no exception for its own at the end of an upload in parts.
        (Content::File(path), Some(parts)) if size(path)? >= LARGE && replace != Replace::Own => {
            return in_parts(client, parts, key, path, deadline).await;
        }
        (Content::File(path), _) => read(path)?,
    };
    let digest = Md5::digest(&bytes);
    let length = bytes.len() as u64;
    let payload = PutPayload::from_bytes(bytes);
    let mode = match replace {
        Replace::Nothing => PutMode::Create,
        Replace::Own | Replace::Anything => PutMode::Overwrite,
    };
    let mut is_unsure = false;
    persist(deadline, async || {
        let put = client
            .objects()
            .put_opts(key, payload.clone(), mode.clone().into());
        match exchange(length, put).await {
            Ok(_) => Ok(Stored::Surely),
            Err(StoreError::Exists(_)) if is_unsure => {
                is_ours(client, key, length, Some(&digest)).await
            }
            Err(error) => {
                is_unsure |= error.is_unsure();
                Err(error)
            }
        }
    })
    .await
}

/// Puts a large file, read and sent part by part. Needs no right but that to put the object.
async fn in_parts(
    client: &Client,
    store: &dyn MultipartStore,
    key: &Key,
    path: &Path,
    deadline: &Deadline,
) -> Result<Stored, StoreError> {
    let length = size(path)?;
    let part = PART.max(length.div_ceil(10_000));
    let id = persist(deadline, async || {
        exchange(0, store.create_multipart(key)).await
    })
    .await?;
    let places = (0..length.div_ceil(part)).map(|index| {
        let id = &id;
        async move {
            let from = index * part;
            let bytes = slice(path, from, part.min(length - from))?;
            let payload = PutPayload::from_bytes(bytes);
            let length = payload.content_length() as u64;
            persist(deadline, async || {
                let sent = store.put_part(key, id, index as usize, payload.clone());
                exchange(length, sent).await
            })
            .await
        }
    });
    let parts: Result<Vec<PartId>, StoreError> =
        stream::iter(places).buffered(AT_ONCE).try_collect().await;
    let done = match parts {
        Ok(parts) => complete(client, store, key, &id, &parts, length, deadline).await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        // Parts cost money for as long as they lie there. It takes another right; a lifecycle rule does it as well.
        let _ = exchange(0, store.abort_multipart(key, &id)).await;
    }
    done
}

async fn complete(
    client: &Client,
    store: &dyn MultipartStore,
    key: &Key,
    id: &String,
    parts: &[PartId],
    length: u64,
    deadline: &Deadline,
) -> Result<Stored, StoreError> {
    let mut is_unsure = false;
    persist(deadline, async || {
        let completed = store.complete_multipart(key, id, parts.to_vec());
        match exchange(0, completed).await {
            Ok(_) => Ok(Stored::Surely),
            // An upload that is complete is no longer known.
            Err(StoreError::Exists(_) | StoreError::Missing(_)) if is_unsure => {
                is_ours(client, key, length, None).await
            }
            Err(error) => {
                is_unsure |= error.is_unsure();
                Err(error)
            }
        }
    })
    .await
}

/// Whether the object that is there came of an attempt whose reply was lost.
async fn is_ours(
    client: &Client,
    key: &Key,
    length: u64,
    md5: Option<&[u8]>,
) -> Result<Stored, StoreError> {
    let Ok(there) = exchange(0, client.objects().head(key)).await else {
        return Ok(Stored::Presumably);
    };
    let tag = there.e_tag.unwrap_or_default();
    let tag = tag.trim_matches('"');
    // Only some tags are the MD5 of the bytes.
    let is_md5 = tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_other = |md5: &[u8]| {
        let hex: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
        is_md5 && !tag.eq_ignore_ascii_case(&hex)
    };
    if there.size == length && !md5.is_some_and(is_other) {
        Ok(Stored::Surely)
    } else {
        Err(StoreError::Exists(key.to_string()))
    }
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

fn slice(path: &Path, from: u64, length: u64) -> Result<Bytes, StoreError> {
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
