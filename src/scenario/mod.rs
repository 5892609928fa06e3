//! From merged values to a scenario that can run: after [`resolve`] nothing is optional.

pub mod catalog;
mod complete;
mod config;
mod data;
mod data_keys;
mod engine;
pub mod fit;
mod paths;
pub mod raw;
mod resolve;
mod schema;
mod secrets;
mod storage;
mod suited;

pub(crate) use complete::join;
pub(crate) use resolve::SCENARIOS;
pub use resolve::{Provenance, Resolved, Run, resolve, unknown_scenario};
pub use schema::{values_schema, values_schema_text};
pub(crate) use secrets::{CODE as SECRET, is_secret_variable, secrets};
pub use suited::engine_for;
