//! Where the results of a run go to and are read from: S3 and whatever speaks its API, Google Cloud Storage, Azure; and
//! where tokenizers and data sets come from: the Hugging Face [`hub`].
//!
//! Writing needs the right to put objects and no other: nothing is listed, looked up or deleted. An object that exists is
//! replaced only where the config says so, which the store itself watches over (`If-None-Match: *` and its like), and each
//! upload carries the MD5 of its bytes, so that a store refuses what has changed on the way.
//!
//! The straight line of an upload: [`Target::open`] reads where to and with whose credentials; [`Target::upload`] claims a
//! folder with the first file, which has to tell this run from all others, and puts the others beside it; `put` tells a sure
//! end from one that is not, and `parts` puts large files; `persist` tries again until the [`Deadline`]; `http` sees every
//! exchange, and `StoreError` says what it means to a person.

mod address;
mod body;
mod credentials;
mod deadline;
mod environment;
mod error;
mod http;
pub mod hub;
mod open;
mod parts;
mod persist;
mod put;
mod read;
mod target;

pub use address::{Address, Cloud, NotAnAddress};
pub use deadline::Deadline;
pub use environment::Environment;
pub use error::{Reply, StoreError};
pub use put::Content;
pub use read::{ReadError, list, read, read_into};
pub use target::{Placement, Target, Unusable, Uploaded};
