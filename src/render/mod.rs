//! From a run to the text of its manifests.

mod affinity;
mod conflicts;
mod context;
mod documents;
mod environment;
mod names;
mod own;
mod pod;
mod yaml;

pub use conflicts::conflicts;
pub(crate) use documents::attempt;
pub use documents::{Document, Rendered, render};
pub(crate) use environment::ENDING;
pub use environment::Templates;
pub use own::{Release, render_own};
pub use yaml::to_yaml;
