//! The JSON body of a request, as far as it matters to timing and length.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Most tokens that one reply may have.
const MAX_TOKENS: u64 = 10_000_000;
/// Length of a reply to a completion request that does not say (the API's own default).
const DEFAULT_COMPLETION_TOKENS: u64 = 16;
/// Length of a reply to a chat request that does not say.
const DEFAULT_CHAT_TOKENS: u64 = 128;

/// The kinds of request that take time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Completion,
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// A prompt goes in, a vector comes out.
    Embeddings,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) model: Option<String>,
    pub(crate) prompt_tokens: u32,
    /// How many of those an earlier prompt began with too.
    pub(crate) cached_tokens: u32,
    pub(crate) max_tokens: u32,
    pub(crate) min_tokens: u32,
    pub(crate) ignore_eos: bool,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// vLLM's `continuous_usage_stats`: a running usage in every event.
    pub(crate) continuous_usage: bool,
    /// vLLM's `return_token_ids`.
    pub(crate) return_token_ids: bool,
}

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    prompt: Option<Prompt>,
    messages: Option<Vec<Message>>,
    /// What Responses and embeddings call the prompt.
    input: Option<Prompt>,
    /// What stands before the messages: Anthropic's.
    system: Option<Content>,
    /// The same of Responses.
    instructions: Option<Content>,
    max_tokens: Option<i64>,
    max_output_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    min_tokens: Option<i64>,
    ignore_eos: Option<bool>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    return_token_ids: Option<bool>,
    n: Option<i64>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
    continuous_usage_stats: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

/// Reads the body of a request; the error says what is wrong with it.
pub(crate) fn parse(kind: Kind, body: &[u8], chars_per_token: f64) -> Result<Ask, String> {
    let body: Body =
        serde_json::from_slice(body).map_err(|e| format!("the body is not valid: {e}"))?;
    if body.n.is_some_and(|n| n != 1) {
        return Err("n must be 1".to_owned());
    }
    let of_text = |chars: usize| (chars as f64 / chars_per_token).ceil().max(1.0) as u32;
    let of_messages = |messages: Option<Vec<Message>>, before: Option<Content>| match messages {
        None => Err("messages is missing".to_owned()),
        Some(messages) if messages.is_empty() => Err("messages is empty".to_owned()),
        Some(messages) => {
            let contents = messages.iter().filter_map(|m| m.content.as_ref());
            Ok(of_text(contents.chain(&before).map(|c| c.0).sum()))
        }
    };
    let (prompt_tokens, default) = match kind {
        Kind::Completion => match body.prompt {
            None => return Err("prompt is missing".to_owned()),
            Some(Prompt::Text(chars)) => (of_text(chars), DEFAULT_COMPLETION_TOKENS),
            Some(Prompt::Ids(ids)) => (count(ids), DEFAULT_COMPLETION_TOKENS),
            Some(Prompt::Items(_)) => return Err(NO_PROMPT.to_owned()),
        },
        Kind::Chat => (of_messages(body.messages, None)?, DEFAULT_CHAT_TOKENS),
        Kind::Messages => {
            if body.max_tokens.is_none() {
                return Err("max_tokens is missing".to_owned());
            }
            (
                of_messages(body.messages, body.system)?,
                DEFAULT_CHAT_TOKENS,
            )
        }
        Kind::Responses => match body.input {
            None => return Err("input is missing".to_owned()),
            Some(Prompt::Text(chars) | Prompt::Items(chars)) => {
                let before = body.instructions.map_or(0, |content| content.0);
                (of_text(chars + before), DEFAULT_CHAT_TOKENS)
            }
            Some(Prompt::Ids(_)) => {
                return Err("input must be a string or an array of items".to_owned());
            }
        },
        Kind::Embeddings => match body.input {
            None => return Err("input is missing".to_owned()),
            Some(Prompt::Text(chars)) => (of_text(chars), 0),
            Some(Prompt::Ids(ids)) => (count(ids), 0),
            Some(Prompt::Items(_)) => return Err(NO_PROMPT.to_owned()),
        },
    };
    let asked = match kind {
        Kind::Completion | Kind::Chat => body.max_completion_tokens.or(body.max_tokens),
        Kind::Messages => body.max_tokens,
        Kind::Responses => body.max_output_tokens,
        Kind::Embeddings => None,
    };
    let max_tokens = match asked {
        None => default,
        Some(n) => u64::try_from(n)
            .ok()
            .filter(|n| (1..=MAX_TOKENS).contains(n))
            .ok_or_else(|| format!("max_tokens must be from 1 to {MAX_TOKENS}, got {n}"))?,
    };
    // These send their counts unasked.
    let always_counts = matches!(kind, Kind::Responses | Kind::Messages);
    let options = body.stream_options;
    let option = |get: fn(&StreamOptions) -> Option<bool>| options.as_ref().and_then(get);
    Ok(Ask {
        model: body.model,
        prompt_tokens,
        cached_tokens: 0,
        max_tokens: max_tokens as u32,
        min_tokens: body
            .min_tokens
            .map_or(1, |n| n.max(1))
            .min(max_tokens as i64) as u32,
        ignore_eos: body.ignore_eos.unwrap_or(false),
        stream: body.stream.unwrap_or(false) && kind != Kind::Embeddings,
        include_usage: always_counts || option(|o| o.include_usage).unwrap_or(false),
        continuous_usage: option(|o| o.continuous_usage_stats).unwrap_or(false),
        return_token_ids: body.return_token_ids.unwrap_or(false),
    })
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a prompt is not.
const NO_PROMPT: &str = "prompt must be a string, an array of strings, or an array of token ids";

/// A prompt, counted while it is read and never stored.
enum Prompt {
    /// So many characters.
    Text(usize),
    /// So many token ids.
    Ids(usize),
    /// So many characters in items of a conversation.
    Items(usize),
}

impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        match de.deserialize_any(PromptVisitor)? {
            Part::Prompt(prompt) => Ok(prompt),
            Part::Id | Part::Item(_) => Err(serde::de::Error::custom(NO_PROMPT)),
        }
    }
}

