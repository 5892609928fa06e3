//! An OpenAI-compatible server whose timing is known: the truth that a load generator is measured against.
//!
//! Token k of a reply is written at `start + ttft + (k - 1) * itl`, every instant taken from one absolute schedule per
//! request, so that no error adds up. `start` is the instant at which the whole request had been read, or at which it left
//! the queue. What the server really did, and when, can be read in [`Sim::stats`] and in the log of `--truth`.
//!
//! The crate shares no code with the load generator, so that one bug cannot cancel itself. Each worker thread runs a bare
//! epoll loop with one heap of deadlines; nothing in it sleeps, and nothing in it waits for a client.

mod alarm;
mod answer;
mod args;
mod clock;
mod connection;
mod delivery;
mod draw;
mod duration;
mod faults;
mod generation;
mod histogram;
mod http;
mod listener;
mod metrics;
mod prefix;
mod queue;
mod reply;
mod request;
mod routes;
mod schedule;
mod shared;
mod sim;
mod sse;
mod stats;
mod timers;
mod tokenize;
mod tokens;
mod truth;
mod worker;

pub use args::SimArgs;
pub use draw::{Shape, Spread};
pub use faults::FaultCounts;
pub use sim::{Sim, run};
pub use stats::{Lateness, SimStats};
