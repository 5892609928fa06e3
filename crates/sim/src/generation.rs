//! One reply in the making: what is due next, and the bytes for it. No socket and no clock in here.

use crate::draw::Draws;
use crate::faults::{self, Fault};
use crate::reply::{self, Terms};
use crate::request::{Ask, Kind};
use crate::schedule::Schedule;
use crate::shared::Shared;
use crate::sse::{Options, Stream};
use crate::truth::Record;

/// A request that is waiting or being served.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) record: Record,
    /// The fault that was drawn, until it has struck.
    fault: Option<Fault>,
    /// Tokens sent before the fault strikes.
    fault_at: u32,
    /// Tokens of the whole reply.
    length: u32,
    finish: &'static str,
    streamed: bool,
    send_usage: bool,
    stream: Stream,
    head_sent: bool,
    /// Tokens gone into events so far.
    sent: u32,
    events: u32,
    /// How much of the time to first token, ns.
    ttft_ns: u64,
    draws: Option<Draws>,
    schedule: Schedule,
    tokens_per_event: u32,
    events_per_write: u32,
    stall_ns: u64,
}

/// What to do after the bytes of a step have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next step is due then.
    Next(u64),
    /// The reply is complete.
    Done,
    /// Reset the connection.
    Reset,
    /// Close the connection, although the reply is not complete.
    Cut,
}

impl Generation {
    /// Everything about the reply that can be known when its request arrives.
    pub(crate) fn new(
        shared: &Shared,
        kind: Kind,
        ask: Ask,
        terms: Terms,
        mut record: Record,
    ) -> Self {
        let args = &shared.args;
        let timing = &shared.timing;
        let random = !shared.faults.is_empty()
            || args.eos_mean > 0.0
            || !args.ttft_spread.is_none()
            || !args.itl_spread.is_none();
        let mut draws = random.then(|| Draws::new(args.seed, record.index));
        // Always the same draws in the same order, so that one setting does not change what another one draws.
        let (mut fault, mut length, mut factor, mut fault_at) = (None, ask.max_tokens, 1.0, 0);
        if let Some(draws) = &mut draws {
            fault = shared.faults.draw(draws);
            let early = draws.exponential() * args.eos_mean;
            if args.eos_mean > 0.0 && !ask.ignore_eos {
                // `as` saturates, so a long draw means the whole length.
                length = (early.ceil() as u32).clamp(ask.min_tokens, ask.max_tokens);
            }
            fault_at = faults::position(length, draws);
            factor = args.ttft_spread.factor(draws);
        }
        let computed = ask.prompt_tokens.saturating_sub(ask.cached_tokens);
        let nominal =
            timing.ttft as f64 + timing.ttft_per_prompt_token as f64 * f64::from(computed);
        record.prompt_tokens = ask.prompt_tokens;
        record.cached_tokens = ask.cached_tokens;
        record.stream = ask.stream;
        // A streamed reply to HTTP/1.0 has no chunks: it ends with the connection.
        let terms = Terms {
            keep_alive: terms.keep_alive && (terms.http11 || !ask.stream),
            ..terms
        };
        let model = ask.model.unwrap_or_else(|| args.model.clone());
        let created = shared.clock.unix_seconds(record.arrival_ns);
        let options = Options {
            crlf: args.crlf,
            terms,
            prompt_tokens: ask.prompt_tokens,
            cached_tokens: args.prefix_cache.then_some(ask.cached_tokens),
            reasoning_tokens: args.reasoning_tokens,
            continuous_usage: args.usage && ask.continuous_usage,
            token_ids: ask.return_token_ids,
        };
        Self {
            fault,
            fault_at,
            length,
            finish: if length < ask.max_tokens {
                "stop"
            } else {
                "length"
            },
            streamed: ask.stream,
            send_usage: args.usage && (ask.include_usage || !ask.stream),
            stream: Stream::new(kind, record.index, created, &model, options),
            head_sent: false,
            sent: 0,
            events: 0,
            ttft_ns: (nominal * factor) as u64,
            draws,
            schedule: Schedule::new(0, 0, crate::draw::Spread::NONE, None),
            tokens_per_event: args.tokens_per_event,
            events_per_write: args.events_per_write,
            stall_ns: timing.stall_for,
            record,
        }
    }

    /// The status with which the request fails at once, if that is its fault.
    pub(crate) fn refusal(&mut self) -> Option<(Fault, u16)> {
        let status = match self.fault? {
            Fault::Status500 => 500,
            Fault::Status429 => 429,
            Fault::Reset
            | Fault::Stall
            | Fault::Malformed
            | Fault::Truncate
            | Fault::ErrorEvent => return None,
        };
        self.fault.take().map(|fault| (fault, status))
    }

