//! Where a body ends: by length, in chunks, or with the connection.

use memchr::memchr;
use thiserror::Error;

use super::head::Framing;

/// The most that the line of a chunk's size, or a trailer, may take.
const MOST_LINE: usize = 8 * 1024;

/// Why a body cannot be followed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// The size of a chunk is no hexadecimal number, or too large for one.
    #[error("the size of a chunk is not a hexadecimal number")]
    BadSize,
    /// A chunk's data is not followed by a line end.
    #[error("a chunk is not followed by a line end")]
    NoLineEnd,
    /// The line of a chunk's size, or a trailer, does not end.
    #[error("the line of a chunk's size does not end within 8 KiB")]
    LongLine,
}

/// Follows one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are still to come.
    Length(u64),
    UntilClose,
    /// In the line of a chunk's size; the digits so far, how many, and whether an extension has begun.
    Size {
        size: u64,
        digits: u8,
        extension: bool,
        line: usize,
    },
    /// In a chunk.
    Data(u64),
    /// After a chunk: CR LF is to come; true once CR has come.
    DataEnd(bool),
    /// After the empty chunk: trailers; the length of the line so far.
    Trailer(usize),
    Done,
}

impl Body {
    /// A body that ends as `framing` says.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::size(),
            Framing::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// Whether the body has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the end of the connection, now, is the end of the body.
    #[must_use]
    pub fn may_close(&self) -> bool {
        matches!(self.state, State::Done | State::UntilClose)
    }

    /// Takes the next bytes of the connection, gives the parts that are body to `sink`, and returns how many were used. Bytes
    /// that are left over come after the end of the body.
    ///
    /// # Errors
    /// [`BodyError`]; nothing more can be read then.
    pub fn decode<E: From<BodyError>>(
        &mut self,
        bytes: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            let rest = &bytes[at..];
            at += match &mut self.state {
                State::Done => 0,
                State::UntilClose => {
                    sink(rest)?;
                    rest.len()
                }
                State::Length(left) => {
                    let (used, ended) = take(rest, left, &mut sink)?;
                    if ended {
                        self.state = State::Done;
                    }
                    used
                }
                State::Data(left) => {
                    let (used, ended) = take(rest, left, &mut sink)?;
                    if ended {
                        self.state = State::DataEnd(false);
                    }
                    used
                }
                State::Size { .. } => self.size(rest)?,
                State::DataEnd(carriage_return) => {
                    match (rest[0], *carriage_return) {
                        (b'\r', false) => *carriage_return = true,
                        (b'\n', _) => self.state = State::size(),
                        _ => return Err(BodyError::NoLineEnd.into()),
                    }
                    1
                }
                State::Trailer(line) => {
                    let end = memchr(b'\n', rest);
                    let used = end.map_or(rest.len(), |end| end + 1);
                    let text = &rest[..end.unwrap_or(rest.len())];
                    *line += text.iter().filter(|byte| **byte != b'\r').count();
                    if *line > MOST_LINE {
                        return Err(BodyError::LongLine.into());
                    }
                    if end.is_some() {
                        self.state = if *line == 0 {
                            State::Done
                        } else {
                            State::Trailer(0)
                        };
                    }
                    used
                }
            };
        }
        Ok(at)
    }

    /// Reads what there is of the line of a chunk's size.
    fn size(&mut self, rest: &[u8]) -> Result<usize, BodyError> {
        let State::Size {
            size,
            digits,
            extension,
            line,
        } = &mut self.state
        else {
            return Ok(0);
        };
        for (place, byte) in rest.iter().enumerate() {
            *line += 1;
            if *line > MOST_LINE {
                return Err(BodyError::LongLine);
            }
            let digit = (*byte as char).to_digit(16).filter(|_| !*extension);
            match (byte, digit) {
                (_, Some(digit)) => {
                    *digits += 1;
                    if *digits > 16 {
                        return Err(BodyError::BadSize);
                    }
                    *size = (*size << 4) | u64::from(digit);
                }
                (b'\n', None) if *digits == 0 => return Err(BodyError::BadSize),
                (b'\n', None) => {
                    self.state = if *size == 0 {
                        State::Trailer(0)
                    } else {
                        State::Data(*size)
                    };
                    return Ok(place + 1);
                }
                (b'\r', None) => {}
                (b';' | b' ' | b'\t', None) => *extension = true,
                (_, None) if *extension => {}
                (_, None) => return Err(BodyError::BadSize),
            }
        }
        Ok(rest.len())
    }
}

