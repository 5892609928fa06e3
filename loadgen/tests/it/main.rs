//! `loadgen` as a program, over real sockets, against the simulator: counts and order, never luck with timing.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that panics has failed"
)]

mod bench;
mod connections;
mod endless;
mod ends;
mod faults;
mod front;
mod limits;
mod loads;
mod measures;
mod names;
mod ready;
mod rebuild;
mod selftest;
mod server;
mod tls;
mod tls_ends;
mod traces;
mod watched;
mod wire;
