//! What is kept of each request.

pub mod journal;
