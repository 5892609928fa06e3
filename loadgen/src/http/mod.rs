//! HTTP/1.1: connections, and pure state machines for what comes over them.

pub mod body;
pub mod connect;
pub mod head;
pub mod once;
pub mod pool;
pub mod stream;
pub mod tls;
