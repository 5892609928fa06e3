//! vLLM's `/tokenize`: how many tokens a prompt has, as this server counts them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::request::{self, Kind};
use crate::tokens;

/// The longest prompt and reply together, in tokens. Nothing refuses longer ones.
const MAX_MODEL_LEN: u32 = 131_072;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    messages: Option<serde::de::IgnoredAny>,
}

/// The answer to a body; the error says what is wrong with it.
pub(crate) fn answer(body: &[u8], chars_per_token: f64) -> Result<Value, String> {
    let shape: Body =
        serde_json::from_slice(body).map_err(|e| format!("the body is not valid: {e}"))?;
    let kind = if shape.messages.is_some() {
        Kind::Chat
    } else {
        Kind::Completion
    };
    let count = request::parse(kind, body, chars_per_token)?.prompt_tokens;
    let ids: Vec<u32> = (0..count).map(|k| tokens::id(0, k)).collect();
    Ok(json!({"count": count, "max_model_len": MAX_MODEL_LEN, "tokens": ids, "token_strs": null}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_and_messages_are_counted_as_requests_are() {
        for (body, count) in [
            (r#"{"model":"m","prompt":"abcdefghi"}"#, 3),
            (
                r#"{"messages":[{"role":"system","content":"abcd"},{"role":"user","content":"efgh"}]}"#,
                2,
            ),
        ] {
            let answer = answer(body.as_bytes(), 4.0).unwrap();
            assert_eq!(answer["count"], count);
            assert_eq!(answer["tokens"].as_array().unwrap().len(), count);
            assert!(answer["max_model_len"].is_u64());
        }
        assert!(answer(b"{}", 4.0).unwrap_err().contains("prompt"));
        assert!(answer(b"[", 4.0).is_err());
    }
}
