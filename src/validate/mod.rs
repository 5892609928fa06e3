//! What must hold before anything is printed: values fit their schema, manifests are what an API server takes, and the
//! config is read as it was meant.

mod contract;
pub mod file;
pub mod kubernetes;
mod origin;
mod readings;
mod schema;
mod unknown;

pub use contract::check_config;
pub use origin::located;
pub(crate) use readings::advise;
pub use schema::{Written, check_values};
pub use unknown::unknown_keys;
