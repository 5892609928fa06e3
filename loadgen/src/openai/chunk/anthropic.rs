//! Anthropic's Messages API: `/v1/messages`.

use std::borrow::Cow;

use bench_contract::TokenCount;
use serde::Deserialize;

use super::lenient::Lenient;
use super::{ChunkDecoder, ChunkError, Event, protocol, server_message};

/// An event of a stream.
#[derive(Deserialize)]
struct EventJson<'a> {
    #[serde(default, rename = "type", borrow)]
    kind: Lenient<'a>,
    #[serde(default, borrow)]
    delta: Option<Block<'a>>,
    #[serde(default, borrow)]
    content_block: Option<Block<'a>>,
    #[serde(default, borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    usage: Option<UsageJson>,
}

/// A message: the whole reply, or what its first event says of it.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default, rename = "type", borrow)]
    kind: Lenient<'a>,
    #[serde(default)]
    error: Option<serde_json::Value>,
    #[serde(default, borrow)]
    content: Option<Vec<Block<'a>>>,
    #[serde(default)]
    usage: Option<UsageJson>,
}

/// A block of content, or what is added to one; at the end, why the message ended.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(default, borrow)]
    text: Lenient<'a>,
    #[serde(default, borrow)]
    thinking: Lenient<'a>,
    #[serde(default, borrow)]
    partial_json: Lenient<'a>,
    /// Of a tool.
    #[serde(default, borrow)]
    name: Lenient<'a>,
    #[serde(default, borrow)]
    stop_reason: Lenient<'a>,
}

/// Counts so far, not of the event.
#[derive(Deserialize)]
struct UsageJson {
    #[serde(default)]
    input_tokens: Option<TokenCount>,
    #[serde(default)]
    cache_read_input_tokens: Option<TokenCount>,
    #[serde(default)]
    cache_creation_input_tokens: Option<TokenCount>,
    #[serde(default)]
    output_tokens: Option<TokenCount>,
}

/// A prompt as it is counted: what was read from the cache and what was written to it stand apart from the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Input {
    rest: Option<TokenCount>,
    read: Option<TokenCount>,
    written: Option<TokenCount>,
}

impl ChunkDecoder {
    /// Reads an event of a stream.
    pub(super) fn message_event(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
    ) -> Result<Event, ChunkError> {
        let event: EventJson<'_> =
            serde_json::from_slice(data).map_err(|error| protocol(error, data))?;
        let named = name.and_then(|name| std::str::from_utf8(name).ok());
        let kind = event.kind.0.as_deref().or(named).unwrap_or_default();
        match kind {
            "content_block_delta" => Ok(self.block(name, data, event.delta.as_ref(), true)),
            "content_block_start" => {
                Ok(self.block(name, data, event.content_block.as_ref(), false))
            }
            "message_start" => {
                let usage = event.message.and_then(|message| message.usage);
                self.count_input(usage.as_ref());
                Ok(Event::default())
            }
            "message_delta" => {
                let reason = event.delta.as_ref().map(|delta| delta.stop_reason.text());
                self.finished |= reason.is_some_and(|reason| !reason.is_empty());
                self.count_message(event.usage.as_ref());
                Ok(Event::default())
            }
            "message_stop" => {
                self.done = true;
                Ok(Event::default())
            }
            "error" => Err(ChunkError::Server(server_message(data))),
            "" => Err(protocol("the event has no type", data)),
            _ => Ok(Event::default()),
        }
    }

    /// A block that begins, or goes on.
    fn block(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        block: Option<&Block<'_>>,
        is_delta: bool,
    ) -> Event {
        let Some(block) = block else {
            return Event::default();
        };
        for (text, visible) in [(&block.text, true), (&block.thinking, false)] {
            if let Some(text) = text.0.as_ref().filter(|text| !text.is_empty()) {
                let is_alike = is_delta && matches!(text, Cow::Borrowed(_));
                return self.text_event(name, data, text, visible, is_alike);
            }
        }
        let called = [block.partial_json.text(), block.name.text()];
        self.call_event(
            called
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or(""),
        )
    }

    /// Reads a reply that is no stream.
    pub(super) fn message(&mut self, body: &[u8]) -> Result<Event, ChunkError> {
        let message: Message<'_> =
            serde_json::from_slice(body).map_err(|error| protocol(error, body))?;
        let is_error = message.error.as_ref().is_some_and(|error| !error.is_null());
        if is_error || message.kind.text() == "error" {
            return Err(ChunkError::Server(server_message(body)));
        }
        let Some(content) = &message.content else {
            return Err(protocol("the reply has no content", body));
        };
        let mut event = Event::default();
        for block in content {
            let is_visible = !block.text.text().is_empty() || !block.name.text().is_empty();
            event.token |= is_visible || !block.thinking.text().is_empty();
            event.visible |= is_visible;
            if let Some(kept) = &mut self.kept {
                kept.push_str(block.text.text());
            }
        }
        self.count_message(message.usage.as_ref());
        Ok(event)
    }

    /// What the first event says of the reply's length is no count of it.
    fn count_input(&mut self, usage: Option<&UsageJson>) {
        let Some(usage) = usage else { return };
        let input = &mut self.input;
        input.rest = usage.input_tokens.or(input.rest);
        input.read = usage.cache_read_input_tokens.or(input.read);
        input.written = usage.cache_creation_input_tokens.or(input.written);
        let parts = [input.rest, input.read, input.written];
        let known = self.usage.get_or_insert_default();
        if parts.iter().any(Option::is_some) {
            let sum = |sum: TokenCount, part: &TokenCount| sum.saturating_add(*part);
            known.prompt_tokens = Some(parts.iter().flatten().fold(0, sum));
        }
        known.cached_tokens = input.read;
    }

    fn count_message(&mut self, usage: Option<&UsageJson>) {
        self.count_input(usage);
        if let (Some(usage), Some(known)) = (usage, &mut self.usage) {
            known.completion_tokens = usage.output_tokens.or(known.completion_tokens);
        }
    }
}
