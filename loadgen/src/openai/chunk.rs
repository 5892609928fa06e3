//! What an event of a completion or chat stream says.
//!
//! The events of one stream differ in their text alone. So the bytes before and after the text of the last event that was
//! parsed are kept, and an event with the same bytes around another text needs no parser; every other event gets one.

use std::borrow::Cow;

use bench_contract::TokenCount;
use memchr::memchr2;
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::http::head::sample;

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
    /// The bytes are no JSON object of the API.
    #[error("not an event of the API: {0}")]
    Protocol(String),
    /// The server says that something went wrong, inside a reply of status 200.
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
    envelope: Option<Envelope>,
    usage: Option<Usage>,
    /// The running count so far, where the server sends one with its events.
    running: TokenCount,
    /// A token event has come without a running count: what is counted later is the whole, not an event.
    uncounted: bool,
    done: bool,
    finished: bool,
}

/// The bytes around the text of an event that brought nothing but text.
#[derive(Debug)]
struct Envelope {
    bytes: Vec<u8>,
    before: usize,
    visible: bool,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<UsageJson>,
    #[serde(default)]
    error: Option<serde_json::Value>,
    #[serde(default, borrow)]
    object: Option<Text<'a>>,
    #[serde(default)]
    message: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default, borrow)]
    text: Option<Text<'a>>,
    #[serde(default, borrow, alias = "message")]
    delta: Option<Delta<'a>>,
    #[serde(default, borrow)]
    finish_reason: Option<Text<'a>>,
    #[serde(default)]
    token_ids: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(default, borrow)]
    content: Option<Text<'a>>,
    #[serde(default, borrow)]
    reasoning_content: Option<Text<'a>>,
    #[serde(default, borrow)]
    reasoning: Option<Text<'a>>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct UsageJson {
    #[serde(default)]
    prompt_tokens: Option<TokenCount>,
    #[serde(default)]
    completion_tokens: Option<TokenCount>,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<TokenCount>,
}

impl ChunkDecoder {
    /// A decoder for one reply.
    #[must_use]
    pub fn new(api: Api) -> Self {
        Self {
            api,
            envelope: None,
            usage: None,
            running: 0,
            uncounted: false,
            done: false,
            finished: false,
        }
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
        if let (Some(envelope), None) = (&self.envelope, name)
            && envelope.holds(data)
        {
            self.uncounted = true;
            return Ok(Event {
                token: true,
                visible: envelope.visible,
                tokens: 0,
            });
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

    /// Reads a reply that is no stream.
    ///
    /// # Errors
    /// [`ChunkError`]: the reply has failed.
    pub fn whole(&mut self, body: &[u8]) -> Result<Event, ChunkError> {
        self.done = true;
        self.object(body, false)
    }

    fn object(&mut self, data: &[u8], is_stream: bool) -> Result<Event, ChunkError> {
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
        let mut event = Event::default();
        let choice = chunk.choices.iter().flatten().next();
        let mut text = None;
        if let Some(choice) = choice {
            let (found, visible) = self.text(choice);
            text = found.filter(|text| !text.is_empty());
            let called = choice
                .delta
                .iter()
                .flat_map(|delta| &delta.tool_calls)
                .flatten()
                .any(ToolCall::says_something);
            event.token = text.is_some() || called;
            event.visible = event.token && (visible || called);
            event.tokens = choice
                .token_ids
                .as_ref()
                .map_or(0, |ids| TokenCount::try_from(ids.len()).unwrap_or(0));
            self.finished |= choice.finish_reason.is_some();
        }
        let only_text = is_stream
            && chunk.usage.is_none()
            && choice
                .is_some_and(|choice| choice.finish_reason.is_none() && choice.token_ids.is_none())
            && chunk
                .choices
                .as_ref()
                .is_some_and(|choices| choices.len() == 1);
        if let (true, Some(Cow::Borrowed(text))) = (only_text, text) {
            self.envelope = Envelope::around(data, text, event.visible).or(self.envelope.take());
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
        let Some(delta) = &choice.delta else {
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
        let Some(total) = usage.completion_tokens else {
            return;
        };
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

impl ToolCall {
    fn says_something(&self) -> bool {
        let some = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        self.function
            .as_ref()
            .is_some_and(|function| some(&function.name) || some(&function.arguments))
    }
}

impl Envelope {
    /// The bytes of `data` around `text`, which is a part of it.
    fn around(data: &[u8], text: &str, visible: bool) -> Option<Self> {
        let before = (text.as_ptr() as usize).checked_sub(data.as_ptr() as usize)?;
        let after = data.get(before + text.len()..)?;
        let bytes = [data.get(..before)?, after].concat();
        Some(Self {
            bytes,
            before,
            visible,
        })
    }

    /// Whether `data` is this envelope around another text that is not empty and has nothing to be unescaped.
    fn holds(&self, data: &[u8]) -> bool {
        let (before, after) = self.bytes.split_at(self.before);
        let Some(middle) = data
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
        else {
            return false;
        };
        // A quote would end the text, and what follows could be anything; a backslash needs the parser.
        !middle.is_empty() && memchr2(b'"', b'\\', middle).is_none()
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
