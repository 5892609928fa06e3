//! The lines of a text that a snippet shows: secrets masked, line ends alike, spans moved along.

use std::ops::Range;

use crate::mask::{STARS, apart, secrets};
use crate::source::Span;

/// Lines cut out of a text.
pub(crate) struct Window {
    /// The lines, made safe to show.
    pub(crate) text: String,
    /// The number of the first one.
    pub(crate) first_line: usize,
    /// The spans asked for, in the window's own text; each within one line.
    pub(crate) spans: Vec<Span>,
}

impl Window {
    pub(crate) fn new(text: &str, spans: &[Span], hidden: &[Span]) -> Self {
        let spans: Vec<Span> = spans.iter().map(|span| one_line(text, *span)).collect();
        let from = spans
            .iter()
            .map(|span| line_start(text, span.start))
            .min()
            .unwrap_or(0);
        let to = spans
            .iter()
            .map(|span| line_end(text, span.end))
            .max()
            .unwrap_or(0);
        let lines = text.get(from..to).unwrap_or_default();
        let hidden = hidden
            .iter()
            .flat_map(|span| on_lines(text, *span))
            .filter(|range| from <= range.start && range.end <= to)
            .map(|range| range.start - from..range.end - from);
        let (shown, moves) = rewrite(lines, hidden.collect());
        let move_to = |offset: usize| moved(&moves, offset - from, shown.len());
        let spans = spans
            .iter()
            .map(|span| Span::new(move_to(span.start), move_to(span.end)))
            .collect();
        let before = text.get(..from).unwrap_or_default();
        Self {
            first_line: count_breaks(before) + 1,
            spans,
            text: shown,
        }
    }
}

/// The span, ending where its first line ends, and not behind the last line of the text.
fn one_line(text: &str, span: Span) -> Span {
    let last = text.trim_end_matches(['\n', '\r']).len();
    let span = span.clip(text);
    // A place on a line is fine even if that line is blank; a place behind the final line end is on no line.
    let start = if span.start >= text.len() {
        last
    } else {
        span.start
    };
    Span::new(start, span.end.min(line_end(text, start)))
}

/// The parts of a span on each of its lines, without the space around them.
fn on_lines(text: &str, span: Span) -> Vec<Range<usize>> {
    let span = span.clip(text);
    let mut parts = Vec::new();
    let mut at = span.start;
    for line in text
        .get(span.range())
        .unwrap_or_default()
        .split_inclusive(['\n', '\r'])
    {
        let start = at + (line.len() - line.trim_start().len());
        let end = at + line.trim_end().len();
        if start < end {
            parts.push(start..end);
        }
        at += line.len();
    }
    parts
}

fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset)
        .and_then(|before| before.rfind(['\n', '\r']))
        .map_or(0, |end| end + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    text.get(offset..)
        .and_then(|rest| rest.find(['\n', '\r']))
        .map_or(text.len(), |at| offset + at)
}

fn count_breaks(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |index: usize| {
        bytes[index] == b'\n' || (bytes[index] == b'\r' && bytes.get(index + 1) != Some(&b'\n'))
    };
    (0..bytes.len()).filter(|&index| ends(index)).count()
}

/// Where a replaced part went: its range in the text, and in the shown text.
type Move = (Range<usize>, Range<usize>);

/// The text as shown, and what was replaced in it.
fn rewrite(text: &str, hidden: Vec<Range<usize>>) -> (String, Vec<Move>) {
    let mut shown = String::with_capacity(text.len());
    let mut moves = Vec::new();
    let mut replace = |shown: &mut String, range: Range<usize>, with: &str| {
        let start = shown.len();
        shown.push_str(with);
        moves.push((range, start..shown.len()));
    };
    let mut secrets = secrets(text);
    secrets.extend(hidden);
    let secrets = apart(secrets);
    let mut hidden = secrets.iter().peekable();
    let mut skip_to = 0;
    for (at, character) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if let Some(range) = hidden.next_if(|range| range.start == at) {
            replace(&mut shown, range.clone(), STARS);
            skip_to = range.end;
            continue;
        }
        let end = at + character.len_utf8();
        match character {
            '\r' if text.as_bytes().get(end) == Some(&b'\n') => replace(&mut shown, at..end, ""),
            '\r' => replace(&mut shown, at..end, "\n"),
            other if is_unsafe(other) => replace(&mut shown, at..end, "\u{fffd}"),
            other => shown.push(other),
        }
    }
    (shown, moves)
}

fn moved(moves: &[Move], offset: usize, length: usize) -> usize {
    let mut result = offset;
    for (from, to) in moves {
        if offset >= from.end {
            result = to.end + (offset - from.end);
        } else if offset > from.start {
            // Inside a replaced part: a start moves to its start, which also does for an end.
            result = to.start;
            break;
        } else {
            break;
        }
    }
    result.min(length)
}

/// C1 controls and Unicode's own line separators, which the snippet renderer would pass on to the terminal.
fn is_unsafe(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
    )
}

/// A text without characters that steer a terminal.
pub(crate) fn tame(text: &str) -> String {
    text.chars()
        .map(|character| {
            if is_unsafe(character) {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_moves() {
        let text = "a: 1\r\nhf: hf_0123456789abcdef # x\r\n";
        let at = text.find("# x").unwrap();
        let window = Window::new(text, &[Span::new(at, at + 3)], &[]);
        assert_eq!(window.first_line, 2);
        assert_eq!(window.text, "hf: hf_******** # x");
        assert_eq!(&window.text[window.spans[0].range()], "# x");
    }

    #[test]
    fn hides_what_it_is_told_to() {
        let text = "a: {b: plain words, c: 1}\nd: |\n  x\n  y\n";
        let span = Span::new(7, 18);
        let window = Window::new(text, &[span], &[span]);
        assert_eq!(window.text, "a: {b: ********, c: 1}");
        assert_eq!(&window.text[window.spans[0].range()], "********");
        let block = Span::new(29, text.len());
        let window = Window::new(text, &[Span::new(33, 34), Span::new(37, 38)], &[block]);
        assert_eq!(window.text, "  ********\n  ********");
    }

    #[test]
    fn never_points_behind_the_last_line() {
        let window = Window::new("a: 1\n\n", &[Span::new(6, 6)], &[]);
        assert_eq!(
            (window.text.as_str(), window.spans[0]),
            ("a: 1", Span::new(4, 4))
        );
    }
}
