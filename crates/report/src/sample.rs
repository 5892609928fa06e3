//! A request in compact form: what reports are computed from.

use std::num::{NonZeroU32, NonZeroU64};

use bench_contract::{Outcome, RequestRecord, TokenSource};

/// An instant in nanoseconds from the run's origin, or never. Stored plus one, so that absence costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Option<NonZeroU64>);

impl Stamp {
    pub(crate) fn new(at: Option<u64>) -> Self {
        Self(at.and_then(|ns| NonZeroU64::new(ns.saturating_add(1))))
    }

    pub(crate) fn get(self) -> Option<u64> {
        self.0.map(|ns| ns.get() - 1)
    }
}

/// A number of tokens, or unknown. Stored plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tokens(Option<NonZeroU32>);

impl Tokens {
    pub(crate) fn new(count: Option<u32>) -> Self {
        Self(count.and_then(|n| NonZeroU32::new(n.saturating_add(1))))
    }

    pub(crate) fn get(self) -> Option<u32> {
        self.0.map(|n| n.get() - 1)
    }
}

/// One request, in at most 112 bytes: a million of them take about 110 MB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) scheduled_ns: u64,
    pub(crate) index: u64,
    pub(crate) dispatched: Stamp,
    pub(crate) sent: Stamp,
    pub(crate) first_token: Stamp,
    pub(crate) first_visible: Stamp,
    pub(crate) last_token: Stamp,
    pub(crate) end: Stamp,
    pub(crate) input_asked: u32,
    pub(crate) output_asked: u32,
    pub(crate) input: Tokens,
    pub(crate) output: Tokens,
    pub(crate) input_server: Tokens,
    pub(crate) input_cached: Tokens,
    pub(crate) reasoning: Tokens,
    pub(crate) first_event_tokens: Tokens,
    pub(crate) events: u32,
    /// Bytes of the body; saturates at 4 GiB.
    pub(crate) request_bytes: u32,
    /// Which limits of `goodput` it met, by their place; at most 16 are told apart.
    pub(crate) attained: u16,
    pub(crate) outcome: Outcome,
    pub(crate) token_source: Option<TokenSource>,
    /// Whether it was not sent because the run was asked to stop.
    pub(crate) stopped: bool,
    /// Whether it is a later turn of a conversation: it follows a reply, and no plan says when it is due.
    pub(crate) follows: bool,
    /// Whether `load.cancel` drew it.
    pub(crate) drawn: bool,
    /// Whether it was given up because of that.
    pub(crate) cancelled: bool,
}

const _: () = assert!(size_of::<Sample>() <= 112);

impl Sample {
    /// The request of `record`; which limits it met is still open.
    pub(crate) fn new(record: &RequestRecord) -> Self {
        let asked_to_stop = |error: &String| error.starts_with(crate::ASKED_TO_STOP);
        Self {
            scheduled_ns: record.scheduled_ns,
            index: record.index,
            dispatched: Stamp::new(record.dispatched_ns),
            sent: Stamp::new(record.sent_ns),
            first_token: Stamp::new(record.first_token_ns),
            first_visible: Stamp::new(record.first_visible_ns),
            last_token: Stamp::new(record.last_token_ns),
            end: Stamp::new(record.end_ns),
            input_asked: record.input_tokens_asked,
            output_asked: record.output_tokens_asked,
            input: Tokens::new(record.input_tokens),
            output: Tokens::new(record.output_tokens),
            input_server: Tokens::new(record.server_prompt_tokens),
            input_cached: Tokens::new(record.server_cached_tokens),
            reasoning: Tokens::new(record.reasoning_tokens),
            first_event_tokens: Tokens::new(record.first_event_tokens),
            events: record.events,
            request_bytes: u32::try_from(record.request_bytes).unwrap_or(u32::MAX),
            attained: 0,
            outcome: record.outcome,
            token_source: record.token_source,
            stopped: record.outcome == Outcome::NotSent
                && record.error.as_ref().is_some_and(asked_to_stop),
            follows: record.turn.is_some_and(|turn| turn > 0),
            drawn: record.cancel_after_ns.is_some(),
            cancelled: record.is_cancelled_as_planned(),
        }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it counts as an error: it did not succeed, and that was not what `load.cancel` asked for.
    pub(crate) fn is_error(&self) -> bool {
        !self.is_ok() && !self.cancelled
    }

    /// Prompt tokens: the server's count, else the client's, else what was asked for.
    pub(crate) fn prompt_tokens(&self) -> u32 {
        self.input_server
            .get()
            .or(self.input.get())
            .unwrap_or(self.input_asked)
    }
}
