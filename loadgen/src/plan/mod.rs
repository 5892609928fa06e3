//! The plan: when each request is due, how long it is, and which prompt it carries. Pure and seeded.

mod adapters;
pub mod arrivals;
pub mod chat_template;
pub mod lengths;
pub mod prompt;
pub mod prompts;
pub mod random;
pub mod script;
mod stage;
mod stages;
pub mod tokens;
pub mod trace;

pub use adapters::Adapters;
pub use stage::{Planned, Schedule, StagePlan, StageSpec, Until};
pub use stages::stages;
