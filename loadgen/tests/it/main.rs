//! `loadgen` as a program, over real sockets, against the simulator: counts and order, never luck with timing.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that panics has failed"
)]

mod apis;
mod bench;
mod connections;
mod data;
mod endless;
mod ends;
mod faults;
mod front;
mod limits;
mod loads;
mod measures;
mod names;
mod prompts;
mod ready;
mod rebuild;
mod scraped;
mod selftest;
mod server;
#[path = "../../../crates/store/tests/it/server.rs"]
#[allow(
    dead_code,
    reason = "not all of what goes wrong with a store is tried here"
)]
mod store;
mod tls;
mod tls_ends;
mod traces;
mod unbegun;
mod uploads;
mod watched;
mod wire;
