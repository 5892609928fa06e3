//! HTTP/1.1 as the server needs it: bytes in, requests out; no socket in here.

pub(crate) mod body;
pub(crate) mod head;

/// Longest request head, bytes.
pub(crate) const MAX_HEAD: usize = 64 << 10;
/// Longest request body, bytes.
pub(crate) const MAX_BODY: usize = 64 << 20;
