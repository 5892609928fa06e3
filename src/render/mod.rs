//! From a run to the text of its manifests.

mod affinity;
mod conflicts;
mod context;
mod documents;
mod environment;
mod names;
mod pod;
mod yaml;

pub use conflicts::conflicts;
pub use documents::{Document, Rendered, render};
pub use yaml::to_yaml;