/// What an element of a prompt may be: an id, an item of so many characters, or a prompt.
enum Part {
    Id,
    Item(usize),
    Prompt(Prompt),
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        de.deserialize_any(PromptVisitor)
    }
}

struct PromptVisitor;

impl<'de> Visitor<'de> for PromptVisitor {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an array of strings, or an array of token ids")
    }

    fn visit_str<E>(self, text: &str) -> Result<Part, E> {
        Ok(Part::Prompt(Prompt::Text(text.chars().count())))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Part, E> {
        Ok(Part::Id)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Part, A::Error> {
        match seq.next_element::<Part>()? {
            None => Err(serde::de::Error::custom("the prompt is empty")),
            Some(Part::Id) => {
                let mut ids = 1;
                while seq.next_element::<u64>()?.is_some() {
                    ids += 1;
                }
                Ok(Part::Prompt(Prompt::Ids(ids)))
            }
            Some(Part::Item(first)) => {
                let mut chars = first;
                while let Some(item) = seq.next_element::<Message>()? {
                    chars += item.content.map_or(0, |content| content.0);
                }
                Ok(Part::Prompt(Prompt::Items(chars)))
            }
            // Of a batch of prompts the first is served.
            Some(first @ Part::Prompt(_)) => {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(first)
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part, A::Error> {
        let item = Message::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(Part::Item(item.content.map_or(0, |content| content.0)))
    }
}

/// A message's content: so many characters of text. Parts that are not text count nothing.
struct Content(usize);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        de.deserialize_any(ContentVisitor).map(Self)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<usize, E> {
        Ok(text.chars().count())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut chars = 0;
        while let Some(part) = seq.next_element::<Content>()? {
            chars += part.0;
        }
        Ok(chars)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Key {
            Text,
            #[serde(other)]
            Other,
        }
        let mut chars = 0;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Text => chars += map.next_value::<Content>()?.0,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(chars)
    }
}

#[cfg(test)]
mod tests;
