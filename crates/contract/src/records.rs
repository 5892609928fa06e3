//! Reading `requests.jsonl` record by record, as far as it can be read.

use std::fmt;
use std::io::{self, BufRead};

use crate::record::RequestRecord;

/// Why a record cannot be read.
#[derive(Debug)]
pub enum RecordError {
    /// The file or stream fails.
    Io(io::Error),
    /// A whole line is no record.
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line { line, reason } => write!(f, "line {line}: {reason}"),
        }
    }
}

impl std::error::Error for RecordError {}

/// Where readable records end before their file does, as a killed writer leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Whole lines before it.
    pub lines: u64,
    /// What stands there instead of the next line.
    pub reason: String,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after line {}", self.reason, self.lines)
    }
}

/// Reads records line by line. What cannot be decompressed, or ends within a line, ends the records and is told by
/// [`RecordReader::cut`]; a whole line that is no record is an error.
#[derive(Debug)]
pub struct RecordReader<R> {
    input: R,
    text: Vec<u8>,
    lines: u64,
    cut: Option<Cut>,
}

impl<R: BufRead> RecordReader<R> {
    /// Reads from `input`, which [`unpacked`](crate::trace::unpacked) may have made.
    pub fn new(input: R) -> Self {
        Self {
            input,
            text: Vec::new(),
            lines: 0,
            cut: None,
        }
    }

    /// Where the records end before the file does. Known once [`RecordReader::read`] has given the last.
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// The next record; `None` after the last one that can be read.
    ///
    /// # Errors
    /// When the file fails, or holds a whole line that is no record.
    pub fn read(&mut self) -> Result<Option<RequestRecord>, RecordError> {
        while self.cut.is_none() {
            self.text.clear();
            match self.input.read_until(b'\n', &mut self.text) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                // What the decompressor says has no number of the system's.
                Err(error) if error.raw_os_error().is_none() => {
                    self.end(why_undecodable(&error));
                    return Ok(None);
                }
                Err(error) => return Err(RecordError::Io(error)),
            }
            let is_whole = self.text.ends_with(b"\n");
            let text = self.text.trim_ascii();
            if text.is_empty() {
                self.lines += u64::from(is_whole);
                continue;
            }
            match parse(text) {
                Ok(record) => {
                    self.lines += 1;
                    return Ok(Some(record));
                }
                Err(_) if !is_whole => self.end("the file ends within a line".to_owned()),
                Err(reason) => {
                    let line = self.lines + 1;
                    return Err(RecordError::Line { line, reason });
                }
            }
        }
        Ok(None)
    }

    fn end(&mut self, reason: String) {
        self.cut = Some(Cut {
            lines: self.lines,
            reason,
        });
    }
}

fn why_undecodable(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        "the file ends within a compressed frame".to_owned()
    } else {
        format!("the file cannot be decompressed ({error})")
    }
}

/// A line of `requests.jsonl`.
///
/// # Errors
/// When it is none, with what is wrong.
pub(crate) fn parse(text: &[u8]) -> Result<RequestRecord, String> {
    serde_json::from_slice(text).map_err(|_| why_none(text))
}

/// Why a line is no record, in plain words.
fn why_none(text: &[u8]) -> String {
    let mut json = serde_json::Deserializer::from_slice(text);
    let why = match serde_path_to_error::deserialize::<_, RequestRecord>(&mut json) {
        Err(error) => in_words(&error),
        Ok(_) => "something follows it".to_owned(),
    };
    format!("this is no record of a request: {why}")
}

fn in_words(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let said = error.inner().to_string();
    let missing = said
        .split('`')
        .nth(1)
        .filter(|_| said.starts_with("missing"));
    match (missing, error.path().to_string().as_str()) {
        (Some(key), _) => format!("it has no `{key}`"),
        (None, _) if !error.inner().is_data() => "it is not JSON to its end".to_owned(),
        (None, ".") => "it is not a mapping".to_owned(),
        (None, path) => format!("`{path}` is not what a record has there"),
    }
}

#[cfg(test)]
mod tests;
