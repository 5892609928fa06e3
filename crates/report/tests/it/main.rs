//! From records to reports, verdicts, files and tables.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod adding;
mod apis;
mod collecting;
mod comparing;
mod files;
mod gating;
mod judging;
mod killed;
mod made;
mod merging;
mod pages;
mod parts;
mod queues;
mod rebuilding;
mod records;
mod rejudging;
mod repeating;
mod scopes;
mod serving;
mod shares;
mod statistics;
mod tables;
