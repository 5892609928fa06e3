//! Embeddings: `/v1/embeddings`. Nothing is generated; the reply is there or it is not.

use std::fmt;

use bench_contract::TokenCount;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::lenient::Lenient;
use super::{ChunkDecoder, ChunkError, Event, Usage, protocol, server_message};

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(default, borrow)]
    object: Lenient<'a>,
    #[serde(default)]
    error: Option<serde_json::Value>,
    #[serde(default)]
    data: Option<Count>,
    #[serde(default)]
    usage: Option<UsageJson>,
}

#[derive(Deserialize)]
struct UsageJson {
    #[serde(default)]
    prompt_tokens: Option<TokenCount>,
}

/// How many entries a list has. They are many numbers each, and none is kept.
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Count;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of embeddings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Count, A::Error> {
                let mut count = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Count(count))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

impl ChunkDecoder {
    /// Reads a reply.
    pub(super) fn embeddings(&mut self, body: &[u8]) -> Result<Event, ChunkError> {
        let reply: Reply<'_> =
            serde_json::from_slice(body).map_err(|error| protocol(error, body))?;
        let is_error = reply.error.as_ref().is_some_and(|error| !error.is_null());
        if is_error || reply.object.text() == "error" {
            return Err(ChunkError::Server(server_message(body)));
        }
        if reply.data.is_none_or(|data| data.0 == 0) {
            return Err(protocol("the reply has no embeddings", body));
        }
        // Servers count 0 tokens of a reply, which is no length of one.
        self.usage = reply.usage.map(|usage| Usage {
            prompt_tokens: usage.prompt_tokens,
            ..Usage::default()
        });
        Ok(Event::default())
    }
}
