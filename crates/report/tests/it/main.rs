//! From records to reports, verdicts, files and tables.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod collecting;
mod comparing;
mod files;
mod judging;
mod made;
mod merging;
mod pages;
mod queues;
mod rebuilding;
mod records;
mod rejudging;
mod serving;
mod statistics;
mod tables;
