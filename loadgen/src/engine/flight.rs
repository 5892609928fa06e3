//! One request from its dispatch to its record. Whatever happens in between, dropping it writes the record.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bench_contract::config::Timeouts;
use bench_contract::{Outcome, RequestRecord, TokenSource};
use bench_report::{StageCollector, inference_perf, reads};

use super::composer::Body;
use super::counters::Counters;
use super::place::{StagePlace, blank};
use super::reply::{End, Trace};
use super::target::Addresses;
use super::turns::Turns;
use crate::clock::{Instant, Origin};
use crate::eventloop::Handle;
use crate::http::pool::Pool;
use crate::http::tls::Tls;
use crate::openai::chunk::Api;
use crate::plan::script::{Place, Talk};
use crate::plan::{Adapters, Planned};
use crate::record::journal::{BATCH, Batch, JournalSender};

/// Records are handed to the journal so often: a process that is killed loses no more than these.
const FLUSH_EVERY_NS: u64 = 1_000_000_000;

/// Bytes that one read can bring.
const SCRATCH: usize = 64 * 1024;

/// What all workers share for the whole run.
pub struct Shared {
    /// The zero of all instants.
    pub origin: Origin,
    /// The server's addresses.
    pub addresses: Addresses,
    /// How TLS is spoken to it, where it is.
    pub tls: Option<Tls>,
    /// Which API the replies speak.
    pub api: Api,
    /// The adapters that requests ask for in place of the model.
    pub adapters: Option<Adapters>,
    /// Whether replies are streams.
    pub streaming: bool,
    /// Whether connections are used again.
    pub reuse: bool,
    /// Time limit of a whole request.
    pub total_limit: Duration,
    /// Time limits of its parts.
    pub limits: Timeouts,
    /// Whether records hold their reads.
    pub per_request: bool,
    /// For people to watch.
    pub counters: Arc<Counters>,
}

/// What the flights of one worker and stage share.
pub(super) struct Local {
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// The worker's event loop.
    pub handle: Handle,
    /// Idle connections.
    pub pool: Rc<Pool>,
    /// Where sockets are read into: one buffer for all flights, since nothing waits between read and parse.
    pub scratch: RefCell<Vec<u8>>,
    place: StagePlace,
    collector: RefCell<StageCollector>,
    journal: Option<JournalSender>,
    batch: RefCell<Batch>,
    flushed_ns: Cell<u64>,
    /// When flights have ended, for lanes to be used again.
    freed: RefCell<VecDeque<u64>>,
    /// How conversations go on, where there are any.
    pub turns: Option<Turns>,
    /// Whether turns were left out because the run was asked to stop.
    turns_left: Cell<bool>,
}

impl Local {
    /// Empty, for one stage.
    pub(super) fn new(
        shared: Arc<Shared>,
        handle: Handle,
        pool: Rc<Pool>,
        place: StagePlace,
        collector: StageCollector,
        journal: Option<JournalSender>,
        turns: Option<Turns>,
    ) -> Self {
        Self {
            shared,
            turns,
            turns_left: Cell::new(false),
            handle,
            pool,
            scratch: RefCell::new(vec![0; SCRATCH]),
            place,
            collector: RefCell::new(collector),
            journal,
            batch: RefCell::default(),
            flushed_ns: Cell::new(place.origin_ns),
            freed: RefCell::default(),
        }
    }

    /// The stage's time zero, in nanoseconds from the run's origin.
    pub(super) fn origin_ns(&self) -> u64 {
        self.place.origin_ns
    }

    /// Nanoseconds from the run's origin to now.
    pub(super) fn now(&self) -> u64 {
        self.shared.origin.elapsed()
    }

    /// Moves the instants at which flights have ended since the last call to `free`.
    pub(super) fn take_freed(&self, free: &mut VecDeque<u64>) {
        free.append(&mut self.freed.borrow_mut());
    }

    /// Says that a turn is left out because the run was asked to stop.
    pub(super) fn leave_turn(&self) {
        self.turns_left.set(true);
    }

    /// Whether turns were left out for that reason.
    pub(super) fn has_left_turns(&self) -> bool {
        self.turns_left.get()
    }

