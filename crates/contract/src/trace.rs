//! Traces of requests: the CSV of the Azure LLM inference dataset, Mooncake's JSON lines, and the records that loadgen writes.

mod packed;

use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;

use crate::records;
use crate::units::TokenCount;
pub use packed::unpacked;

/// A request of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedRequest {
    /// When it arrived, in nanoseconds from any origin that is the same for the whole trace.
    pub at_ns: i64,
    /// Tokens of the prompt.
    pub input: TokenCount,
    /// Tokens of the reply.
    pub output: TokenCount,
    /// Names of the blocks of 512 tokens that the prompt consists of: what two prompts have in common, they share. Empty where
    /// the trace does not say.
    pub blocks: Vec<u64>,
}

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

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line { line, reason } => write!(f, "line {line}: {reason}"),
        }
    }
}

impl std::error::Error for TraceError {}

/// Reads a trace line by line; its lines tell which kind it is. Requests of a warm-up are left out.
#[derive(Debug)]
pub struct TraceReader<R> {
    input: R,
    text: String,
    line: usize,
    kind: Option<Kind>,
}

/// What the lines of a trace are.
#[derive(Debug)]
enum Kind {
    /// Those of `requests.jsonl`.
    Records,
    /// Those of Mooncake's traces.
    Mooncake,
    /// Those of a CSV.
    Table(Table),
}

impl<R: BufRead> TraceReader<R> {
    /// Reads from `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            text: String::new(),
            line: 0,
            kind: None,
        }
    }

    /// Whether what was read last is a record of loadgen's: those are written as requests end, not as they were due.
    pub fn is_of_loadgen(&self) -> bool {
        matches!(self.kind, Some(Kind::Records))
    }

    /// The line of the request that was read last, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The next request; `None` after the last.
    fn read(&mut self) -> Result<Option<TracedRequest>, TraceError> {
        loop {
            self.text.clear();
            self.line += 1;
            let line = self.line;
            let fail = |reason: String| TraceError::Line { line, reason };
            let read = self.input.read_line(&mut self.text);
            let read = read.map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => fail("it is not UTF-8".to_owned()),
                _ => TraceError::Io(error),
            })?;
            if read == 0 {
                return Ok(None);
            }
            let text = self.text.trim_start_matches('\u{feff}').trim();
            if text.is_empty() {
                continue;
            }
            if self.kind.is_none() && text.starts_with('{') {
                self.kind = Some(if text.contains("\"input_length\"") {
                    Kind::Mooncake
                } else {
                    Kind::Records
                });
            }
            match &mut self.kind {
                None => self.kind = Some(Kind::Table(Table::of(text).map_err(fail)?)),
                Some(Kind::Table(table)) => return table.row(text).map(Some).map_err(fail),
                Some(Kind::Mooncake) => return mooncake(text).map(Some).map_err(fail),
                Some(Kind::Records) => {
                    if let Some(request) = record(text).map_err(fail)? {
                        return Ok(Some(request));
                    }
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for TraceReader<R> {
    type Item = Result<TracedRequest, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// A line of `requests.jsonl`.
fn record(text: &str) -> Result<Option<TracedRequest>, String> {
    let record = records::parse(text.as_bytes())?;
    let at_ns = i64::try_from(record.scheduled_ns).map_err(|error| error.to_string())?;
    Ok((!record.warmup).then(|| TracedRequest {
        at_ns,
        input: record
            .server_prompt_tokens
            .or(record.input_tokens)
            .unwrap_or(record.input_tokens_asked),
        output: record.output_tokens.unwrap_or(record.output_tokens_asked),
        blocks: Vec::new(),
    }))
}

/// A line of a Mooncake trace; its instants are milliseconds.
fn mooncake(text: &str) -> Result<TracedRequest, String> {
    #[derive(Deserialize)]
    struct Line {
        timestamp: f64,
        input_length: TokenCount,
        output_length: TokenCount,
        #[serde(default)]
        hash_ids: Vec<u64>,
    }
    let line: Line = serde_json::from_str(text).map_err(|error| {
        let error = error.to_string();
        let reason = error.split(" at line ").next().unwrap_or(&error);
        format!("not a request of a Mooncake trace: {reason}")
    })?;
    let at = line.timestamp * 1e6;
    if at.is_nan() || at.abs() >= 9e18 {
        return Err(format!("`{}` is no time in milliseconds", line.timestamp));
    }
    #[expect(clippy::cast_possible_truncation, reason = "in the interval")]
    Ok(TracedRequest {
        at_ns: at.round() as i64,
        input: line.input_length,
        output: line.output_length,
        blocks: line.hash_ids,
    })
}

/// A CSV whose first line names its columns.
#[derive(Debug)]
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

    fn row(&mut self, text: &str) -> Result<TracedRequest, String> {
        let cell = |wanted: usize| {
            cells(text, self.separator)
                .nth(wanted)
                .ok_or_else(|| format!("{} cells are too few", cells(text, self.separator).count()))
        };
        let tokens = |index| {
            let text = cell(index)?;
            text.parse::<TokenCount>()
                .map_err(|_| format!("`{text}` is no number of tokens"))
        };
        let at = cell(self.at)?;
        let (at_ns, written) = nanoseconds(at).ok_or_else(|| format!("`{at}` is no time"))?;
        let request = TracedRequest {
            at_ns,
            input: tokens(self.input)?,
            output: tokens(self.output)?,
            blocks: Vec::new(),
        };
        let first = *self.written.get_or_insert(written);
        if written != first {
            return Err(format!(
                "`{at}` is {}, and the first time is {}",
                written.as_str(),
                first.as_str()
            ));
        }
        Ok(request)
    }
}

fn cells(line: &str, separator: char) -> impl Iterator<Item = &str> {
    line.split(separator)
        .map(|cell| cell.trim().trim_matches('"'))
}

/// How an instant is written. Two that are written differently have no distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// A number of seconds.
    Seconds,
    /// A date, without saying where.
    Date,
    /// A date with a zone.
    DateInZone,
}

impl Written {
    /// In words.
    fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "a number of seconds",
            Self::Date => "a date without a zone",
            Self::DateInZone => "a date with a zone",
        }
    }
}

