//! The entries of a file of JSON, one after the other: the elements of an array, or values that follow each other. Only one
//! of them is in memory at a time.

use std::io::{self, BufRead, Read};

use memchr::{memchr, memchr_iter, memchr2};

/// The most that one entry may take, in bytes.
const MOST: usize = 64 * 1024 * 1024;

/// The mark that Windows puts before a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// One entry: where it stands, and its bytes, which are not yet known to be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Its first line, from 1.
    pub line: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Why there are no more entries.
#[derive(Debug)]
pub(super) enum ScanError {
    /// The file cannot be read.
    Io(io::Error),
    /// What follows is no entry.
    Syntax {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

/// Takes a file apart.
#[derive(Debug)]
pub(super) struct Scanner<R> {
    input: R,
    bytes: Vec<u8>,
    offset: u64,
    line: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was read.
    Start,
    /// Between values that follow each other.
    Between,
    /// In an array, before an element.
    Element {
        /// Whether there were others, so that a comma has to be there.
        after: bool,
    },
    /// Behind the end.
    End,
}

/// Takes a file of lines apart: each line that is not blank is an entry.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    bytes: Vec<u8>,
    offset: u64,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads from `input`.
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            offset: 0,
            line: 0,
        }
    }

    /// The next entry; none after the last.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is too long.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'_>>, ScanError> {
        loop {
            self.offset += self.bytes.len() as u64;
            self.line += 1;
            self.bytes.clear();
            let most = MOST as u64 + 1;
            let mut input = (&mut self.input).take(most);
            let read = input.read_until(b'\n', &mut self.bytes);
            if read.map_err(ScanError::Io)? == 0 {
                return Ok(None);
            }
            if self.bytes.len() > MOST {
                return Err(ScanError::Syntax {
                    line: self.line,
                    reason: "this line is longer than 64 MiB".to_owned(),
                });
            }
            if !self.bytes.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        let mark = if self.line == 1 && self.bytes.starts_with(MARK) {
            MARK.len()
        } else {
            0
        };
        Ok(Some(Entry {
            offset: self.offset + mark as u64,
            line: self.line,
            bytes: self.bytes[mark..].trim_ascii_end(),
        }))
    }
}

