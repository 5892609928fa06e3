//! What earlier prompts began with, in blocks of 16 tokens, as vLLM's prefix cache knows it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::request::Kind;

/// Tokens of a block.
const BLOCK: u32 = 16;

/// So many blocks are remembered at least, and twice as many at most; those that were not asked for are forgotten first.
const REMEMBERED: usize = 1 << 18;

/// The blocks of earlier prompts. A block is known by all that stands before its end, so that a known one follows known ones.
#[derive(Debug)]
pub(crate) struct Prefixes {
    /// Characters of text that are a block.
    chars: usize,
    known: Mutex<Known>,
}

/// Two generations: when the young one is full, it becomes the old one, and what was old is forgotten.
#[derive(Debug, Default)]
struct Known {
    young: HashSet<u64>,
    old: HashSet<u64>,
}

impl Prefixes {
    pub(crate) fn new(chars_per_token: f64) -> Self {
        Self {
            chars: ((chars_per_token * f64::from(BLOCK)).round() as usize).max(1),
            known: Mutex::default(),
        }
    }

    /// How many of the prompt's tokens are known, of which there are `tokens`; from now on all of its whole blocks are. One
    /// token is always computed: what comes after it is what is asked for. Embeddings are computed whole.
    pub(crate) fn take(&self, kind: Kind, body: &[u8], tokens: u32) -> u32 {
        if kind == Kind::Embeddings {
            return 0;
        }
        // The body has been read as a request before.
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let blocks = self.blocks(&body);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = blocks.iter().take_while(|block| known.has(**block)).count();
        for block in blocks {
            known.add(block);
        }
        let most = tokens.saturating_sub(1) / BLOCK;
        u32::try_from(found).unwrap_or(u32::MAX).min(most) * BLOCK
    }

    /// The whole blocks of a prompt.
    fn blocks(&self, body: &Value) -> Vec<u64> {
        // What one adapter computes is of no use to another one.
        let mut blocks = Blocks::after(body["model"].as_str().unwrap_or_default());
        let prompt = body.get("prompt").or(body.get("input"));
        match prompt.map(first) {
            Some(Value::Array(ids)) if ids.iter().all(Value::is_u64) => {
                for id in ids {
                    blocks.add(id.as_u64().unwrap_or_default(), BLOCK as usize);
                }
            }
            Some(Value::String(text)) => blocks.text(text, self.chars),
            _ => {
                for name in ["instructions", "system"] {
                    blocks.content(&body[name], self.chars);
                }
                let messages = body["messages"].as_array().or(body["input"].as_array());
                for message in messages.into_iter().flatten() {
                    blocks.content(&message["content"], self.chars);
                }
            }
        }
        blocks.whole
    }
}

/// Of a batch of prompts the first.
fn first(prompt: &Value) -> &Value {
    match prompt {
        Value::Array(batch) => match batch.first() {
            Some(first @ (Value::Array(_) | Value::String(_))) => first,
            _ => prompt,
        },
        _ => prompt,
    }
}

impl Known {
    fn has(&self, block: u64) -> bool {
        self.young.contains(&block) || self.old.contains(&block)
    }

    fn add(&mut self, block: u64) {
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(block);
    }
}

/// The blocks of a prompt as they fill.
struct Blocks {
    hash: u64,
    filled: usize,
    whole: Vec<u64>,
}

impl Blocks {
    fn after(model: &str) -> Self {
        let hash = model.bytes().fold(0, |hash, byte| mixed(hash, byte.into()));
        Self {
            hash,
            filled: 0,
            whole: Vec::new(),
        }
    }

    /// Adds a token or a character; so many of them are a block.
    fn add(&mut self, unit: u64, size: usize) {
        self.hash = mixed(self.hash, unit);
        self.filled += 1;
        if self.filled == size {
            self.whole.push(self.hash);
            self.filled = 0;
        }
    }

    fn text(&mut self, text: &str, size: usize) {
        text.chars().for_each(|c| self.add(u64::from(c), size));
    }

    /// Text, or parts of which some are text.
    fn content(&mut self, content: &Value, size: usize) {
        match content {
            Value::String(text) => self.text(text, size),
            Value::Array(parts) => {
                for part in parts {
                    self.content(part.get("text").unwrap_or(&Value::Null), size);
                }
            }
            _ => {}
        }
    }
}

/// One step of a hash (the finaliser of splitmix64).
fn mixed(hash: u64, unit: u64) -> u64 {
    let mut x = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ unit.wrapping_add(0x2545_f491_4f6c_dd1d);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(prefixes: &Prefixes, kind: Kind, body: &Value, tokens: u32) -> u32 {
        prefixes.take(kind, body.to_string().as_bytes(), tokens)
    }

    #[test]
    fn what_a_prompt_begins_with_is_known_in_whole_blocks() {
        let prefixes = Prefixes::new(4.0);
        let ids = |range: std::ops::Range<u32>| json!({"prompt": range.collect::<Vec<_>>()});
        let ask = |body: &Value, tokens| take(&prefixes, Kind::Completion, body, tokens);
        assert_eq!(ask(&ids(0..40), 40), 0);
        assert_eq!(ask(&ids(0..40), 40), 32);
        assert_eq!(ask(&ids(0..100), 100), 32);
        assert_eq!(ask(&ids(0..100), 100), 96);
        assert_eq!(ask(&ids(1..41), 40), 0, "the same blocks elsewhere");
        // One token is always computed.
        assert_eq!(ask(&ids(0..32), 32), 16);
        let other = json!({"model": "adapter", "prompt": (0..40).collect::<Vec<_>>()});
        assert_eq!(ask(&other, 40), 0);
        assert_eq!(
            take(
                &prefixes,
                Kind::Embeddings,
                &json!({"input": (0..40).collect::<Vec<_>>()}),
                40
            ),
            0
        );
    }

    #[test]
    fn text_is_cut_by_characters_and_conversations_are_joined() {
        let prefixes = Prefixes::new(4.0);
        let text = "é".repeat(100);
        let ask = |kind, body: &Value, tokens| take(&prefixes, kind, body, tokens);
        assert_eq!(ask(Kind::Completion, &json!({"prompt": text}), 25), 0);
        assert_eq!(ask(Kind::Completion, &json!({"prompt": [text]}), 25), 16);
        let messages = json!({"messages": [{"role": "system", "content": "é".repeat(60)}, {"role": "user", "content": [{"type": "text", "text": "é".repeat(40)}]}]});
        assert_eq!(ask(Kind::Chat, &messages, 25), 16);
        let apart = json!({"system": "é".repeat(60), "messages": [{"role": "user", "content": "é".repeat(40)}]});
        assert_eq!(ask(Kind::Messages, &apart, 25), 16);
        let items = json!({"input": [{"role": "user", "content": "é".repeat(100)}]});
        assert_eq!(ask(Kind::Responses, &items, 25), 16);
        assert_eq!(ask(Kind::Responses, &json!({"input": text}), 25), 16);
    }

    #[test]
    fn memory_is_bounded() {
        let mut known = Known::default();
        for block in 0..(REMEMBERED as u64 * 5 / 2) {
            known.add(block);
        }
        assert!(known.young.len() + known.old.len() <= 2 * REMEMBERED);
        assert!(!known.has(0) && known.has(REMEMBERED as u64 * 5 / 2 - 1));
    }
}
