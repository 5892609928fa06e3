//! The integration tests of `benchctl`, in one binary: everything through the real command line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod examples;
mod golden;
mod process;
mod purity;
mod readme;
mod robust;
mod schemas;
mod surface;
mod together;
mod words;
mod writing;
mod yaml_versions;
