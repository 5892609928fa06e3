//! Where a body ends: by length, in chunks, or with the connection.

use memchr::memchr;
use thiserror::Error;

use super::head::Framing;

/// The most that the line of a chunk's size, or a trailer, may take.
const MOST_LINE: usize = 8 * 1024;

/// The most that all trailers may take.
const MOST_TRAILERS: usize = 64 * 1024;

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
    /// The trailers do not end.
    #[error("the trailers do not end within 64 KiB")]
    LongTrailers,
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
    /// In the line of a chunk's size; the digits so far, how many, and what of the line is to come.
    Size {
        size: u64,
        digits: u8,
        place: Place,
        line: usize,
    },
    /// In a chunk.
    Data(u64),
    /// After a chunk: CR LF is to come; true once CR has come.
    DataEnd(bool),
    /// After the empty chunk: trailers; the length of the line, and of all of them, so far.
    Trailer {
        line: usize,
        all: usize,
    },
    Done,
}

/// Where in the line of a chunk's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Digits,
    /// Blanks after the digits, which some servers pad with.
    Blanks,
    Extension,
    /// After CR.
    LineFeed,
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

    /// The chunk at the beginning of `bytes`, the next ones of the connection, if all of it is there and written as most are;
    /// and how many bytes it takes with its size and its line ends. Whoever uses it goes on after these: nothing else has to be
    /// known of it.
    #[must_use]
    pub fn whole_chunk<'a>(&self, bytes: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let is_between = matches!(self.state, State::Size { line: 0, .. });
        is_between.then(|| whole_chunk(bytes)).flatten()
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
                State::Trailer { line, all } => {
                    let end = memchr(b'\n', rest);
                    let used = end.map_or(rest.len(), |end| end + 1);
                    let text = &rest[..end.unwrap_or(rest.len())];
                    *line += text.iter().filter(|byte| **byte != b'\r').count();
                    *all += used;
                    if *line > MOST_LINE {
                        return Err(BodyError::LongLine.into());
                    }
                    if *all > MOST_TRAILERS {
                        return Err(BodyError::LongTrailers.into());
                    }
                    if end.is_some() && *line == 0 {
                        self.state = State::Done;
                    } else if end.is_some() {
                        *line = 0;
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
            place,
            line,
        } = &mut self.state
        else {
            return Ok(0);
        };
        for (at, byte) in rest.iter().enumerate() {
            *line += 1;
            if *line > MOST_LINE {
                return Err(BodyError::LongLine);
            }
            match (*place, byte) {
                (Place::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                    let digit = (*byte as char).to_digit(16).unwrap_or_default();
                    *digits += 1;
                    if *digits > 16 {
                        return Err(BodyError::BadSize);
                    }
                    *size = (*size << 4) | u64::from(digit);
                }
                _ if *digits == 0 => return Err(BodyError::BadSize),
                (_, b'\n') => {
                    self.state = if *size == 0 {
                        State::Trailer { line: 0, all: 0 }
                    } else {
                        State::Data(*size)
                    };
                    return Ok(at + 1);
                }
                // Whoever takes a lone CR for nothing, or `1 2` for one number, can be told two ends of one body.
                (Place::LineFeed, _) => return Err(BodyError::BadSize),
                (_, b'\r') => *place = Place::LineFeed,
                (Place::Extension, _) => {}
                (_, b';') => *place = Place::Extension,
                (_, b' ' | b'\t') => *place = Place::Blanks,
                _ => return Err(BodyError::BadSize),
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
            place: Place::Digits,
            line: 0,
        }
    }
}

/// The chunk at the beginning of `bytes`, and how many bytes it takes there.
fn whole_chunk(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut size = 0;
    // Eight digits fill no `usize`.
    for (digits, byte) in bytes.iter().enumerate().take(9) {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if size > 0 => {
                let after = bytes[digits..].strip_prefix(b"\r\n")?;
                let (chunk, end) = after.split_at_checked(size)?;
                return end
                    .starts_with(b"\r\n")
                    .then_some((chunk, digits + 2 + size + 2));
            }
            _ => return None,
        };
        size = (size << 4) | usize::from(digit);
    }
    None
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
            ("1\r1\r\nx\r\n", BodyError::BadSize),
            ("1;a\rb\r\n", BodyError::BadSize),
            ("\r1\r\nx\r\n", BodyError::BadSize),
            ("1 1\r\nx\r\n", BodyError::BadSize),
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
        let endless = "0\r\n".to_owned() + &"x: y\r\n".repeat(MOST_TRAILERS / 6 + 1);
        assert_eq!(
            read(Framing::Chunked, &[endless.as_bytes()]).err(),
            Some(BodyError::LongTrailers)
        );
    }

    #[test]
    fn a_whole_chunk_is_one_that_needs_no_following() {
        let body = Body::new(Framing::Chunked);
        let text = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n".as_slice();
        assert_eq!(body.whole_chunk(text), Some((b"hello".as_slice(), 10)));
        assert_eq!(body.whole_chunk(&text[10..]), Some((b"!".as_slice(), 6)));
        for other in [
            "0\r\n\r\n",
            "5\r\nhello\r",
            "5\r\nhel",
            "5\r\nhello!\r\n",
            "5 \r\nhello\r\n",
            "5;a=b\r\nhello\r\n",
            "5\nhello\r\n",
            "000000005\r\nhello\r\n",
            "fffffffff\r\n",
            "x\r\n",
            "\r\n",
            "",
        ] {
            assert_eq!(body.whole_chunk(other.as_bytes()), None, "{other:?}");
        }
        let mut begun = body.clone();
        begun.decode(b"5", |_| Ok::<(), BodyError>(())).unwrap();
        assert_eq!(begun.whole_chunk(text), None);
        assert_eq!(Body::new(Framing::UntilClose).whole_chunk(text), None);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_come(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..30), 0..6),
            cut in 1usize..120,
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
