//! Uploads to a server on a real socket, which does as stores do, and errs as it is told to.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that panics has failed"
)]

mod claims;
mod credentials;
mod failures;
mod hub;
mod large;
mod server;
mod targets;
mod uploads;
