//! The APIs of inference servers, OpenAI's and Anthropic's: requests as bytes, replies as events.

pub mod chunk;
pub mod dialect;
pub mod head;
pub mod request;
pub mod sse;
