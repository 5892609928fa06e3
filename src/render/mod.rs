//! From a run to the text of its manifests.

mod affinity;
mod context;
mod documents;
mod environment;
mod names;
mod pod;
mod yaml;

pub use documents::{Document, Rendered, render};
pub use yaml::to_yaml;