    /// Service starts; returns when the first step is due. `out` gets what is sent at once.
    pub(crate) fn begin(&mut self, shared: &Shared, start_ns: u64, out: &mut Vec<u8>) -> u64 {
        self.record.queue_ns = start_ns.saturating_sub(self.record.arrival_ns);
        let first = start_ns.saturating_add(self.ttft_ns);
        let (itl, spread) = (shared.timing.itl, shared.args.itl_spread);
        self.schedule = Schedule::new(first, itl, spread, self.draws.take());
        if self.streamed && shared.args.early_headers {
            self.head(out);
        } else if !self.streamed {
            // The whole reply is due when its last token is.
            self.schedule.advance(self.length.saturating_sub(1));
        }
        self.schedule.due()
    }

    /// The bytes that are due now, and what comes after them.
    pub(crate) fn step(&mut self, out: &mut Vec<u8>) -> Step {
        if self.streamed {
            self.streamed_step(out)
        } else {
            self.whole_step(out)
        }
    }

    fn streamed_step(&mut self, out: &mut Vec<u8>) -> Step {
        if self.sent >= self.fault_at
            && self.sent > 0
            && let Some(fault) = self.strike()
        {
            match fault {
                Fault::Reset => return Step::Reset,
                Fault::Truncate => return Step::Cut,
                Fault::Stall => {
                    self.schedule.pause(self.stall_ns);
                    return Step::Next(self.schedule.due());
                }
                Fault::Malformed => self.stream.broken(out),
                Fault::ErrorEvent => {
                    self.stream.error(out);
                    return Step::Done;
                }
                Fault::Status500 | Fault::Status429 => {}
            }
        }
        if !self.head_sent {
            self.head(out);
        }
        for _ in 0..self.events_per_write {
            let count = self.tokens_per_event.min(self.length - self.sent);
            if count == 0 || (self.fault.is_some() && self.sent >= self.fault_at) {
                break;
            }
            let finish = (self.sent + count == self.length).then_some(self.finish);
            // The only event of a reply with a fault must not look like its end.
            let finish = finish.filter(|_| self.fault.is_none());
            self.events += self.stream.tokens(out, self.sent, count, finish);
            self.sent += count;
            self.schedule.advance(count);
        }
        if self.sent < self.length || self.fault.is_some() {
            return Step::Next(self.schedule.due());
        }
        self.stream
            .finale(out, self.length, self.finish, self.send_usage);
        Step::Done
    }

    fn whole_step(&mut self, out: &mut Vec<u8>) -> Step {
        let terms = self.stream.options.terms;
        let fault = self.strike();
        if fault == Some(Fault::Stall) {
            self.schedule.pause(self.stall_ns);
            return Step::Next(self.schedule.due());
        }
        if fault == Some(Fault::Reset) {
            return Step::Reset;
        }
        self.record.status = Some(200);
        if fault == Some(Fault::ErrorEvent) {
            let body = reply::error_body(500, "simulated fault: the engine died");
            reply::json_response(out, 200, &body, terms);
            return Step::Done;
        }
        let body = self.stream.whole(self.length, self.finish, self.send_usage);
        let body = body.to_string();
        let half = body.get(..body.len() / 2).unwrap_or("{");
        if fault == Some(Fault::Malformed) {
            reply::response(out, 200, "application/json", "", half.as_bytes(), terms);
            return Step::Done;
        }
        reply::response(out, 200, "application/json", "", body.as_bytes(), terms);
        if fault == Some(Fault::Truncate) {
            out.truncate(out.len() - (body.len() - half.len()));
            return Step::Cut;
        }
        self.sent = self.length;
        Step::Done
    }

    fn head(&mut self, out: &mut Vec<u8>) {
        self.stream.head(out);
        self.stream.begin(out);
        self.head_sent = true;
        self.record.status = Some(200);
    }

    /// The fault strikes now, if there is one.
    fn strike(&mut self) -> Option<Fault> {
        let fault = self.fault.take()?;
        self.record.fault = Some(fault.name());
        Some(fault)
    }

    /// Tokens and events made so far.
    pub(crate) fn made(&self) -> (u32, u32) {
        (self.sent, self.events)
    }

    /// Whether the model would have said more than `max_tokens`.
    pub(crate) fn stopped_early(&self) -> bool {
        self.finish == "stop"
    }

    pub(crate) fn keep_alive(&self) -> bool {
        self.stream.options.terms.keep_alive
    }
}
