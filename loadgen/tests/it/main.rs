//! `loadgen` as a program, over real sockets, against the simulator: counts and order, never luck with timing.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that panics has failed"
)]

mod bench;
mod ends;
mod faults;
mod front;
mod measures;
mod names;
mod server;
mod tls;
mod tls_ends;
mod wire;
