//! What is written down about each request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::units::TokenCount;

/// One line of `requests.jsonl.zst`. Instants are integer nanoseconds on the monotonic clock from the run's origin,
/// whose wall time is in the report; an instant that was never reached is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRecord {
    /// The stage, from 0.
    pub stage: u32,
    /// Place in the stage's plan, from 0.
    pub index: u64,
    /// Whether it belongs to the warm-up, which is counted apart.
    #[serde(default, skip_serializing_if = "is_false")]
    pub warmup: bool,
    /// The conversation that it is a turn of, from 0 in its stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
    /// Which turn of it, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// How many turns it was planned to have; absent of a request that was never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// The LoRA adapter that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status, where a reply began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, in words; the start of the body for an HTTP error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the plan has it.
    pub scheduled_ns: u64,
    /// When its worker started the exchange, before any connecting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_ns: Option<u64>,
    /// When the first byte was handed to the socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_ns: Option<u64>,
    /// The socket read that brought the first token event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ns: Option<u64>,
    /// The socket read that brought the first visible (non-reasoning) token event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_visible_ns: Option<u64>,
    /// The socket read that brought the last token event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_token_ns: Option<u64>,
    /// When the reply ended, or was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ns: Option<u64>,
    /// Prompt length that the plan asked for, in tokens.
    pub input_tokens_asked: TokenCount,
    /// Prompt length as the client counts it, in tokens; absent where nothing can count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<TokenCount>,
    /// Reply length that the plan asked for, in tokens.
    pub output_tokens_asked: TokenCount,
    /// Output tokens: the `n` of the definitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<TokenCount>,
    /// Where `output_tokens` comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_source: Option<TokenSource>,
    /// The server's count of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_prompt_tokens: Option<TokenCount>,
    /// How many of those the server had in its cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_cached_tokens: Option<TokenCount>,
    /// How many of the output tokens were reasoning, by the server's count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<TokenCount>,
    /// Tokens of the first event: the `k1` of the definitions, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_event_tokens: Option<TokenCount>,
    /// How long after `sent_ns` this request was to be given up, where `load.cancel` drew it; such a request is in no latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_after_ns: Option<u64>,
    /// Bytes of the request body.
    pub request_bytes: u64,
    /// Token events in all.
    pub events: u32,
    /// Whether the connection had been used before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reused: bool,
    /// Which reads brought token events; absent where `report.request_lifecycle.per_request` is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
}

impl RequestRecord {
    /// Whether it was given up because `load.cancel` asked for it, and not by a shutdown before that.
    #[must_use]
    pub fn is_cancelled_as_planned(&self) -> bool {
        let lived = self.end_ns.zip(self.sent_ns);
        let lived = lived.map(|(end, sent)| end.saturating_sub(sent));
        self.outcome == Outcome::Cancelled
            && self
                .cancel_after_ns
                .zip(lived)
                .is_some_and(|(after, lived)| lived >= after)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Reads that brought token events, in order: `[delta_us, events]`, or `[delta_us, events, tokens]` where events are not tokens and
/// the server said how many they held. The first delta counts from `sent_ns`, each later one from the read before; they are
/// differences of rounded instants, so that their sum does not drift.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Reads(pub Vec<ReadEntry>);

/// One read of [`Reads`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Vec<u32>")]
pub struct ReadEntry {
    /// Microseconds since the read before.
    pub delta_us: u32,
    /// Token events that it completed.
    pub events: u32,
    /// Tokens of those events; 0, and not written, where that is not known or each event is one.
    pub tokens: u32,
}

impl Serialize for ReadEntry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.tokens {
            0 => (self.delta_us, self.events).serialize(serializer),
            tokens => (self.delta_us, self.events, tokens).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ReadEntry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> serde::de::Visitor<'de> for EntryVisitor {
    type Value = ReadEntry;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("two or three whole numbers")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<ReadEntry, A::Error> {
        let missing = |place| serde::de::Error::invalid_length(place, &self);
        let entry = ReadEntry {
            delta_us: seq.next_element()?.ok_or_else(|| missing(0))?,
            events: seq.next_element()?.ok_or_else(|| missing(1))?,
            tokens: seq.next_element()?.unwrap_or(0),
        };
        match seq.next_element::<u32>()? {
            None => Ok(entry),
            Some(_) => Err(missing(4)),
        }
    }
}

/// Where a count of output tokens comes from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// The server's `usage`.
    Usage,
    /// The tokenizer, over the generated text.
    Tokenizer,
    /// The number of token events: the server said nothing, and one event is taken for one token.
    Events,
}