    /// Says that a lane of the closed loop is free since `at`.
    pub(super) fn free(&self, at: u64) {
        if self.place.is_closed {
            self.freed.borrow_mut().push_back(at);
        }
    }

    /// Records a planned request that was never tried, because of `reason`.
    pub(super) fn never_sent(&self, planned: &Planned, outcome: Outcome, reason: String) {
        let record = RequestRecord {
            outcome,
            error: Some(reason),
            ..self.blank(planned)
        };
        if outcome.is_sent() {
            self.shared.counters.fail(outcome);
        }
        self.keep(&record, &Trace::default(), &[]);
    }

    /// The record of a planned request of which nothing is known yet.
    fn blank(&self, planned: &Planned) -> RequestRecord {
        blank(self.place, planned, self.shared.adapters.as_ref())
    }

    /// The collector, and the last batch to the journal.
    pub(super) fn end(self) -> StageCollector {
        self.flush();
        self.collector.into_inner()
    }

    fn keep(&self, record: &RequestRecord, trace: &Trace, request: &[u8]) {
        self.collector.borrow_mut().add(record, &trace.reads);
        if self.journal.is_none() {
            return;
        }
        let mut batch = self.batch.borrow_mut();
        // Writing to memory cannot fail, and nothing in a record fails to serialise.
        let _ = serde_json::to_writer(&mut batch.records, record);
        batch.records.push(b'\n');
        if self.shared.per_request && !self.place.warmup {
            let entry = inference_perf::per_request_entry(
                record,
                &trace.reads,
                &String::from_utf8_lossy(request),
            );
            batch
                .lifecycle
                .extend_from_slice(entry.to_string().as_bytes());
            batch.lifecycle.extend_from_slice(b",\n");
        }
        let size = batch.records.len() + batch.lifecycle.len();
        drop(batch);
        if size >= BATCH {
            self.flush();
        }
    }

    /// Hands over what there is if that is due.
    pub(super) fn flush_when_due(&self) {
        if self.now().saturating_sub(self.flushed_ns.get()) >= FLUSH_EVERY_NS {
            self.flush();
        }
    }

    /// Hands what there is to the journal.
    pub(super) fn flush(&self) {
        self.flushed_ns.set(self.now());
        let batch = std::mem::take(&mut *self.batch.borrow_mut());
        if let (Some(journal), false) = (&self.journal, batch.records.is_empty()) {
            journal.send(batch);
        }
    }
}

/// One request that has been dispatched.
pub(super) struct Flight {
    /// What it shares with the other flights of its worker.
    pub local: Rc<Local>,
    /// What comes back.
    pub trace: Trace,
    /// When the first byte was handed to the socket.
    pub sent_ns: Option<u64>,
    /// Whether its connection had been used before.
    pub reused: bool,
    /// How it ended; `None` as long as it has not.
    pub end: Option<End>,
    body: Body,
    dispatched_ns: u64,
    ended_ns: Option<u64>,
    /// Which turn of a conversation it is.
    turn: Option<Place>,
    /// Whether its lane stays taken, by the conversation that goes on.
    goes_on: bool,
}

impl Flight {
    /// Dispatches a request: its time begins now.
    pub(super) fn dispatch(local: &Rc<Local>, body: Body) -> Self {
        local.shared.counters.take_off();
        Self {
            turn: body.talk.as_ref().map(|talk| talk.place()),
            ended_ns: None,
            local: local.clone(),
            trace: Trace::default(),
            sent_ns: None,
            reused: false,
            end: None,
            body,
            dispatched_ns: local.now(),
            goes_on: false,
        }
    }

    /// When this request is to be given up, and how long after it was sent that is; `None` where it is not, or was not sent.
    pub(super) fn cancel_at(&self) -> Option<(Instant, Duration)> {
        let after = self.body.planned.cancel_after_ns?;
        let at = self.local.shared.origin.at(self.sent_ns? + after);
        Some((at, Duration::from_nanos(after)))
    }

    /// When this request has taken too long.
    pub(super) fn over_at(&self) -> Instant {
        let shared = &self.local.shared;
        shared
            .origin
            .at(self.dispatched_ns)
            .after(shared.total_limit)
    }

