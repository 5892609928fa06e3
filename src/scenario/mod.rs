//! From merged values to a scenario that can run: after [`resolve`] nothing is optional.

pub mod catalog;
mod complete;
mod config;
mod engine;
pub mod fit;
mod paths;
pub mod raw;
mod resolve;
mod schema;
mod secrets;

pub(crate) use complete::join;
pub use resolve::{Provenance, Resolved, Run, resolve, unknown_scenario};
pub use schema::{values_schema, values_schema_text};
pub(crate) use secrets::{CODE as SECRET, secrets};
