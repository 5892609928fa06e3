//! The plan: when each request is due, how long it is, and which prompt it carries. Pure and seeded.

pub mod arrivals;
pub mod chat_template;
pub mod lengths;
pub mod prompt;
pub mod prompts;
pub mod random;
mod stage;
mod stages;
pub mod tokens;
pub mod trace;

pub use stage::{Planned, Schedule, StagePlan, StageSpec, Until};
pub use stages::stages;
