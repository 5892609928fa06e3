//! What a connection does with a whole request.

use std::mem::take;
use std::sync::atomic::Ordering;

use crate::connection::{After, Connection, Gone, Phase, Verdict};
use crate::faults::Fault;
use crate::generation::Generation;
use crate::http::head::{Head, Method};
use crate::metrics;
use crate::queue::Ticket;
use crate::reply::{self, Terms};
use crate::request::{self, Kind};
use crate::routes::Route;
use crate::tokenize;
use crate::truth::Record;
use crate::worker::Core;

const STARTING: &str = "the model is still loading";

impl Connection {
    /// Answers a request, or begins to.
    pub(crate) fn request(
        &mut self,
        core: &mut Core,
        head: &Head,
        body: &[u8],
    ) -> Result<(), Gone> {
        let terms = terms(head);
        let route = Route::of(head.method, &head.path);
        let starting = core.read_ns < core.shared.timing.startup_delay;
        let record = self.record(core, head);
        self.first_byte_ns = None;
        let mut out = take(&mut core.out);
        out.clear();
        let status = match route {
            Route::Generate(_) | Route::Tokenize | Route::Models | Route::Health if starting => {
                reply::error_response(&mut out, 503, STARTING, "", terms);
                503
            }
            Route::Generate(kind) => {
                core.out = out;
                // Only a POST gets here, and a POST has a record.
                return self.generate(core, kind, terms, record.unwrap_or_default(), body);
            }
            Route::Tokenize => match tokenize::answer(body, core.shared.args.chars_per_token) {
                Ok(answer) => {
                    reply::json_response(&mut out, 200, &answer, terms);
                    200
                }
                Err(why) => {
                    reply::error_response(&mut out, 400, &why, "", terms);
                    400
                }
            },
            Route::Models => {
                let created = core.clock.unix_seconds(0);
                let models = reply::models(&core.shared.args.model, created);
                reply::json_response(&mut out, 200, &models, terms);
                200
            }
            Route::Health => {
                reply::response(&mut out, 200, "text/plain", "", b"", terms);
                200
            }
            Route::Metrics => {
                let page = metrics::page(&core.shared);
                let kind = "text/plain; version=0.0.4; charset=utf-8";
                reply::response(&mut out, 200, kind, "", page.as_bytes(), terms);
                200
            }
            Route::OnlyAllows(methods) => {
                let allow = format!("allow: {methods}\r\n");
                reply::error_response(&mut out, 405, "Method Not Allowed", &allow, terms);
                405
            }
            Route::NotFound => {
                let message = format!("Not Found: {}", head.path);
                reply::error_response(&mut out, 404, &message, "", terms);
                404
            }
        };
        let sent = self.answer(core, &out, record, status, terms);
        core.out = out;
        sent
    }

    fn generate(
        &mut self,
        core: &mut Core,
        kind: Kind,
        terms: Terms,
        record: Record,
        body: &[u8],
    ) -> Result<(), Gone> {
        let shared = std::sync::Arc::clone(&core.shared);
        let args = &shared.args;
        let mut refusal = Vec::new();
        let mut ask = match request::parse(kind, body, args.chars_per_token) {
            Ok(ask) => ask,
            Err(why) => {
                reply::error_response(&mut refusal, 400, &why, "", terms);
                return self.answer(core, &refusal, Some(record), 400, terms);
            }
        };
        if args.strict_model
            && let Some(model) = ask.model.as_ref().filter(|model| **model != args.model)
        {
            let why = format!("The model `{model}` does not exist.");
            reply::error_response(&mut refusal, 404, &why, "", terms);
            return self.answer(core, &refusal, Some(record), 404, terms);
        }
        if let Some(prefixes) = &shared.prefixes {
            ask.cached_tokens = prefixes.take(kind, body, ask.prompt_tokens);
        }
        let mut generation = Box::new(Generation::new(&shared, kind, ask, terms, record));
        if let Some((fault, status)) = generation.refusal() {
            let (why, more) = match fault {
                Fault::Status429 => ("simulated fault: too many requests", "retry-after: 1\r\n"),
                Fault::Status500
                | Fault::Reset
                | Fault::Stall
                | Fault::Malformed
                | Fault::Truncate
                | Fault::ErrorEvent => ("simulated fault: internal server error", ""),
            };
            reply::error_response(&mut refusal, status, why, more, terms);
            let mut record = take(&mut generation.record);
            record.fault = Some(fault.name());
            core.count_fault(record.fault);
            return self.answer(core, &refusal, Some(record), status, terms);
        }
        let ticket = Ticket {
            worker: core.me,
            id: self.id,
        };
        if !shared.queue.enter(ticket) {
            self.phase = Phase::Waiting(generation);
            return Ok(());
        }
        let start_ns = generation.record.arrival_ns;
        match self.serve(core, generation, start_ns) {
            Verdict::Open => Ok(()),
            Verdict::Close => Err(Gone),
        }
    }

    /// Sends a whole reply.
    fn answer(
        &mut self,
        core: &mut Core,
        bytes: &[u8],
        record: Option<Record>,
        status: u16,
        terms: Terms,
    ) -> Result<(), Gone> {
        let after = if terms.keep_alive {
            After::KeepAlive
        } else {
            After::Close
        };
        self.answer_then(core, bytes, record, status, after)
    }

    fn answer_then(
        &mut self,
        core: &mut Core,
        bytes: &[u8],
        record: Option<Record>,
        status: u16,
        after: After,
    ) -> Result<(), Gone> {
        let record = record.map(|mut record| {
            let stamp = core.clock.now();
            record.status = Some(status);
            record.first_write_ns = Some(stamp);
            record.last_write_ns = Some(stamp);
            Box::new(record)
        });
        if self.send(bytes).is_err() {
            // The record must not be lost with the client.
            self.phase = Phase::Flushing(record, After::Close);
            return Err(Gone);
        }
        match self.finish(core, record, after) {
            Verdict::Open => Ok(()),
            Verdict::Close => Err(Gone),
        }
    }

    /// Refuses what cannot be read to its end; the connection is of no use afterwards.
    pub(crate) fn refuse(
        &mut self,
        core: &mut Core,
        record: Option<Record>,
        status: u16,
        why: &str,
    ) -> Result<(), Gone> {
        let terms = Terms {
            keep_alive: false,
            http11: true,
            head_only: false,
        };
        let mut out = Vec::new();
        reply::error_response(&mut out, status, why, "", terms);
        self.answer_then(core, &out, record, status, After::Linger)
    }

    /// The record of a request that has just arrived; none for those that ask for no work: GET, HEAD, and the counting of
    /// tokens.
    pub(crate) fn record(&mut self, core: &mut Core, head: &Head) -> Option<Record> {
        let is_question = matches!(head.method, Method::Get | Method::Head);
        if is_question || Route::of(head.method, &head.path) == Route::Tokenize {
            return None;
        }
        core.counters().requests.add(1);
        let arrival_ns = core.read_ns;
        Some(Record {
            v: 1,
            index: core.shared.arrivals.fetch_add(1, Ordering::Relaxed),
            first_byte_ns: self.first_byte_ns.unwrap_or(arrival_ns),
            arrival_ns,
            path: head.path.clone(),
            x_request_id: head.x_request_id.clone(),
            ..Record::default()
        })
    }
}

fn terms(head: &Head) -> Terms {
    Terms {
        keep_alive: head.keep_alive,
        http11: head.chunked_reply,
        head_only: head.method == Method::Head,
    }
}
