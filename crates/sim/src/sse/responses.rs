//! OpenAI's Responses API. The output is a list of items: reasoning, where there is any, and a message.

use std::io::Write as _;

use serde_json::{Value, json};

use super::{Stream, push_text};

/// One of the items of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Reasoning,
    Message,
}

impl Stream {
    pub(super) fn response_begins(&self, out: &mut Vec<u8>) {
        for name in ["response.created", "response.in_progress"] {
            let response = self.response("in_progress", &json!([]));
            self.numbered(out, name, json!({"response": response}));
        }
    }

    pub(super) fn response_tokens(
        &self,
        out: &mut Vec<u8>,
        from: u32,
        count: u32,
        is_last: bool,
    ) -> u32 {
        let upto = from + count;
        let border = self.options.reasoning_tokens;
        let mut events = 0;
        if from < border {
            if from == 0 {
                self.item_begins(out, Item::Reasoning);
            }
            self.delta(out, Item::Reasoning, from, border.min(upto));
            events += 1;
            if upto >= border || is_last {
                self.item_ends(out, Item::Reasoning, border.min(upto));
            }
        }
        if upto > border {
            if from <= border {
                self.item_begins(out, Item::Message);
            }
            self.delta(out, Item::Message, from.max(border), upto);
            events += 1;
            if is_last {
                self.item_ends(out, Item::Message, upto);
            }
        }
        events
    }

    pub(super) fn response_ends(&self, out: &mut Vec<u8>, n: u32, finish: &str, usage: bool) {
        let name = if finish == "stop" {
            "response.completed"
        } else {
            "response.incomplete"
        };
        let response = self.whole_response(n, finish, usage);
        self.numbered(out, name, json!({"response": response}));
    }

    pub(super) fn response_fails(&self, out: &mut Vec<u8>, why: &str) {
        let mut response = self.response("failed", &json!([]));
        response["error"] = json!({"code": "server_error", "message": why});
        self.numbered(out, "response.failed", json!({"response": response}));
    }

    /// The body of a reply that is not streamed.
    pub(super) fn whole_response(&self, n: u32, finish: &str, usage: bool) -> Value {
        let reasoning = self.reasoning(n);
        let mut output = Vec::new();
        if reasoning > 0 {
            output.push(self.item(Item::Reasoning, Some(reasoning)));
        }
        if n > reasoning || reasoning == 0 {
            output.push(self.item(Item::Message, Some(n)));
        }
        let is_complete = finish == "stop";
        let status = if is_complete {
            "completed"
        } else {
            "incomplete"
        };
        let mut response = self.response(status, &output.into());
        if !is_complete {
            response["incomplete_details"] = json!({"reason": "max_output_tokens"});
        }
        if usage {
            let prompt = self.options.prompt_tokens;
            response["usage"] = json!({
                "input_tokens": prompt,
                "input_tokens_details": {"cached_tokens": self.options.cached_tokens.unwrap_or(0)},
                "output_tokens": n, "output_tokens_details": {"reasoning_tokens": reasoning},
                "total_tokens": u64::from(prompt) + u64::from(n),
            });
        }
        response
    }

    fn response(&self, status: &str, output: &Value) -> Value {
        json!({
            "id": format!("resp_sim-{:012}", self.index), "object": "response", "created_at": self.created,
            "status": status, "error": null, "incomplete_details": null, "instructions": null, "metadata": null,
            "model": self.model, "output": output, "parallel_tool_calls": true, "previous_response_id": null,
            "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled", "usage": null,
        })
    }

    fn item_id(&self, item: Item) -> String {
        let kind = match item {
            Item::Reasoning => "rs",
            Item::Message => "msg",
        };
        format!("{kind}_sim-{:012}", self.index)
    }

    /// The place of an item in the output.
    fn place(&self, item: Item) -> u32 {
        u32::from(item == Item::Message && self.options.reasoning_tokens > 0)
    }

    /// An item with its tokens up to `upto`; without any while it is in progress.
    fn item(&self, item: Item, upto: Option<u32>) -> Value {
        let status = if upto.is_some() {
            "completed"
        } else {
            "in_progress"
        };
        let content: Vec<Value> = upto.map(|upto| self.part(item, upto)).into_iter().collect();
        let id = self.item_id(item);
        match item {
            Item::Reasoning => {
                json!({"id": id, "type": "reasoning", "summary": [], "content": content, "status": status})
            }
            Item::Message => {
                json!({"id": id, "type": "message", "role": "assistant", "content": content, "status": status})
            }
        }
    }

    fn part(&self, item: Item, upto: u32) -> Value {
        match item {
            Item::Reasoning => json!({"type": "reasoning_text", "text": self.text(0, upto)}),
            Item::Message => {
                let text = self.text(self.reasoning(upto), upto);
                json!({"type": "output_text", "text": text, "annotations": [], "logprobs": null})
            }
        }
    }

    fn item_begins(&self, out: &mut Vec<u8>, item: Item) {
        let (place, id) = (self.place(item), self.item_id(item));
        let added = json!({"output_index": place, "item": self.item(item, None)});
        self.numbered(out, "response.output_item.added", added);
        let name = match item {
            Item::Reasoning => "response.reasoning_part.added",
            Item::Message => "response.content_part.added",
        };
        let mut part = self.part(item, 0);
        part["text"] = "".into();
        self.numbered(
            out,
            name,
            json!({"output_index": place, "item_id": id, "content_index": 0, "part": part}),
        );
    }

    fn item_ends(&self, out: &mut Vec<u8>, item: Item, upto: u32) {
        let (place, id) = (self.place(item), self.item_id(item));
        let part = self.part(item, upto);
        let (text, done) = match item {
            Item::Reasoning => (
                "response.reasoning_text.done",
                "response.reasoning_part.done",
            ),
            Item::Message => ("response.output_text.done", "response.content_part.done"),
        };
        self.numbered(
            out,
            text,
            json!({"output_index": place, "item_id": id, "content_index": 0, "text": part["text"]}),
        );
        self.numbered(
            out,
            done,
            json!({"output_index": place, "item_id": id, "content_index": 0, "part": part}),
        );
        let done = json!({"output_index": place, "item": self.item(item, Some(upto))});
        self.numbered(out, "response.output_item.done", done);
    }

    /// Tokens of an item. Words need no escaping, so that there is nothing to serialise.
    fn delta(&self, out: &mut Vec<u8>, item: Item, from: u32, upto: u32) {
        let (name, more) = match item {
            Item::Reasoning => ("response.reasoning_text.delta", ""),
            Item::Message => ("response.output_text.delta", ",\"logprobs\":[]"),
        };
        let (place, id, number) = (self.place(item), self.item_id(item), self.next_number());
        self.event(out, Some(name), |out| {
            out.extend_from_slice(b"{\"content_index\":0,\"delta\":\"");
            push_text(out, self.index, from, upto);
            // Writing to memory cannot fail.
            let _ = write!(
                out,
                "\",\"item_id\":\"{id}\"{more},\"output_index\":{place},\"sequence_number\":{number},\"type\":\"{name}\"}}"
            );
        });
    }

    fn next_number(&self) -> u32 {
        self.number.replace(self.number.get() + 1)
    }

    /// An event with its type and number.
    fn numbered(&self, out: &mut Vec<u8>, name: &str, mut event: Value) {
        event["sequence_number"] = self.next_number().into();
        event["type"] = name.into();
        self.json(out, name, &event);
    }
}
