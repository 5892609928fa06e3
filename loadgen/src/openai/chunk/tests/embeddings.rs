//! Embeddings.

use super::super::*;

fn whole(body: &str) -> (Result<Event, ChunkError>, Option<Usage>) {
    let mut decoder = ChunkDecoder::new(Api::Embeddings);
    (decoder.whole(body.as_bytes()), decoder.usage())
}

#[test]
fn a_reply_has_data_and_no_tokens_of_its_own() {
    let (event, usage) = whole(
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}"#,
    );
    assert_eq!(event, Ok(Event::default()));
    let usage = usage.unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens),
        (Some(7), None)
    );
    // As text in base64, and without counts.
    assert_eq!(
        whole(r#"{"data":[{"embedding":"AAAA"}]}"#),
        (Ok(Event::default()), None)
    );
}

#[test]
fn a_reply_without_them_is_none() {
    for body in [
        "{}",
        r#"{"data":[]}"#,
        r#"{"data":null}"#,
        r#"{"choices":[{"text":"a"}]}"#,
        "[]",
        r#"{"data":5}"#,
    ] {
        assert!(
            matches!(whole(body).0, Err(ChunkError::Protocol(_))),
            "{body}"
        );
    }
    for body in [
        r#"{"error":{"message":"no"}}"#,
        r#"{"object":"error","message":"no"}"#,
    ] {
        assert_eq!(
            whole(body).0,
            Err(ChunkError::Server("no".to_owned())),
            "{body}"
        );
    }
}
