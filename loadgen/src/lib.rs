//! `loadgen`: an open-loop, streaming load generator for OpenAI-compatible LLM servers.
//!
//! The straight line of a run: [`config`] is read and checked; [`plan`] says when each request is due, how long it is and
//! which prompt it carries; [`engine`] starts each at its time and stamps what comes back; `bench-report` turns the records
//! into a report and a verdict; [`output`] writes it.

pub mod affinity;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod data;
pub mod engine;
pub mod eventloop;
pub mod health;
pub mod http;
pub mod metrics;
pub mod openai;
pub mod output;
pub mod plan;
pub mod progress;
pub mod ready;
pub mod record;
pub mod run;
pub mod run_id;
pub mod scrape;
pub mod selftest;
pub mod tokenize;
pub mod trace;
pub mod workload;

/// Prints a line for people on stderr; stdout carries data only. A closed stderr is no reason to stop a run.
pub fn notice(line: &str) {
    use std::io::Write;
    progress::aside(|| {
        let _ = writeln!(std::io::stderr(), "{line}");
    });
}
