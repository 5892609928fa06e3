//! OpenAI's Responses API: `/v1/responses`.

use std::borrow::Cow;

use bench_contract::TokenCount;
use serde::Deserialize;

use super::lenient::Lenient;
use super::{ChunkDecoder, ChunkError, Event, Usage, protocol, server_message};

/// An event of a stream.
#[derive(Deserialize)]
struct EventJson<'a> {
    #[serde(default, rename = "type", borrow)]
    kind: Lenient<'a>,
    /// The number that most servers give each event.
    #[serde(default)]
    sequence_number: Option<u64>,
    #[serde(default, borrow)]
    delta: Lenient<'a>,
    #[serde(default, borrow)]
    item: Option<Item<'a>>,
    #[serde(default, borrow)]
    response: Option<Response<'a>>,
}

/// A response: the whole reply, or what an event says of it.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default, borrow)]
    status: Lenient<'a>,
    #[serde(default)]
    error: Option<serde_json::Value>,
    #[serde(default, borrow)]
    output: Option<Vec<Item<'a>>>,
    #[serde(default)]
    usage: Option<UsageJson>,
}

/// A part of the output: a message, reasoning, a call of a tool.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(default, rename = "type", borrow)]
    kind: Lenient<'a>,
    #[serde(default, borrow)]
    name: Lenient<'a>,
    #[serde(default, borrow)]
    arguments: Lenient<'a>,
    #[serde(default, borrow)]
    content: Option<Vec<Part<'a>>>,
    #[serde(default, borrow)]
    summary: Option<Vec<Part<'a>>>,
}

/// A part of a message.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(default, borrow)]
    text: Lenient<'a>,
    #[serde(default, borrow)]
    refusal: Lenient<'a>,
}

#[derive(Deserialize)]
struct UsageJson {
    #[serde(default)]
    input_tokens: Option<TokenCount>,
    #[serde(default)]
    output_tokens: Option<TokenCount>,
    #[serde(default)]
    input_tokens_details: Option<InputDetails>,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<TokenCount>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<TokenCount>,
}

impl Item<'_> {
    fn is_reasoning(&self) -> bool {
        self.kind.text() == "reasoning"
    }

    /// The name of the tool that it calls.
    fn called(&self) -> &str {
        if self.kind.text().ends_with("_call") {
            self.name.text()
        } else {
            ""
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let parts = self.content.iter().chain(&self.summary).flatten();
        parts.flat_map(|part| [part.text.text(), part.refusal.text()])
    }
}

impl ChunkDecoder {
    /// Reads an event of a stream.
    pub(super) fn response_event(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
    ) -> Result<Event, ChunkError> {
        let event: EventJson<'_> =
            serde_json::from_slice(data).map_err(|error| protocol(error, data))?;
        // Some servers leave the type to the name of the event.
        let named = name.and_then(|name| std::str::from_utf8(name).ok());
        let kind = event.kind.0.as_deref().or(named).unwrap_or_default();
        match kind {
            "response.output_text.delta" | "response.refusal.delta" => {
                Ok(self.response_text(name, data, &event, true))
            }
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                Ok(self.response_text(name, data, &event, false))
            }
            "response.function_call_arguments.delta"
            | "response.mcp_call_arguments.delta"
            | "response.custom_tool_call_input.delta"
            | "response.code_interpreter_call_code.delta" => {
                Ok(self.call_event(event.delta.text()))
            }
            "response.output_item.added" => {
                let called = event.item.as_ref().map_or("", Item::called);
                Ok(self.call_event(called))
            }
            "response.completed" | "response.incomplete" => {
                self.done = true;
                if let Some(response) = &event.response {
                    response.must_be_good(data)?;
                    self.count_response(response.usage.as_ref());
                }
                Ok(Event::default())
            }
            "response.failed" | "response.cancelled" | "error" => {
                Err(ChunkError::Server(server_message(data)))
            }
            "" => Err(protocol("the event has no type", data)),
            _ => Ok(Event::default()),
        }
    }

    fn response_text(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        event: &EventJson<'_>,
        visible: bool,
    ) -> Event {
        let Some(text) = &event.delta.0 else {
            return Event::default();
        };
        // Events with numbers are never alike.
        let is_alike = event.sequence_number.is_none() && matches!(text, Cow::Borrowed(_));
        self.text_event(name, data, text, visible, is_alike)
    }

    /// Reads a reply that is no stream.
    pub(super) fn response(&mut self, body: &[u8]) -> Result<Event, ChunkError> {
        let response: Response<'_> =
            serde_json::from_slice(body).map_err(|error| protocol(error, body))?;
        response.must_be_good(body)?;
        let Some(output) = &response.output else {
            return Err(protocol("the reply has no output", body));
        };
        let mut event = Event::default();
        for item in output {
            let (mut said, visible) = (false, !item.is_reasoning());
            for text in item.texts().filter(|text| !text.is_empty()) {
                said = true;
                if let (true, Some(kept)) = (visible, &mut self.kept) {
                    kept.push_str(text);
                }
            }
            said |= !item.called().is_empty() || !item.arguments.text().is_empty();
            event.token |= said;
            event.visible |= said && visible;
        }
        self.count_response(response.usage.as_ref());
        Ok(event)
    }

    fn count_response(&mut self, usage: Option<&UsageJson>) {
        let Some(usage) = usage else { return };
        let input = usage.input_tokens_details.as_ref();
        let output = usage.output_tokens_details.as_ref();
        self.usage = Some(Usage {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            cached_tokens: input.and_then(|details| details.cached_tokens),
            reasoning_tokens: output.and_then(|details| details.reasoning_tokens),
        });
    }
}

impl Response<'_> {
    /// Refuses one that has failed, inside whatever it comes.
    fn must_be_good(&self, data: &[u8]) -> Result<(), ChunkError> {
        let is_error = self.error.as_ref().is_some_and(|error| !error.is_null());
        if is_error || matches!(self.status.text(), "failed" | "cancelled") {
            return Err(ChunkError::Server(server_message(data)));
        }
        Ok(())
    }
}
