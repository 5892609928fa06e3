//! Completions and chats: the choices of an event, of which one is asked for.

use std::borrow::Cow;

use bench_contract::TokenCount;

use super::json::{Choice, Chunk, Text, ToolCall, UsageJson};
use super::{Api, ChunkDecoder, ChunkError, Event, protocol, server_message};

impl ChunkDecoder {
    /// Reads an event of a completion or a chat, or all of one that is no stream.
    pub(super) fn choices(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        is_stream: bool,
    ) -> Result<Event, ChunkError> {
        let chunk: Chunk<'_> =
            serde_json::from_slice(data).map_err(|error| protocol(error, data))?;
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
            return Err(protocol("the reply has no choices", data));
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
                kept.push_str(choice.visible(self.api == Api::Completion));
            }
        }
        let only_text = is_stream
            && chunk.usage.is_none()
            && choice.is_some_and(|choice| !choice.is_finished() && choice.token_ids.is_none())
            && choices.is_some_and(|choices| !choices.more);
        if let (true, Some(Cow::Borrowed(text))) = (only_text, text) {
            self.envelope.set(name, data, text, event.visible);
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
