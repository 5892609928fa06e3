//! The body of a request that did not come in one read.

use super::MAX_BODY;
use super::head::Framing;

/// Why a body cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Malformed,
}

/// A body being put together.
#[derive(Debug)]
pub(crate) struct BodyReader {
    state: State,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes to come.
    Length(u64),
    /// In a chunk-size line: the value so far, digits seen, and whether its extension has begun.
    Size {
        value: u64,
        digits: u32,
        extension: bool,
    },
    /// In a chunk's data.
    Data(u64),
    /// After a chunk's data: its line end.
    DataEnd,
    /// After the last chunk: in a trailer line of so many characters.
    Trailer(u32),
    Done,
}

const SIZE: State = State::Size {
    value: 0,
    digits: 0,
    extension: false,
};

impl BodyReader {
    pub(crate) fn new(framing: Framing) -> Self {
        let (state, reserve) = match framing {
            Framing::Length(0) => (State::Done, 0),
            Framing::Length(n) => (State::Length(n), n.min(1 << 20)),
            Framing::Chunked => (SIZE, 0),
        };
        Self {
            state,
            bytes: Vec::with_capacity(reserve as usize),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what belongs to the body from the front of `data`; returns how many bytes that was.
    pub(crate) fn feed(&mut self, data: &[u8]) -> Result<usize, BodyError> {
        let mut at = 0;
        while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Done => break,
                State::Length(left) => {
                    let n = self.take(rest, left)?;
                    at += n;
                    let left = left - n as u64;
                    self.state = if left == 0 {
                        State::Done
                    } else {
                        State::Length(left)
                    };
                }
                State::Data(left) => {
                    let n = self.take(rest, left)?;
                    at += n;
                    let left = left - n as u64;
                    self.state = if left == 0 {
                        State::DataEnd
                    } else {
                        State::Data(left)
                    };
                }
                State::Size { .. } | State::DataEnd | State::Trailer(_) => {
                    self.state = line_byte(self.state, rest[0])?;
                    at += 1;
                }
            }
        }
        Ok(at)
    }

    fn take(&mut self, rest: &[u8], left: u64) -> Result<usize, BodyError> {
        let n = (rest.len() as u64).min(left) as usize;
        if self.bytes.len() + n > MAX_BODY {
            return Err(BodyError::TooLarge);
        }
        self.bytes.extend_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// One byte outside chunk data. Line ends may be CRLF or LF.
fn line_byte(state: State, byte: u8) -> Result<State, BodyError> {
    match state {
        State::Size {
            value,
            digits,
            extension,
        } => match byte {
            b'\n' if digits == 0 => Err(BodyError::Malformed),
            b'\n' if value == 0 => Ok(State::Trailer(0)),
            b'\n' => Ok(State::Data(value)),
            b'\r' => Ok(state),
            b';' | b' ' | b'\t' => Ok(State::Size {
                value,
                digits,
                extension: true,
            }),
            _ if extension => Ok(state),
            _ => {
                let digit = char::from(byte).to_digit(16).ok_or(BodyError::Malformed)?;
                let value = value * 16 + u64::from(digit);
                if value > MAX_BODY as u64 {
                    return Err(BodyError::TooLarge);
                }
                Ok(State::Size {
                    value,
                    digits: digits + 1,
                    extension,
                })
            }
        },
        State::DataEnd => match byte {
            b'\r' => Ok(State::DataEnd),
            b'\n' => Ok(SIZE),
            _ => Err(BodyError::Malformed),
        },
        State::Trailer(seen) => match byte {
            b'\n' if seen == 0 => Ok(State::Done),
            b'\n' => Ok(State::Trailer(0)),
            b'\r' => Ok(state),
            _ if seen > 8192 => Err(BodyError::TooLarge),
            _ => Ok(State::Trailer(seen + 1)),
        },
        State::Length(_) | State::Data(_) | State::Done => Ok(state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"5;x=\"y\"\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\nnext";

    #[test]
    fn chunked_in_any_cuts() {
        for step in 1..CHUNKED.len() {
            let mut reader = BodyReader::new(Framing::Chunked);
            let mut used = 0;
            for piece in CHUNKED.chunks(step) {
                used += reader.feed(piece).unwrap();
            }
            assert!(reader.is_done());
            assert_eq!(reader.bytes, b"hello world", "{step}");
            assert_eq!(&CHUNKED[used..], b"next");
        }
    }

    #[test]
    fn length_in_any_cuts() {
        for step in 1..6 {
            let mut reader = BodyReader::new(Framing::Length(5));
            let mut used = 0;
            for piece in b"hellonext".chunks(step) {
                used += reader.feed(piece).unwrap();
            }
            assert_eq!((reader.bytes.as_slice(), used), (&b"hello"[..], 5));
        }
        assert!(BodyReader::new(Framing::Length(0)).is_done());
    }

    #[test]
    fn refusals() {
        for (text, error) in [
            ("x\r\n", BodyError::Malformed),
            ("\r\n", BodyError::Malformed),
            ("1\r\nabc", BodyError::Malformed),
            ("fffffffff\r\n", BodyError::TooLarge),
        ] {
            let mut reader = BodyReader::new(Framing::Chunked);
            assert_eq!(reader.feed(text.as_bytes()), Err(error), "{text:?}");
        }
    }
}
