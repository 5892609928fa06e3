//! `loadgen` as a program, over real sockets, against the simulator: counts and order, never luck with timing.

mod bench;
mod ends;
mod faults;
mod measures;
mod wire;
