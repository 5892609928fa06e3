//! Reading from a store, for programs that have no event loop.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use thiserror::Error;

use crate::address::Address;
use crate::credentials::authenticate;
use crate::deadline::Deadline;
use crate::environment::Environment;
use crate::error::StoreError;
use crate::open::Client;
use crate::persist::{Effort, Trouble};
use crate::put::exchange;

/// How long credentials are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How large a report is at most, in bytes, for the time that it may take.
const LIKELY: u64 = 32 * 1024 * 1024;

/// Why something could not be read from a store.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The store does not give it.
    #[error("{0}")]
    Store(StoreError),
    /// There is no event loop to be had.
    #[error("cannot start the event loop: {0}")]
    Runtime(std::io::Error),
}

/// The bytes of the object at `address`. Credentials, region and endpoint come from the environment, as for the clouds' own
/// tools.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such object; else whatever keeps the store from giving it.
pub fn read(address: &Address) -> Result<Vec<u8>, ReadError> {
    blocking(address, async |client, key| {
        let got = exchange(LIKELY, async {
            let found = client.objects().get(key).await?;
            found.bytes().await
        });
        got.await.map(Vec::from)
    })
}

/// Writes the object at `address` into a new file as it comes, however large it is. A file of an object that did not come
/// whole is taken away again.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such object, [`StoreError::File`] when the file cannot be written; else whatever
/// keeps the store from giving it.
pub fn read_into(address: &Address, file: &Path) -> Result<(), ReadError> {
    let done = blocking(address, async |client, key| {
        let found = exchange(0, client.objects().get(key)).await?;
        let mut out = File::create_new(file).map_err(|error| unwritten(file, &error))?;
        let mut parts = found.into_stream();
        loop {
            // Each part has its own time limit: a store that has gone silent is noticed, and a large object may take its time.
            let part = exchange(LIKELY, async { parts.next().await.transpose() }).await?;
            let Some(part) = part else { break };
            out.write_all(&part)
                .map_err(|error| unwritten(file, &error))?;
        }
        Ok(())
    });
    if done.is_err() {
        // It may not be there.
        let _ = std::fs::remove_file(file);
    }
    done
}

fn unwritten(file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::File(format!("cannot write {}: {error}", file.display()))
}

/// The names of the objects in the folder at `address`, not of those in folders below it, in order.
///
/// # Errors
/// Whatever keeps the store from giving them.
pub fn list(address: &Address) -> Result<Vec<String>, ReadError> {
    blocking(address, async |client, key| {
        let prefix = (!key.as_ref().is_empty()).then_some(key);
        let found = exchange(0, client.objects().list_with_delimiter(prefix)).await?;
        let names = found.objects.into_iter();
        let mut names: Vec<String> = names
            .filter_map(|object| object.location.filename().map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    })
}

fn blocking<T>(
    address: &Address,
    work: impl AsyncFnOnce(&Client, &Key) -> Result<T, StoreError>,
) -> Result<T, ReadError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ReadError::Runtime)?;
    let done = runtime.block_on(async {
        let env = Environment::of_process();
        let client = Client::of_address(address, &env)?;
        let key = Key::parse(&address.key).map_err(|error| StoreError::Setup(error.to_string()))?;
        let effort = Effort {
            deadline: &Deadline::after(PATIENCE),
            trouble: &Trouble::default(),
        };
        authenticate(&client, &env, effort).await?;
        // Who waits at a terminal tries again as it seems best.
        work(&client, &key).await
    });
    // A name that is still being resolved is not waited for.
    runtime.shutdown_background();
    done.map_err(|error| {
        ReadError::Store(match error {
            StoreError::Missing(_) => StoreError::Missing(address.to_string()),
            other => other,
        })
    })
}
