//! The integration tests of `benchctl`, in one binary: everything through the real command line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod charts;
mod examples;
mod golden;
mod messages;
mod process;
mod purity;
mod random;
mod readme;
mod reports;
mod robust;
mod schemas;
mod starters;
mod stored;
mod surface;
mod together;
mod words;
mod writing;
mod yaml11;
mod yaml_versions;
