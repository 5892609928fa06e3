//! A stage's place in the run, and what is known of a request before it is sent.

use bench_contract::{Outcome, RequestRecord};

use crate::plan::script::TURNS;
use crate::plan::{Adapters, Planned};

/// The place of a stage in the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct StagePlace {
    /// Its number.
    pub stage: u32,
    /// Whether it is the warm-up.
    pub warmup: bool,
    /// Its time zero, in nanoseconds from the run's origin.
    pub origin_ns: u64,
    /// Whether it is a closed loop, whose lanes wait for flights to end.
    pub is_closed: bool,
    /// Whether its requests are turns of conversations.
    pub has_turns: bool,
}

/// The record of a planned request of which nothing is known yet.
pub(super) fn blank(
    place: StagePlace,
    planned: &Planned,
    adapters: Option<&Adapters>,
) -> RequestRecord {
    let adapter = adapters.zip(planned.adapter);
    let session = place.has_turns.then_some(planned.index);
    RequestRecord {
        stage: place.stage,
        index: session.map_or(planned.index, |session| session * TURNS),
        warmup: place.warmup,
        session,
        turn: session.map(|_| 0),
        turns: None,
        adapter: adapter.and_then(|(all, place)| all.name(place).map(str::to_owned)),
        outcome: Outcome::NotSent,
        status: None,
        error: None,
        scheduled_ns: place.origin_ns + planned.due_ns,
        dispatched_ns: None,
        sent_ns: None,
        first_token_ns: None,
        first_visible_ns: None,
        last_token_ns: None,
        end_ns: None,
        input_tokens_asked: planned.input_tokens,
        input_tokens: None,
        output_tokens_asked: planned.output_tokens,
        output_tokens: None,
        token_source: None,
        server_prompt_tokens: None,
        server_cached_tokens: None,
        reasoning_tokens: None,
        first_event_tokens: None,
        cancel_after_ns: planned.cancel_after_ns,
        request_bytes: 0,
        events: 0,
        reused: false,
        reads: None,
    }
}
