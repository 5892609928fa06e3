//! What an event of a completion or chat stream says.
//!
//! The events of one stream differ in their text alone. So the bytes before and after the text of the last event that was
//! parsed are kept, and an event with the same bytes around another text needs no parser; every other event gets one.

mod envelope;
mod json;

use std::borrow::Cow;

use bench_contract::TokenCount;
use thiserror::Error;

use crate::http::head::sample;
use envelope::{Envelope, Middle};
use json::{Choice, Chunk, Text, ToolCall, UsageJson};

/// Which API a reply speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `/v1/completions`.
    Completion,
    /// `/v1/chat/completions`.
    Chat,
}

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
    /// The generated text, where it is wanted.
    kept: Option<String>,
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
        }
    }

    /// The same decoder, keeping all generated text (reasoning, content, arguments of tools) for [`take_text`](Self::take_text).
    #[must_use]
    pub fn keeping_text(mut self) -> Self {
        self.kept = Some(String::new());
        self
    }

    /// The text generated since the last call, in the order in which it came. Empty unless it is [kept](Self::keeping_text).
    pub fn take_text(&mut self) -> String {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The last usage that the server sent.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether `[DONE]` has come, or all of a reply that is no stream: nothing more is missing.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the reply is complete: `[DONE]`, or a choice that says why it finished.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.done || self.finished
    }

    /// Reads the data of one event; `name` is its `event` field.
    ///
    /// # Errors
    /// [`ChunkError`]: the reply has failed.
    pub fn event(&mut self, name: Option<&[u8]>, data: &[u8]) -> Result<Event, ChunkError> {
        if name.is_none()
            && let Some(middle) = self.envelope.open(data)
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
        self.object(data, true)
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
        self.object(body, false)
    }

    /// Keeps the text of an event that the parser has not seen; false where only the parser can give it.
    fn keep_middle(&mut self, middle: Middle<'_>) -> bool {
        match (&mut self.kept, middle) {
            (None, _) => true,
            (Some(kept), Middle::Plain(text)) => std::str::from_utf8(text)
                .map(|text| kept.push_str(text))
                .is_ok(),
            (Some(_), Middle::Escaped) => false,
        }
    }

    fn object(&mut self, data: &[u8], is_stream: bool) -> Result<Event, ChunkError> {
        // serde takes an array for the fields in their order.
        if data.trim_ascii_start().first() != Some(&b'{') {
            let message = format!("not a JSON object: {}", sample(data));
            return Err(ChunkError::Protocol(message));
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data)
            .map_err(|error| ChunkError::Protocol(format!("{error}: {}", sample(data))))?;
        let is_error = chunk
            .object
            .as_ref()
            .is_some_and(|object| object.0 == "error");
        if chunk.error.as_ref().is_some_and(|error| !error.is_null()) || is_error {
            return Err(ChunkError::Server(server_message(data)));
        }
        if chunk.choices.is_none() && chunk.usage.is_none() && chunk.message.is_some() {
            return Err(ChunkError::Server(server_message(data)));
        }
        let choices = chunk.choices.as_ref();
        let choice = choices.and_then(|choices| choices.first.as_ref());
        if !is_stream && choice.is_none() {
            let message = format!("the reply has no choices: {}", sample(data));
            return Err(ChunkError::Protocol(message));
        }
        let mut event = Event::default();
        let mut text = None;
        if let Some(choice) = choice {
            let (found, visible) = self.text(choice);
            text = found.filter(|text| !text.is_empty());
            let called = choice
                .said()
                .into_iter()
                .flat_map(|delta| &delta.tool_calls)
                .flatten()
                .any(ToolCall::says_something);
            event.token = text.is_some() || called;
            event.visible = event.token && (visible || called);
            event.tokens = choice
                .token_ids
                .as_ref()
                .map_or(0, |ids| TokenCount::try_from(ids.len()).unwrap_or(0));
            self.finished |= choice.is_finished();
            if let Some(kept) = &mut self.kept {
                choice.text_into(self.api == Api::Completion, kept);
            }
        }
        let only_text = is_stream
            && chunk.usage.is_none()
            && choice.is_some_and(|choice| !choice.is_finished() && choice.token_ids.is_none())
            && choices.is_some_and(|choices| !choices.more);
        if let (true, Some(Cow::Borrowed(text))) = (only_text, text) {
            self.envelope.set(data, text, event.visible);
        }
        match chunk.usage {
            Some(usage) => self.count(&usage, is_stream, choice.is_some(), &mut event),
            None => self.uncounted |= event.token,
        }
        Ok(event)
    }

    /// The text of a choice, and whether it is visible.
    fn text<'c, 'd>(&self, choice: &'c Choice<'d>) -> (Option<&'c Cow<'d, str>>, bool) {
        let some = |text: &'c Option<Text<'d>>| {
            text.as_ref()
                .map(|text| &text.0)
                .filter(|text| !text.is_empty())
        };
        if self.api == Api::Completion {
            return (some(&choice.text), true);
        }
        let Some(delta) = choice.said() else {
            return (None, true);
        };
        match some(&delta.content) {
            Some(content) => (Some(content), true),
            None => (
                some(&delta.reasoning_content).or_else(|| some(&delta.reasoning)),
                false,
            ),
        }
    }

    fn count(&mut self, usage: &UsageJson, is_stream: bool, has_choice: bool, event: &mut Event) {
        let known = self.usage.get_or_insert_default();
        known.prompt_tokens = usage.prompt_tokens.or(known.prompt_tokens);
        known.completion_tokens = usage.completion_tokens.or(known.completion_tokens);
        let cached = usage
            .prompt_tokens_details
            .as_ref()
            .and_then(|details| details.cached_tokens);
        known.cached_tokens = cached.or(known.cached_tokens);
        let reasoning = usage
            .completion_tokens_details
            .as_ref()
            .and_then(|details| details.reasoning_tokens);
        known.reasoning_tokens = reasoning.or(known.reasoning_tokens);
        let total = usage.completion_tokens.unwrap_or_default();
        if total == 0 {
            // Text without a count: what is counted here does not run along.
            self.uncounted |= event.token;
            return;
        }
        // A count that runs along from the first token event says what each event brought; one that comes at the end is the
        // whole.
        let raised = total.saturating_sub(self.running);
        if is_stream && raised > 0 && !self.uncounted && (has_choice || self.running > 0) {
            event.visible |= !event.token;
            event.token = true;
            event.tokens = raised;
            self.running = total;
        }
    }
}

/// The message of an error object, in whatever form it comes.
pub fn server_message(data: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    let error = value.get("error").unwrap_or(&value);
    let message = error.get("message").unwrap_or(error);
    message
        .as_str()
        .map_or_else(|| sample(data), |text| sample(text.as_bytes()))
}

#[cfg(test)]
mod tests;
