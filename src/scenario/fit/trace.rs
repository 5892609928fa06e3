//! Traces: the CSV of the Azure LLM inference dataset, and the records that loadgen writes.

use std::io::{self, BufRead, BufReader, Read};

use bench_contract::RequestRecord;

use super::Traced;
use super::time::{Instant, Written};

/// Why a trace cannot be read.
#[derive(Debug)]
pub enum TraceError {
    /// The file or stream fails.
    Io(io::Error),
    /// What is read is no trace.
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// How a file that was compressed by zstd begins.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Reads a trace, compressed by zstd or not, line by line; the first line tells which kind it is. Requests of a warm-up
/// are left out.
///
/// # Errors
/// The first line that cannot be read.
pub fn read(mut input: impl BufRead) -> Result<Vec<Traced>, TraceError> {
    let mut head = Vec::with_capacity(ZSTD.len());
    input
        .by_ref()
        .take(ZSTD.len() as u64)
        .read_to_end(&mut head)
        .map_err(TraceError::Io)?;
    let is_compressed = head == ZSTD;
    let whole = io::Cursor::new(head).chain(input);
    if is_compressed {
        let decoder = zstd::Decoder::with_buffer(whole).map_err(TraceError::Io)?;
        lines(BufReader::new(decoder))
    } else {
        lines(whole)
    }
}

fn lines(input: impl BufRead) -> Result<Vec<Traced>, TraceError> {
    let mut requests = Vec::new();
    let mut kind = None;
    for (index, line) in input.lines().enumerate() {
        let fail = |reason: String| TraceError::Line {
            line: index + 1,
            reason,
        };
        let line = line.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => fail("it is not UTF-8".to_owned()),
            _ => TraceError::Io(error),
        })?;
        let text = line.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let is_record = text.starts_with('{');
        match &mut kind {
            None if is_record => {
                kind = Some(Kind::Records);
                requests.extend(record(text).map_err(fail)?);
            }
            None => kind = Some(Kind::Table(Table::of(text).map_err(fail)?)),
            Some(Kind::Records) => requests.extend(record(text).map_err(fail)?),
            Some(Kind::Table(table)) => requests.push(table.row(text).map_err(fail)?),
        }
    }
    Ok(requests)
}

/// What the lines of a trace are.
enum Kind {
    /// Those of `requests.jsonl`.
    Records,
    /// Those of a CSV.
    Table(Table),
}

/// A line of `requests.jsonl`.
#[expect(
    clippy::cast_precision_loss,
    reason = "a run's nanoseconds are far below 2^53"
)]
fn record(text: &str) -> Result<Option<Traced>, String> {
    let record: RequestRecord =
        serde_json::from_str(text).map_err(|error| format!("no record of a request: {error}"))?;
    Ok((!record.warmup).then(|| Traced {
        at: record.scheduled_ns as f64 / 1e9,
        input: record
            .server_prompt_tokens
            .or(record.input_tokens)
            .unwrap_or(record.input_tokens_asked),
        output: record.output_tokens.unwrap_or(record.output_tokens_asked),
    }))
}

/// A CSV whose first line names its columns.
struct Table {
    /// What stands between cells.
    separator: char,
    at: usize,
    input: usize,
    output: usize,
    /// How the first instant is written, which all others have to be too.
    written: Option<Written>,
}

impl Table {
    fn of(head: &str) -> Result<Self, String> {
        // What is in the line most often: spreadsheets write semicolons where a comma is in numbers.
        let separator = [',', ';', '\t']
            .into_iter()
            .rev()
            .max_by_key(|separator| head.matches(*separator).count())
            .unwrap_or(',');
        let names: Vec<String> = cells(head, separator)
            .map(str::to_ascii_lowercase)
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
            separator,
            at: find(&["timestamp", "arrived_at", "time"])?,
            input: find(&["contexttokens", "num_prefill_tokens", "input_tokens"])?,
            output: find(&["generatedtokens", "num_decode_tokens", "output_tokens"])?,
            written: None,
        })
    }

    fn row(&mut self, text: &str) -> Result<Traced, String> {
        let cells: Vec<&str> = cells(text, self.separator).collect();
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
        let text = cell(self.at)?;
        let at = Instant::read(text).ok_or_else(|| format!("`{text}` is no time"))?;
        let first = *self.written.get_or_insert(at.written);
        if at.written != first {
            return Err(format!(
                "`{text}` is {}, and the first time is {}",
                at.written.as_str(),
                first.as_str()
            ));
        }
        Ok(Traced {
            at: at.seconds,
            input: tokens(self.input)?,
            output: tokens(self.output)?,
        })
    }
}

fn cells(line: &str, separator: char) -> impl Iterator<Item = &str> {
    line.split(separator)
        .map(|cell| cell.trim().trim_matches('"'))
}
