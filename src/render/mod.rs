//! From a run to the text of its manifests.

mod affinity;
mod context;
mod documents;
mod environment;
mod names;
mod own;
mod pod;
mod yaml;

pub use documents::{Document, Rendered, render};
pub use environment::Templates;
pub use own::{Release, render_own};
pub use yaml::to_yaml;
