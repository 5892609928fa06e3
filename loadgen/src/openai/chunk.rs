//! What an event of a stream says, and a reply that is no stream.
//!
//! The events of one stream differ in their text alone. So the bytes before and after the text of the last event that was
//! parsed are kept, and an event with the same bytes around another text needs no parser; every other event gets one. Each API
//! has a file for what its events are; those of the Responses API are numbered, so that no two are alike.

mod anthropic;
mod choices;
mod embeddings;
mod envelope;
mod json;
mod lenient;
mod responses;

use bench_contract::TokenCount;
pub use bench_contract::config::ApiType as Api;
use thiserror::Error;

use crate::http::head::sample;
use envelope::{Envelope, Middle};

/// Why a reply is not a good one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// The bytes are no JSON object of the API: the path is another API's, or a proxy answers. Look at the sample.
    #[error("not an event of the API: {0}")]
    Protocol(String),
    /// The server says that something went wrong, inside a reply of status 200. Its log says more.
    #[error("{0}")]
    Server(String),
}

/// What the server counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: Option<TokenCount>,
    /// Tokens of the reply.
    pub completion_tokens: Option<TokenCount>,
    /// Tokens of the prompt that were in the server's cache.
    pub cached_tokens: Option<TokenCount>,
    /// Tokens of the reply that are reasoning.
    pub reasoning_tokens: Option<TokenCount>,
}

/// What one event brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Whether it is a token event: non-empty content, reasoning or tool-call text, or a higher running count.
    pub token: bool,
    /// Whether what it brought is visible: not reasoning.
    pub visible: bool,
    /// How many tokens it brought, where the server says so; else 0.
    pub tokens: TokenCount,
}

/// Reads the events of one stream, or a reply that is no stream.
#[derive(Debug)]
pub struct ChunkDecoder {
    api: Api,
    envelope: Envelope,
    usage: Option<Usage>,
    /// The running count so far, where the server sends one with its events.
    running: TokenCount,
    /// A token event has come without a running count: what is counted later is the whole, not an event.
    uncounted: bool,
    done: bool,
    finished: bool,
    /// The visible text, where it is wanted.
    kept: Option<String>,
    /// What Anthropic's API counts of a prompt, part by part.
    input: anthropic::Input,
}

impl ChunkDecoder {
    /// A decoder for one reply.
    #[must_use]
    pub fn new(api: Api) -> Self {
        Self {
            api,
            envelope: Envelope::default(),
            usage: None,
            running: 0,
            uncounted: false,
            done: false,
            finished: false,
            kept: None,
            input: anthropic::Input::default(),
        }
    }

    /// The same decoder, keeping the visible text for [`take_text`](Self::take_text): neither reasoning nor calls of tools.
    #[must_use]
    pub fn keeping_text(mut self) -> Self {
        self.kept = Some(String::new());
        self
    }

    /// The text that came since the last call; `None` unless it is [kept](Self::keeping_text).
    pub fn take_text(&mut self) -> Option<String> {
        self.kept.as_mut().map(std::mem::take)
    }

    /// The last usage that the server sent.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether the API's last event has come, or all of a reply that is no stream: nothing more is missing.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the reply is complete: its last event, or one that says why it finished.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.done || self.finished
    }

    /// Reads the data of one event; `name` is its `event` field.
    ///
    /// # Errors
    /// [`ChunkError`]: the reply has failed.
    pub fn event(&mut self, name: Option<&[u8]>, data: &[u8]) -> Result<Event, ChunkError> {
        if let Some(middle) = self.envelope.open(name, data)
            && self.keep_middle(middle)
        {
            return Ok(self.enveloped());
        }
        if data == b"[DONE]" {
            self.done = true;
            return Ok(Event::default());
        }
        if name == Some(b"error") {
            return Err(ChunkError::Server(server_message(data)));
        }
        must_be_object(data)?;
        match self.api {
            Api::Completion | Api::Chat | Api::Embeddings => self.choices(name, data, true),
            Api::Responses => self.response_event(name, data),
            Api::AnthropicMessages => self.message_event(name, data),
        }
    }

    /// Reads `bytes` of a stream if they are one event that differs from the last one in its text alone. None where only a
    /// [`Framer`](crate::openai::sse::Framer) and [`event`](Self::event) can tell what they are; what is found here, they would
    /// find too.
    pub fn known_event(&mut self, bytes: &[u8]) -> Option<Event> {
        let middle = self.envelope.open_framed(bytes)?;
        self.keep_middle(middle).then(|| self.enveloped())
    }

    /// A token event without a count, in the envelope of the last one.
    fn enveloped(&mut self) -> Event {
        self.uncounted = true;
        Event {
            token: true,
            visible: self.envelope.visible,
            tokens: 0,
        }
    }

    /// Reads a reply that is no stream.
    ///
    /// # Errors
    /// [`ChunkError`]: the reply has failed.
    pub fn whole(&mut self, body: &[u8]) -> Result<Event, ChunkError> {
        self.done = true;
        must_be_object(body)?;
        match self.api {
            Api::Completion | Api::Chat => self.choices(None, body, false),
            Api::Responses => self.response(body),
            Api::AnthropicMessages => self.message(body),
            Api::Embeddings => self.embeddings(body),
        }
    }

    /// A token event that brought `text`. Where `is_alike`, the text is a part of `data`, and nothing else tells the event from
    /// the next one.
    fn text_event(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        text: &str,
        visible: bool,
        is_alike: bool,
    ) -> Event {
        if text.is_empty() {
            return Event::default();
        }
        if visible && let Some(kept) = &mut self.kept {
            kept.push_str(text);
        }
        if is_alike {
            self.envelope.set(name, data, text, visible);
        }
        self.uncounted = true;
        Event {
            token: true,
            visible,
            tokens: 0,
        }
    }

    /// A token event that brought a part of a call of a tool.
    fn call_event(&mut self, text: &str) -> Event {
        let token = !text.is_empty();
        self.uncounted |= token;
        Event {
            token,
            visible: token,
            tokens: 0,
        }
    }

    /// Keeps the text of an event that the parser has not seen; false where only the parser can give it.
    fn keep_middle(&mut self, middle: Middle<'_>) -> bool {
        match (&mut self.kept, middle) {
            (None, _) => true,
            (Some(_), _) if !self.envelope.visible => true,
            (Some(kept), Middle::Plain(text)) => std::str::from_utf8(text)
                .map(|text| kept.push_str(text))
                .is_ok(),
            (Some(_), Middle::Escaped) => false,
        }
    }
}

/// serde would take an array for the fields in their order.
fn must_be_object(data: &[u8]) -> Result<(), ChunkError> {
    if data.trim_ascii_start().first() == Some(&b'{') {
        return Ok(());
    }
    Err(protocol("not a JSON object", data))
}

/// What is wrong with bytes of the server.
fn protocol(what: impl std::fmt::Display, data: &[u8]) -> ChunkError {
    ChunkError::Protocol(format!("{what}: {}", sample(data)))
}

/// The message of an error object, in whatever form it comes.
pub fn server_message(data: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    let inner = value.get("response").unwrap_or(&value);
    let error = inner.get("error").unwrap_or(inner);
    let message = error.get("message").unwrap_or(error);
    message
        .as_str()
        .map_or_else(|| sample(data), |text| sample(text.as_bytes()))
}

#[cfg(test)]
mod tests;