    /// The end of a request that has.
    pub(super) fn over(&self) -> End {
        let limit = self.local.shared.total_limit.as_secs_f64();
        End::failed(Outcome::Timeout, format!("not ended within {limit} s"))
    }

    /// Whether somebody waits for the text of the reply, which the trace has then.
    pub(super) fn wants_text(&self) -> bool {
        self.thinks_ns().is_some()
    }

    /// How long the user takes for the turn after this one, in nanoseconds, if there is one.
    pub(super) fn thinks_ns(&self) -> Option<u64> {
        self.body.talk.as_ref()?.thinks_ns()
    }

    /// Says that it ends now, whatever else has to be done before its record is written.
    pub(super) fn stamp_end(&mut self) {
        self.ended_ns = Some(self.local.now());
    }

    /// Keeps the lane of its conversation taken beyond its end.
    pub(super) fn keep_lane(&mut self) {
        self.goes_on = true;
    }

    /// Takes the conversation out of a flight that has ended.
    pub(super) fn take_talk(&mut self) -> Option<Box<Talk>> {
        self.body.talk.take()
    }

    /// Head and body to be written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.body.bytes
    }

    /// Frees the request's bytes once they are written, unless a report wants them.
    pub(super) fn written(&mut self) {
        if !self.local.shared.per_request {
            self.body.bytes = Vec::new();
        }
    }

    fn record(&mut self, end: End) -> RequestRecord {
        let trace = &self.trace;
        let usage = trace.usage;
        let counted = usage
            .and_then(|usage| usage.completion_tokens)
            .map(|n| (n, TokenSource::Usage));
        let counted =
            counted.or_else(|| (trace.events > 0).then_some((trace.events, TokenSource::Events)));
        // Events that are tokens say how many tokens they are.
        let with_tokens = counted != Some((trace.events, TokenSource::Usage));
        let reads = self
            .local
            .shared
            .per_request
            .then(|| reads::packed(self.sent_ns.unwrap_or(0), &trace.reads, with_tokens));
        let blank = self.local.blank(&self.body.planned);
        let turn = self.turn;
        // Where every event is one token, so is the first.
        let even = counted
            .filter(|(n, _)| trace.events > 0 && *n == trace.events)
            .map(|_| 1);
        RequestRecord {
            outcome: end.outcome,
            status: trace.status,
            error: end.error,
            dispatched_ns: Some(self.dispatched_ns),
            sent_ns: self.sent_ns,
            first_token_ns: trace.first_token_ns,
            first_visible_ns: trace.first_visible_ns,
            last_token_ns: trace.last_token_ns,
            end_ns: Some(self.ended_ns.unwrap_or_else(|| self.local.now())),
            input_tokens: self.body.input_tokens,
            output_tokens: counted.map(|(n, _)| n),
            token_source: counted.map(|(_, source)| source),
            server_prompt_tokens: usage.and_then(|usage| usage.prompt_tokens),
            server_cached_tokens: usage.and_then(|usage| usage.cached_tokens),
            reasoning_tokens: usage.and_then(|usage| usage.reasoning_tokens),
            first_event_tokens: even.or(trace.first_event_tokens),
            request_bytes: self.body.body_bytes as u64,
            events: trace.events,
            reused: self.reused,
            reads,
            index: turn.map_or(blank.index, Place::index),
            turn: turn.map(|place| place.turn),
            turns: turn.map(|place| place.turns),
            ..blank
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let end = self.end.take().unwrap_or_else(|| {
            if std::thread::panicking() {
                End::failed(Outcome::GeneratorError, "the task of this request panicked")
            } else {
                End::failed(Outcome::Cancelled, "given up at shutdown")
            }
        });
        let record = self.record(end);
        let counters = &self.local.shared.counters;
        counters.land(&record, &self.trace.reads);
        let request = std::mem::take(&mut self.body.bytes);
        let body = &request[request.len().saturating_sub(self.body.body_bytes)..];
        self.local.keep(&record, &self.trace, body);
        if let (false, Some(ended)) = (self.goes_on, record.end_ns) {
            self.local.free(ended);
        }
    }
}

#[cfg(test)]
mod tests;
