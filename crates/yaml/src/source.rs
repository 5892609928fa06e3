//! Texts by name, places in them, and what a human calls such a place.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What a source is, which decides how a place in it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// A text of lines: a file, standard input, a built-in text. Places are `name:line:column`.
    Text,
    /// One command line argument. Places are a caret under the argument; line numbers would say nothing.
    Argument,
    /// A file whose text could not be read: it has a name, and no places.
    Unread,
}

/// A text and the name its user knows it by. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// What the user typed or would recognise: a path, `<stdin>`, `--set argument 1`, `built-in defaults`.
    pub name: Arc<str>,
    /// The text that spans count into. It never starts with a byte order mark.
    pub text: Arc<str>,
    /// Whether this is a text of lines or a command line argument.
    pub kind: SourceKind,
}

impl Source {
    /// A text of lines. A byte order mark at its start is dropped, so that columns count what is seen.
    pub fn new(name: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        Self {
            name: name.as_ref().into(),
            text: text.strip_prefix('\u{feff}').unwrap_or(text).into(),
            kind: SourceKind::Text,
        }
    }

    /// A command line argument, byte for byte. `name` says which one: `--set argument 1`.
    pub fn argument(name: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        Self {
            name: name.as_ref().into(),
            text: text.as_ref().into(),
            kind: SourceKind::Argument,
        }
    }

    /// A file whose text could not be read.
    pub fn unread(name: impl AsRef<str>) -> Self {
        Self {
            name: name.as_ref().into(),
            text: "".into(),
            kind: SourceKind::Unread,
        }
    }

    /// The line and column of a byte offset. Offsets past the end count as the end.
    pub fn line_col(&self, offset: usize) -> LineCol {
        let offset = floor_boundary(&self.text, offset);
        let before = self.text.get(..offset).unwrap_or_default();
        let mut line = 1;
        let mut line_start = 0;
        for (index, byte) in before.bytes().enumerate() {
            // A carriage return counts only when no line feed follows it, also just after the offset.
            let ends = byte == b'\n'
                || (byte == b'\r' && self.text.as_bytes().get(index + 1) != Some(&b'\n'));
            if ends {
                line += 1;
                line_start = index + 1;
            }
        }
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        LineCol { line, column }
    }

    /// Where a span begins and ends, for machine-readable formats.
    pub fn location(&self, span: Span) -> Location {
        Location {
            name: self.name.clone(),
            start: self.line_col(span.start),
            end: self.line_col(span.end),
        }
    }

    /// The text of a span, as far as it lies within the source.
    pub fn slice(&self, span: Span) -> &str {
        let span = span.clip(&self.text);
        self.text.get(span.range()).unwrap_or_default()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text can be long, and it can hold secrets.
        write!(f, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

/// A half-open range of bytes in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to `end`; an end before the start gives an empty span at the start.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The span as a range.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether the span covers no byte.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The smallest span that covers both.
    pub fn join(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The same span, cut to the text and to its character boundaries.
    pub fn clip(self, text: &str) -> Self {
        let start = floor_boundary(text, self.start);
        Self {
            start,
            end: floor_boundary(text, self.end).max(start),
        }
    }
}

/// A place as a human counts it: both numbers start at 1, columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineCol {
    /// The line in the whole file, whatever document it belongs to.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// A span as machine-readable formats want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The name of the source.
    pub name: Arc<str>,
    /// The first character.
    pub start: LineCol,
    /// The character after the last one.
    pub end: LineCol,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.start.line, self.start.column)
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let place = Source::new("t", text).line_col(offset);
        (place.line, place.column)
    }

    #[test]
    fn counts_lines_of_every_ending() {
        assert_eq!(at("a\nb", 2), (2, 1));
        assert_eq!(at("a\r\nb", 3), (2, 1));
        assert_eq!(at("a\rb", 2), (2, 1));
        assert_eq!(at("a\r\nb", 2), (1, 3));
    }

    #[test]
    fn counts_characters_not_bytes() {
        assert_eq!(at("가나: x", 8), (1, 5));
        assert_eq!(at("가나: x", 1), (1, 1));
        assert_eq!(at("가나: x", 99), (1, 6));
    }

    #[test]
    fn drops_the_byte_order_mark() {
        assert_eq!(&*Source::new("t", "\u{feff}a: 1").text, "a: 1");
    }
}
