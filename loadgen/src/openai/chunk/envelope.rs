//! The bytes around the text of an event, by which the next event is known without a parser.

use memchr::memchr2;

/// What an event in a stream begins with, as most servers write it.
const FIELD: &[u8] = b"data: ";

/// What stands before that where events have names, with the name and a line end after it.
const NAME: &[u8] = b"event: ";

/// What it ends with.
const END: &[u8] = b"\n\n";

/// The bytes around the text of an event that brought nothing but text.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// Those of the whole event as it would be in a stream: its name where it has one, [`FIELD`], what is before the text, what
    /// is after it, [`END`].
    bytes: Vec<u8>,
    /// How many of them are before the data.
    field: usize,
    /// How many of them are before the text.
    before: usize,
    /// Whether the text is visible: not reasoning.
    pub(super) visible: bool,
}

/// What is between the quotes of a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Middle<'a> {
    /// Text as it is, in UTF-8.
    Plain(&'a [u8]),
    /// Text with escapes.
    Escaped,
}

impl Envelope {
    /// Becomes the bytes of `data`, that of an event of this name, around `text`, which is a part of it.
    pub(super) fn set(&mut self, name: Option<&[u8]>, data: &[u8], text: &str, visible: bool) {
        let Some(before) = (text.as_ptr() as usize).checked_sub(data.as_ptr() as usize) else {
            return;
        };
        let (Some(head), Some(tail)) = (data.get(..before), data.get(before + text.len()..)) else {
            return;
        };
        self.bytes.clear();
        // Of several `data` fields: in a stream, their line ends are something else.
        if [head, tail]
            .iter()
            .any(|part| memchr2(b'\r', b'\n', part).is_some())
        {
            return;
        }
        if let Some(name) = name {
            for part in [NAME, name, b"\n"] {
                self.bytes.extend_from_slice(part);
            }
        }
        self.bytes.extend_from_slice(FIELD);
        self.field = self.bytes.len();
        for part in [head, tail, END] {
            self.bytes.extend_from_slice(part);
        }
        self.before = self.field + before;
        self.visible = visible;
    }

    /// What `data`, that of one event of this name, has in this envelope, if it is this envelope around another text; none if it
    /// is not, and none if only the parser can tell. What is found here, the parser would find too.
    pub(super) fn open<'a>(&self, name: Option<&[u8]>, data: &'a [u8]) -> Option<Middle<'a>> {
        let (before, after) = self.bytes.split_at_checked(self.before)?;
        let (front, before) = before.split_at_checked(self.field)?;
        let is_named_so = match name {
            None => front.len() == FIELD.len(),
            Some(name) => front
                .strip_prefix(NAME)
                .is_some_and(|front| front.strip_prefix(name) == Some(b"\ndata: ")),
        };
        let after = after.strip_suffix(END).filter(|_| is_named_so)?;
        middle(data.strip_prefix(before)?.strip_suffix(after)?)
    }

    /// The same of `event` as it is in a stream.
    pub(super) fn open_framed<'a>(&self, event: &'a [u8]) -> Option<Middle<'a>> {
        // Two empty sides would hold any bytes.
        if self.bytes.is_empty() {
            return None;
        }
        let (before, after) = self.bytes.split_at(self.before);
        middle(event.strip_prefix(before)?.strip_suffix(after)?)
    }
}

/// Reads what should be the inside of a JSON string that is not empty. A quote would end it, and what follows could be
/// anything; control characters and broken escapes the parser refuses.
fn middle(bytes: &[u8]) -> Option<Middle<'_>> {
    let is_plain = |byte: &u8| matches!(byte, 0x20..0x80) && !matches!(byte, b'"' | b'\\');
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return Some(Middle::Plain(bytes));
    }
    let mut rest = bytes;
    let mut is_escaped = false;
    loop {
        rest = match rest {
            [] => break,
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                after @ ..,
            ] => {
                is_escaped = true;
                after
            }
            [b'\\', b'u', a, b, c, d, after @ ..]
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit())
                    // D800 to DFFF are halves, and whether they fit is for the parser to say.
                    && (matches!(b, b'0'..=b'7') || !a.eq_ignore_ascii_case(&b'd')) =>
            {
                is_escaped = true;
                after
            }
            [b'\\' | b'"' | 0..0x20, ..] => return None,
            [_, after @ ..] => after,
        };
    }
    if bytes.is_empty() || std::str::from_utf8(bytes).is_err() {
        return None;
    }
    Some(if is_escaped {
        Middle::Escaped
    } else {
        Middle::Plain(bytes)
    })
}
