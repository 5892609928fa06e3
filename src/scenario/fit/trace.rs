//! Traces: the CSV of the Azure LLM inference dataset, and the records that loadgen writes.

use std::io::BufRead;

use bench_contract::RequestRecord;

use super::Traced;
use crate::values::system_reason;

/// Why a trace cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads a trace line by line; the first line tells which kind it is. Requests of a warm-up are left out.
///
/// # Errors
/// The first line that cannot be read.
pub fn read(input: impl BufRead) -> Result<Vec<Traced>, TraceError> {
    let mut requests = Vec::new();
    let mut columns = None;
    for (index, line) in input.lines().enumerate() {
        let fail = |reason: String| TraceError {
            line: index + 1,
            reason,
        };
        let line = line.map_err(|error| fail(system_reason(&error)))?;
        let text = line.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        if text.starts_with('{') {
            requests.extend(record(text).map_err(fail)?);
        } else if let Some(columns) = &columns {
            requests.push(row(text, columns).map_err(fail)?);
        } else {
            columns = Some(Columns::of(text).map_err(fail)?);
        }
    }
    Ok(requests)
}

/// A line of `requests.jsonl`.
#[expect(
    clippy::cast_precision_loss,
    reason = "a run's nanoseconds are far below 2^53"
)]
fn record(text: &str) -> Result<Option<Traced>, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let record: RequestRecord = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let said = error.inner().to_string();
        let missing = said
            .split('`')
            .nth(1)
            .filter(|_| said.starts_with("missing"));
        let reason = match (missing, error.path().to_string().as_str()) {
            (Some(key), _) => format!("it has no `{key}`"),
            (None, _) if !error.inner().is_data() => "it is not JSON to its end".to_owned(),
            (None, path) => format!("`{path}` is not what a record has there"),
        };
        format!("this is no record of a request: {reason}")
    })?;
    Ok((!record.warmup).then(|| Traced {
        at: record.scheduled_ns as f64 / 1e9,
        input: record
            .server_prompt_tokens
            .or(record.input_tokens)
            .unwrap_or(record.input_tokens_asked),
        output: record.output_tokens.unwrap_or(record.output_tokens_asked),
    }))
}

struct Columns {
    at: usize,
    input: usize,
    output: usize,
}

impl Columns {
    fn of(head: &str) -> Result<Self, String> {
        let names: Vec<String> = head
            .split(',')
            .map(|name| name.trim().trim_matches('"').to_ascii_lowercase())
            .collect();
        let find = |known: &[&str]| {
            names
                .iter()
                .position(|name| known.contains(&name.as_str()))
                .ok_or_else(|| {
                    format!("no column {} in the first line: {head}", known.join(" or "))
                })
        };
        Ok(Self {
            at: find(&["timestamp", "arrived_at", "time"])?,
            input: find(&["contexttokens", "num_prefill_tokens", "input_tokens"])?,
            output: find(&["generatedtokens", "num_decode_tokens", "output_tokens"])?,
        })
    }
}

fn row(text: &str, columns: &Columns) -> Result<Traced, String> {
    let cells: Vec<&str> = text
        .split(',')
        .map(|cell| cell.trim().trim_matches('"'))
        .collect();
    let cell = |index: usize| {
        cells
            .get(index)
            .copied()
            .ok_or_else(|| format!("{} cells are too few", cells.len()))
    };
    let tokens = |index| {
        let text = cell(index)?;
        text.parse::<u32>()
            .map_err(|_| format!("`{text}` is no number of tokens"))
    };
    let at = cell(columns.at)?;
    Ok(Traced {
        at: seconds(at).ok_or_else(|| format!("`{at}` is no time"))?,
        input: tokens(columns.input)?,
        output: tokens(columns.output)?,
    })
}

/// A number of seconds, or `2023-11-16 18:15:46.6805900`, with or without a zone, which is the same for all lines.
fn seconds(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let (date, time) = text.split_once([' ', 'T'])?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let time = time.split(['+', 'Z']).next()?;
    let mut time = time.splitn(3, ':');
    let hours: f64 = time.next()?.parse().ok()?;
    let minutes: f64 = time.next()?.parse().ok()?;
    let rest: f64 = time.next()?.parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "days of a calendar")]
    let days = days(year, month, day) as f64;
    Some(days * 86_400.0 + hours * 3600.0 + minutes * 60.0 + rest)
}

/// Days since 0000-03-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
}
