//! Uploads to a server on a real socket, which does as stores do, and errs as it is told to.

mod failures;
mod server;
mod targets;
mod uploads;
