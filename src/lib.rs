//! `benchctl` renders scenarios of LLM load tests into validated Kubernetes manifests.
//!
//! The core is pure: values come in, documents or problems go out. Files, the terminal and the exit code are the
//! business of [`commands`] alone.

mod causes;
pub mod chart;
pub mod cli;
pub mod commands;
pub mod diagnostics;
pub mod diff;
mod flags;
mod manifests;
pub mod messages;
mod names;
pub mod output;
pub mod pipeline;
pub mod plan;
pub mod problem;
pub mod render;
pub mod scenario;
mod table;
pub mod validate;
pub mod values;