impl State {
    fn size() -> Self {
        Self::Size {
            size: 0,
            digits: 0,
            extension: false,
            line: 0,
        }
    }
}

/// Gives at most `left` bytes of `rest` to `sink`; returns how many, and whether none are left to come.
fn take<E>(
    rest: &[u8],
    left: &mut u64,
    sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(usize, bool), E> {
    let used = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
    *left -= used as u64;
    sink(&rest[..used])?;
    Ok((used, *left == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The body in `pieces`, how many bytes came after it, and the follower.
    fn read(framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<u8>, usize, Body), BodyError> {
        let (mut body, mut read, mut surplus) = (Body::new(framing), Vec::new(), 0);
        for piece in pieces {
            let used = body.decode(piece, |part| {
                read.extend_from_slice(part);
                Ok::<(), BodyError>(())
            })?;
            surplus += piece.len() - used;
        }
        Ok((read, surplus, body))
    }

    #[test]
    fn each_framing_has_its_end() {
        let (read_, surplus, body) = read(Framing::Length(5), &[b"hel", b"lo!!"]).unwrap();
        assert_eq!(
            (read_.as_slice(), surplus, body.is_done()),
            (b"hello".as_slice(), 2, true)
        );
        let (read_, _, body) = read(Framing::UntilClose, &[b"hel", b"lo"]).unwrap();
        assert_eq!(
            (read_.as_slice(), body.is_done(), body.may_close()),
            (b"hello".as_slice(), false, true)
        );
        let (_, _, body) = read(Framing::Length(5), &[b"hel"]).unwrap();
        assert!(!body.may_close());
        assert!(Body::new(Framing::Length(0)).is_done());
    }

    #[test]
    fn chunks_with_extensions_and_trailers() {
        let text =
            b"5;name=\"a;b\"\r\nhello\r\n1 \r\n!\r\n00\r\nx-trailer: 1\r\n\r\nNEXT".as_slice();
        let (read_, surplus, body) = read(Framing::Chunked, &[text]).unwrap();
        assert_eq!(
            (read_.as_slice(), surplus, body.is_done()),
            (b"hello!".as_slice(), 4, true)
        );
    }

    #[test]
    fn broken_chunks_are_refused() {
        for (text, error) in [
            ("xyz\r\n", BodyError::BadSize),
            ("\r\n", BodyError::BadSize),
            ("-5\r\n", BodyError::BadSize),
            ("11111111111111111\r\n", BodyError::BadSize),
            ("1\r\nab", BodyError::NoLineEnd),
        ] {
            assert_eq!(
                read(Framing::Chunked, &[text.as_bytes()]).err(),
                Some(error),
                "{text:?}"
            );
        }
        let endless = "1;".to_owned() + &"x".repeat(MOST_LINE);
        assert_eq!(
            read(Framing::Chunked, &[endless.as_bytes()]).err(),
            Some(BodyError::LongLine)
        );
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_come(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..30), 0..6),
            cut in 1usize..9,
        ) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n\r\n");
            let pieces: Vec<&[u8]> = text.chunks(cut).collect();
            let (read_, surplus, body) = read(Framing::Chunked, &pieces).unwrap();
            prop_assert_eq!(read_, chunks.concat());
            prop_assert!(surplus == 0 && body.is_done());
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = read(Framing::Chunked, &pieces);
        }
    }
}
