//! The plan: when each request is due, how long it is, and which prompt it carries. Pure and seeded.

pub mod arrivals;
pub mod lengths;
pub mod prompts;
pub mod random;
mod stage;
pub mod tokens;

pub use stage::{Planned, StagePlan, StageSpec, stages};
