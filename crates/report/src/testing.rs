//! Records for tests.

use bench_contract::{Outcome, RequestRecord, TokenSource};

use crate::TokenRead;

/// A successful request: due every 100 ms, TTFT 20 ms, ten tokens 5 ms apart.
pub(crate) fn record(index: u64) -> RequestRecord {
    let scheduled_ns = index * 100_000_000;
    let sent = scheduled_ns + 100_000;
    RequestRecord {
        stage: 0,
        index,
        warmup: false,
        session: None,
        turn: None,
        turns: None,
        adapter: None,
        outcome: Outcome::Ok,
        status: Some(200),
        error: None,
        scheduled_ns,
        dispatched_ns: Some(scheduled_ns + 50_000),
        sent_ns: Some(sent),
        first_token_ns: Some(sent + 20_000_000),
        first_visible_ns: Some(sent + 20_000_000),
        last_token_ns: Some(sent + 65_000_000),
        end_ns: Some(sent + 65_100_000),
        input_tokens_asked: 100,
        input_tokens: Some(100),
        output_tokens_asked: 10,
        output_tokens: Some(10),
        token_source: Some(TokenSource::Usage),
        server_prompt_tokens: Some(101),
        server_cached_tokens: None,
        reasoning_tokens: None,
        first_event_tokens: Some(1),
        cancel_after_ns: None,
        request_bytes: 512,
        events: 10,
        reused: index > 0,
        reads: None,
    }
}

/// The reads of [`record`].
pub(crate) fn reads(record: &RequestRecord) -> Vec<TokenRead> {
    let Some(first) = record.first_token_ns else {
        return Vec::new();
    };
    let events = u64::from(record.events.max(1));
    let last = record.last_token_ns.unwrap_or(first);
    (0..events)
        .map(|k| TokenRead {
            at_ns: first + (last - first) * k / (events - 1).max(1),
            events: 1,
            tokens: 1,
        })
        .collect()
}
