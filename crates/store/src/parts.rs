//! A large file, put in parts.

use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::PutPayload;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;

use crate::body::Upload;
use crate::error::StoreError;
use crate::http::uploading;
use crate::open::Client;
use crate::persist::{Effort, persist};
use crate::put::{Expected, Stored, exchange, look, slice};

/// The size of a part, for as long as the allowed 10,000 of them suffice.
const PART: u64 = 16 * 1024 * 1024;

/// How many parts are under way at once.
const AT_ONCE: usize = 4;

/// Puts a file of this length, read and sent part by part. Needs no right but that to put the object.
pub(crate) async fn put(
    client: &Client,
    store: &dyn MultipartStore,
    key: &Key,
    path: &Path,
    length: u64,
    effort: Effort<'_>,
) -> Result<Stored, StoreError> {
    let part = PART.max(length.div_ceil(10_000));
    let id = persist(effort, async || {
        exchange(0, store.create_multipart(key)).await
    })
    .await?;
    let places = (0..length.div_ceil(part)).map(|index| {
        let id = &id;
        async move {
            let from = index * part;
            let bytes = slice(path, from, part.min(length - from))?;
            let upload = Arc::new(Upload::of_bytes(&bytes));
            let payload = PutPayload::from_bytes(bytes);
            persist(effort, async || {
                let sent = store.put_part(key, id, index as usize, payload.clone());
                let part = exchange(upload.length, uploading(upload.clone(), sent)).await?;
                effort.deadline.put_off();
                Ok(part)
            })
            .await
        }
    });
    let parts: Result<Vec<PartId>, StoreError> =
        stream::iter(places).buffered(AT_ONCE).try_collect().await;
    let done = match parts {
        Ok(parts) => complete(client, store, key, &id, &parts, length, effort).await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        // Parts cost money for as long as they lie there. It takes another right; a lifecycle rule does it as well.
        tokio::select! {
            biased;
            () = effort.deadline.tidied() => {}
            _ = exchange(0, store.abort_multipart(key, &id)) => {}
        }
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
    effort: Effort<'_>,
) -> Result<Stored, StoreError> {
    let mut is_unsure = false;
    persist(effort, async || {
        let completed = store.complete_multipart(key, id, parts.to_vec());
        match exchange(0, completed).await {
            Ok(_) => Ok(Stored::Surely),
            // An upload that is complete is no longer known.
            Err(StoreError::Exists(_) | StoreError::Missing(_)) if is_unsure => {
                look(client, key, &Expected::Like(length, None)).await
            }
            Err(error) => {
                is_unsure |= error.is_unsure();
                Err(error)
            }
        }
    })
    .await
}