/// Where a value is whole.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl<R: BufRead> Scanner<R> {
    /// Reads from `input`.
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            offset: 0,
            line: 1,
            state: State::Start,
        }
    }

    /// The next entry; none after the last.
    ///
    /// # Errors
    /// When the file cannot be read, or what follows cannot be an entry.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'_>>, ScanError> {
        if !self.advance()? {
            return Ok(None);
        }
        let (offset, line) = (self.offset, self.line);
        self.value()?;
        Ok(Some(Entry {
            offset,
            line,
            bytes: &self.bytes,
        }))
    }

    /// Goes to the next value; says whether there is one.
    fn advance(&mut self) -> Result<bool, ScanError> {
        if self.state == State::Start {
            self.skip_mark()?;
            self.state = match self.peek()? {
                Some(b'[') => {
                    self.step(1);
                    State::Element { after: false }
                }
                _ => State::Between,
            };
        }
        loop {
            let next = self.peek()?;
            return match (self.state, next) {
                (State::End | State::Between | State::Start, None) => Ok(false),
                (State::End, Some(_)) => Err(self.fail("something follows the end of the array")),
                (State::Element { .. }, None) => {
                    Err(self.fail("the file ends within the array: it was cut"))
                }
                (State::Element { .. }, Some(b']')) => {
                    self.step(1);
                    self.state = State::End;
                    continue;
                }
                (State::Element { after: true }, Some(b',')) => {
                    self.step(1);
                    self.peek()?;
                    Ok(true)
                }
                (State::Element { after: true }, Some(_)) => {
                    Err(self.fail("a comma is missing between two entries"))
                }
                (State::Element { after: false }, Some(_)) => {
                    self.state = State::Element { after: true };
                    Ok(true)
                }
                (State::Between | State::Start, Some(_)) => Ok(true),
            };
        }
    }

    /// Reads one value: an object or list up to its end, anything else up to the end of its line.
    fn value(&mut self) -> Result<(), ScanError> {
        self.bytes.clear();
        let first = self.line;
        let mut nesting = Nesting::default();
        loop {
            let chunk = self.input.fill_buf().map_err(ScanError::Io)?;
            if chunk.is_empty() && nesting.is_whole() {
                return Ok(());
            }
            if chunk.is_empty() {
                let reason = "the file ends within this entry: it was cut".to_owned();
                return Err(ScanError::Syntax {
                    line: first,
                    reason,
                });
            }
            let end = nesting.end(chunk);
            let used = end.unwrap_or(chunk.len());
            self.bytes.extend_from_slice(&chunk[..used]);
            self.step(used);
            if end.is_some() {
                return Ok(());
            }
            if self.bytes.len() > MOST {
                let reason = "this entry is larger than 64 MiB".to_owned();
                return Err(ScanError::Syntax {
                    line: first,
                    reason,
                });
            }
        }
    }

    /// The next byte that is no space, if there is one.
    fn peek(&mut self) -> Result<Option<u8>, ScanError> {
        loop {
            let chunk = self.input.fill_buf().map_err(ScanError::Io)?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let spaces = chunk.iter().take_while(|byte| byte.is_ascii_whitespace());
            let spaces = spaces.count();
            let found = chunk.get(spaces).copied();
            self.step(spaces);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Leaves out the mark that Windows puts before a text.
    fn skip_mark(&mut self) -> Result<(), ScanError> {
        for byte in MARK {
            let chunk = self.input.fill_buf().map_err(ScanError::Io)?;
            if chunk.first() != Some(byte) {
                break;
            }
            self.step(1);
        }
        Ok(())
    }

    /// Goes over `count` bytes of what was read.
    fn step(&mut self, count: usize) {
        if let Ok(chunk) = self.input.fill_buf() {
            let count = count.min(chunk.len());
            self.line += memchr_iter(b'\n', &chunk[..count]).count() as u64;
            self.offset += count as u64;
            self.input.consume(count);
        }
    }

    fn fail(&self, reason: &str) -> ScanError {
        ScanError::Syntax {
            line: self.line,
            reason: reason.to_owned(),
        }
    }
}

impl Nesting {
    /// Whether nothing is open.
    fn is_whole(&self) -> bool {
        self.depth == 0 && !self.in_string
    }

    /// Where the value ends in `bytes`, which go on from those before; none if it goes on.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self.escaped {
                self.escaped = false;
                at += 1;
            } else if self.in_string {
                let found = memchr2(b'"', b'\\', rest)?;
                at += found + 1;
                self.escaped = rest[found] == b'\\';
                self.in_string = self.escaped;
            } else {
                match rest[0] {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    // No object: whatever it is, it ends with its line.
                    _ if self.depth == 0 => {
                        return memchr(b'\n', rest).map(|found| at + found);
                    }
                    _ => {}
                }
                at += 1;
            }
            // A bare text is an entry, too.
            if self.is_whole() {
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{BufReader, Cursor};

    /// Offset, line and text of an entry.
    type Found = (u64, u64, String);

    fn entries(text: &str, chunk: usize) -> Result<Vec<Found>, (u64, String)> {
        let mut scanner = Scanner::new(BufReader::with_capacity(chunk, Cursor::new(text)));
        let mut found = Vec::new();
        loop {
            match scanner.next() {
                Ok(None) => return Ok(found),
                Ok(Some(entry)) => found.push((
                    entry.offset,
                    entry.line,
                    String::from_utf8(entry.bytes.to_vec()).unwrap(),
                )),
                Err(ScanError::Syntax { line, reason }) => return Err((line, reason)),
                Err(ScanError::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn arrays_and_lines_come_apart_whatever_the_reads() {
        let array = "\u{feff}[\r\n  {\"a\": \"]}\\\"\"},\n{\"b\": [1, {\"c\": 2}]}\n]\n";
        let lines = "{\"a\": \"\\\\\"}\n\n  {\"b\": \"{\"}\r\n\"text\"\n";
        for chunk in [1, 2, 3, 7, 4096] {
            let found = entries(array, chunk).unwrap();
            assert_eq!(
                found,
                [
                    (8, 2, "{\"a\": \"]}\\\"\"}".to_owned()),
                    (23, 3, "{\"b\": [1, {\"c\": 2}]}".to_owned())
                ]
            );
            let found = entries(lines, chunk).unwrap();
            let texts: Vec<_> = found
                .iter()
                .map(|(_, line, text)| (*line, text.as_str()))
                .collect();
            assert_eq!(
                texts,
                [
                    (1, "{\"a\": \"\\\\\"}"),
                    (3, "{\"b\": \"{\"}"),
                    (4, "\"text\"")
                ]
            );
        }
        assert_eq!(entries("", 8), Ok(Vec::new()));
        assert_eq!(entries("[ ]", 8), Ok(Vec::new()));
    }

    #[test]
    fn a_line_ends_where_it_ends_whatever_is_in_it() {
        let text = "\u{feff}{\"a\": \"x\n\r\n  \n{\"b\": 1}\r\n\"last\"";
        let mut lines = Lines::new(BufReader::with_capacity(3, Cursor::new(text)));
        let mut found = Vec::new();
        while let Some(entry) = lines.next().unwrap() {
            let bytes = String::from_utf8(entry.bytes.to_vec()).unwrap();
            let at = entry.offset as usize;
            assert_eq!(&text.as_bytes()[at..at + bytes.len()], bytes.as_bytes());
            found.push((entry.line, bytes));
        }
        let texts: Vec<_> = found
            .iter()
            .map(|(line, text)| (*line, text.as_str()))
            .collect();
        assert_eq!(
            texts,
            [(1, "{\"a\": \"x"), (4, "{\"b\": 1}"), (5, "\"last\"")]
        );
    }

    #[test]
    fn what_is_broken_is_named_by_line() {
        for (text, line, reason) in [
            ("[{\"a\": 1}\n{\"b\": 2}]", 2, "a comma is missing"),
            ("[{\"a\": 1},\n{\"b\": 2", 2, "ends within this entry"),
            ("[{\"a\": 1}\n", 2, "ends within the array"),
            ("[1]\n[2]", 2, "a comma is missing"),
            ("[{}]\n{}", 2, "follows the end"),
        ] {
            let (at, why) = entries(text, 16).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    proptest! {
        #[test]
        fn entries_are_those_that_were_written(texts in prop::collection::vec(".{0,40}", 0..20), chunk in 1usize..64, array: bool) {
            let values: Vec<String> = texts.iter().map(|text| serde_json::json!({"t": text, "n": [text, {}]}).to_string()).collect();
            let file = if array { format!("[{}]", values.join(",\n")) } else { values.join("\n") };
            let found = entries(&file, chunk).unwrap();
            prop_assert_eq!(found.len(), values.len());
            for ((offset, _, text), value) in found.iter().zip(&values) {
                prop_assert_eq!(text, value);
                let at = *offset as usize;
                prop_assert_eq!(&file.as_bytes()[at..at + value.len()], value.as_bytes());
            }
        }
    }
}
