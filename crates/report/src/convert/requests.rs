//! A row a request.

use bench_contract::{Metric, RequestRecord};

use super::{Cell, RowFormat, head, row};
use crate::derive::needs_stream;
use crate::goodput::{attained, is_good};
use crate::sample::Sample;
use crate::settings::Settings;

/// Writes requests as rows, one after the other.
#[derive(Clone, Debug)]
pub struct RequestRows {
    settings: Settings,
    format: RowFormat,
}

/// What a cell is made of.
struct Request<'a> {
    record: &'a RequestRecord,
    sample: Sample,
    settings: &'a Settings,
}

type Column = (&'static str, fn(&Request<'_>) -> Cell);

/// Every column, in order. New ones come last.
const COLUMNS: [Column; 36] = [
    ("stage", |one| Cell::Integer(one.record.stage.into())),
    ("index", |one| Cell::Integer(one.record.index)),
    ("warmup", |one| Cell::Flag(one.record.warmup)),
    ("outcome", |one| {
        Cell::Text(one.record.outcome.as_str().to_owned())
    }),
    ("status", |one| Cell::integer(one.record.status)),
    ("error", |one| Cell::text(one.record.error.as_deref())),
    ("good", |one| {
        let is_limited = !one.settings.goodput.is_empty();
        if is_limited {
            Cell::Flag(is_good(&one.sample, one.settings))
        } else {
            Cell::Nothing
        }
    }),
    ("scheduled_ns", |one| Cell::Integer(one.record.scheduled_ns)),
    ("dispatched_ns", |one| {
        Cell::integer(one.record.dispatched_ns)
    }),
    ("sent_ns", |one| Cell::integer(one.record.sent_ns)),
    ("first_token_ns", |one| {
        Cell::integer(one.record.first_token_ns)
    }),
    ("first_visible_ns", |one| {
        Cell::integer(one.record.first_visible_ns)
    }),
    ("last_token_ns", |one| {
        Cell::integer(one.record.last_token_ns)
    }),
    ("end_ns", |one| Cell::integer(one.record.end_ns)),
    ("schedule_delay_s", |one| one.latency(Metric::ScheduleDelay)),
    ("connect_s", |one| one.latency(Metric::Connect)),
    ("ttft_s", |one| one.latency(Metric::Ttft)),
    ("ttft_scheduled_s", |one| one.latency(Metric::TtftScheduled)),
    ("ttfo_s", |one| one.latency(Metric::Ttfo)),
    ("itl_mean_s", |one| one.latency(Metric::Itl)),
    ("tpot_s", |one| one.latency(Metric::Tpot)),
    ("tpot_chunk_aware_s", |one| {
        one.latency(Metric::TpotChunkAware)
    }),
    ("ntpot_s", |one| one.latency(Metric::Ntpot)),
    ("e2e_s", |one| one.latency(Metric::E2e)),
    ("e2e_scheduled_s", |one| one.latency(Metric::E2eScheduled)),
    ("input_asked_tokens", |one| {
        Cell::Integer(one.record.input_tokens_asked.into())
    }),
    ("input_tokens", |one| Cell::integer(one.record.input_tokens)),
    ("input_server_tokens", |one| {
        Cell::integer(one.record.server_prompt_tokens)
    }),
    ("input_cached_tokens", |one| {
        Cell::integer(one.record.server_cached_tokens)
    }),
    ("output_asked_tokens", |one| {
        Cell::Integer(one.record.output_tokens_asked.into())
    }),
    ("output_tokens", |one| {
        Cell::integer(one.record.output_tokens)
    }),
    ("token_source", |one| {
        let source = one.record.token_source.map(serde_json::to_value);
        let source = source.and_then(Result::ok);
        Cell::text(source.as_ref().and_then(serde_json::Value::as_str))
    }),
    ("events", |one| Cell::Integer(one.record.events.into())),
    ("request_bytes", |one| {
        Cell::Integer(one.record.request_bytes)
    }),
    ("reused", |one| Cell::Flag(one.record.reused)),
    ("cancel_after_ns", |one| {
        Cell::integer(one.record.cancel_after_ns)
    }),
];

impl Request<'_> {
    fn latency(&self, metric: Metric) -> Cell {
        let streaming = self.settings.streaming;
        if !streaming && needs_stream(metric) {
            return Cell::Nothing;
        }
        match self.sample.value(metric, streaming) {
            Some(seconds) if seconds.is_finite() => Cell::Number(seconds),
            Some(_) => Cell::Never(self.settings.request_timeout_s),
            None => Cell::Nothing,
        }
    }
}

impl RequestRows {
    /// Rows of the requests of a run with `settings`.
    #[must_use]
    pub fn new(settings: Settings, format: RowFormat) -> Self {
        Self { settings, format }
    }

    /// The names of the columns, in order.
    pub fn columns() -> impl Iterator<Item = &'static str> {
        COLUMNS.iter().map(|(name, _)| *name)
    }

    /// What stands before the first row.
    #[must_use]
    pub fn head(&self) -> String {
        head(Self::columns(), self.format)
    }

    /// Adds the row of a request to `text`.
    pub fn add(&self, text: &mut String, record: &RequestRecord) {
        let mut sample = Sample::new(record);
        sample.attained = attained(&sample, &self.settings);
        let request = Request {
            record,
            sample,
            settings: &self.settings,
        };
        let cells = COLUMNS.iter().map(|(name, of)| (*name, of(&request)));
        row(text, cells, self.format);
    }
}
