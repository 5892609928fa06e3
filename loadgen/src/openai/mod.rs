//! OpenAI's API: requests as bytes, replies as events.

pub mod chunk;
pub mod request;
pub mod sse;