/// A number of seconds, or a date and time as `2023-11-16 18:15:46.6805900` or `2024-05-10 00:00:00.009930+00:00`, without a
/// zone in UTC. Every digit counts: the traces have stamps of 100 ns and of 1 us.
fn nanoseconds(text: &str) -> Option<(i64, Written)> {
    let Some((date, rest)) = text.split_once([' ', 'T']) else {
        return Some((decimal(text)?, Written::Seconds));
    };
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1900..=2200).contains(&year) {
        return None;
    }
    let zone = rest.find(['+', '-', 'Z', 'z']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone);
    let written = if zone.is_empty() {
        Written::Date
    } else {
        Written::DateInZone
    };
    let mut parts = time.trim().splitn(3, ':');
    let (hours, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let seconds = decimal(parts.next()?)?;
    // The 61st is a leap second.
    if hours >= 24 || !(0..61 * NANOS).contains(&seconds) {
        return None;
    }
    let minutes = (days_since_1970(year, month, day) * 24 + hours) * 60 + minutes - offset(zone)?;
    let at = (minutes * 60).checked_mul(NANOS)?.checked_add(seconds)?;
    Some((at, written))
}

const NANOS: i64 = 1_000_000_000;

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| (0..60).contains(number))
}

/// Minutes of `+01:00`, `-0530`, `+02`, `Z` or nothing.
fn offset(zone: &str) -> Option<i64> {
    let zone = zone.trim_end();
    let sign = match zone.chars().next() {
        None => return Some(0),
        Some('Z' | 'z') => return (zone.len() == 1).then_some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let digits: String = zone.chars().skip(1).filter(|&c| c != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    let hours = number(hours).filter(|hours| *hours < 24)?;
    Some(sign * (hours * 60 + number(minutes)?))
}

/// Seconds as nanoseconds, digit by digit; digits beyond the ninth are cut off. Text with an exponent goes by way of a float.
fn decimal(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.contains(['e', 'E']) {
        let seconds: f64 = text.parse().ok()?;
        let nanos = (seconds * 1e9).round();
        #[expect(clippy::cast_possible_truncation, reason = "in the interval")]
        return (nanos.abs() < 9e18).then_some(nanos as i64);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let nanos = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let whole: i64 = whole.parse().ok()?;
    let value = whole.checked_mul(NANOS)?.checked_add(nanos)?;
    Some(if negative { -value } else { value })
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let since_march_of_0 = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 1;
    since_march_of_0 - 719_468
}

#[cfg(test)]
mod tests;
