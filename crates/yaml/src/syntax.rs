//! Syntax errors in words of the user: what stands there, what was expected, and how to mend it.

use granit_parser::{ErrorKind, ScanError};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::indent;
use crate::source::{Source, Span};
use crate::stack::Context;

/// Turns an error of the event parser into a problem at the offending token.
pub(crate) fn explain(source: &Source, error: &ScanError, context: &Context) -> Diagnostic {
    let place = Place::new(
        source,
        error.marker().byte_offset().unwrap_or(source.text.len()),
    );
    if let Some(problem) = indent::explain(source, place.offset, error.kind(), context) {
        return problem;
    }
    match error.kind() {
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            let style = if place.rest().starts_with('"') {
                "double"
            } else {
                "single"
            };
            place
                .error(format!("unterminated {style}-quoted string"), 1)
                .label(place.never_closed())
        }
        ErrorKind::UnclosedFlowCollection { open } => place
            .error(format!("`{open}` is never closed"), 1)
            .label(place.never_closed()),
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => place.inside_brackets(context),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => place
            .error(format!("`{open}` is closed by `{close}`"), 1)
            .label(match open {
                '[' => "expected `]`",
                _ => "expected `}`",
            })
            .opened(source, context.bracket),
        ErrorKind::MisplacedFlowCollectionEnd => {
            let bracket = place.rest().chars().next().unwrap_or(']');
            place
                .error(format!("`{bracket}` closes nothing"), 1)
                .label("remove it, or quote the text that it belongs to")
        }
        ErrorKind::MappingValueNotAllowed => place.second_colon(context),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedDocumentStart => place.wrong_level(error.kind(), context),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            let word = place.word();
            place
                .error("expected a key and a colon", word.len())
                .label(format!("no `: ` follows `{word}`"))
        }
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => place
            .error(
                format!("control character U+{:04X}", u32::from(*character)),
                1,
            )
            .help("remove it, or write it as an escape in double quotes"),
        ErrorKind::UnexpectedCharacter { character } => place
            .error(format!("a plain value cannot start with `{character}`"), 1)
            .label("quote the value"),
        ErrorKind::UnknownQuotedScalarEscape => place.bad_escape(),
        ErrorKind::InvalidTrailingSingleQuotedScalar => place.after_quote(
            '\'',
            "inside single quotes a quote is written twice: 'it''s'",
        ),
        ErrorKind::InvalidTrailingDoubleQuotedScalar => place.after_quote(
            '"',
            "inside double quotes a quote is written with a backslash: \"say \\\"hi\\\"\"",
        ),
        ErrorKind::BlockSequenceEntryNotAllowed => place
            .error("a list cannot start here", 1)
            .label("put the first item on a line of its own"),
        ErrorKind::RecursionLimitExceeded => {
            let mut problem = place
                .error("nested too deep", 1)
                .label("this level is too deep");
            problem.code = codes::LIMIT;
            problem
        }
        other => place
            .error(shorten(&other.to_string()), 1)
            .help("quote the text that stands there, or write it on lines of its own"),
    }
}

/// The parser's phrases name what it was doing; the snippet shows that already.
fn shorten(message: &str) -> String {
    match message.split_once(", ") {
        Some((doing, what)) if doing.starts_with("while ") => what.to_owned(),
        _ => message.to_owned(),
    }
}

struct Place<'s> {
    source: &'s Source,
    offset: usize,
}

impl<'s> Place<'s> {
    fn new(source: &'s Source, offset: usize) -> Self {
        let offset = Span::new(offset, offset).clip(&source.text).start;
        Self { source, offset }
    }

    fn error(&self, message: impl Into<String>, length: usize) -> Diagnostic {
        let end = self
            .rest()
            .char_indices()
            .nth(length.max(1))
            .map_or(self.source.text.len(), |(at, _)| self.offset + at);
        // Nothing is to be pointed at beyond the last line: the end of the text stands for it.
        let end = if self.rest().starts_with(['\n', '\r']) {
            self.offset
        } else {
            end
        };
        Diagnostic::error(codes::SYNTAX, message).at(
            self.source,
            Span::new(self.offset, end).clip(&self.source.text),
        )
    }

    fn rest(&self) -> &'s str {
        self.source.text.get(self.offset..).unwrap_or_default()
    }

    fn line_start(&self, offset: usize) -> usize {
        indent::line_start(self.source, offset)
    }

    /// The text from the place to the end of its line.
    fn word(&self) -> &'s str {
        let line = self.rest().split(['\n', '\r']).next().unwrap_or_default();
        line.split(": ")
            .next()
            .unwrap_or_default()
            .trim_end()
            .trim_end_matches(':')
    }

    fn column(&self, offset: usize) -> usize {
        self.source.line_col(offset).column - 1
    }

    /// A reader who is told where the text ends knows how far the parser has looked.
    fn never_closed(&self) -> String {
        let text = self.source.text.trim_end();
        let last = self.source.line_col(text.len()).line;
        format!("opened here, never closed (the text ends at line {last})")
    }

    fn inside_brackets(&self, context: &Context) -> Diagnostic {
        let open = context
            .bracket
            .map(|span| self.source.slice(span))
            .unwrap_or_default();
        let (close, what) = if open == "[" {
            ("]", "list")
        } else {
            ("}", "mapping")
        };
        self.error(format!("expected `,` or `{close}`"), 1)
            .label(format!("the {what} is still open here"))
            .opened(self.source, context.bracket)
    }

    /// A colon where no value may start: a line that is indented wrongly, or a colon in an unquoted text.
    fn second_colon(&self, context: &Context) -> Diagnostic {
        let line_start = self.line_start(self.offset);
        if let Some(scalar) = context.scalar
            && scalar.start < line_start
            && scalar.end > line_start
        {
            let before = self
                .source
                .text
                .get(line_start..self.offset)
                .unwrap_or_default();
            let key = before.trim();
            let key_start = line_start + (before.len() - before.trim_start().len());
            let key_span = Span::new(key_start, key_start + key.len());
            let first_line = self.source.slice(scalar).lines().next().unwrap_or_default();
            if context.sibling.is_none()
                && let Some(colon) = first_line.find(':')
            {
                let at = scalar.start + colon;
                return Diagnostic::error(codes::SYNTAX, "no space after the colon")
                    .at(self.source, Span::new(at, at + 1))
                    .label("a space must follow the colon of a key");
            }
            return self.misaligned(key, key_span, context);
        }
        self.error("a second `: ` in one line", 1)
            .label("if the colon belongs to the value, quote the value")
    }

    /// Text behind a quoted string, which may well be one that was meant to end lines above.
    fn after_quote(&self, quote: char, help: &str) -> Diagnostic {
        let problem = self.error("text after the closing quote", 1).help(help);
        let closing = self
            .source
            .text
            .get(..self.offset)
            .and_then(|before| before.rfind(quote))
            .unwrap_or(0);
        let opening = self
            .source
            .text
            .get(..closing)
            .and_then(|before| before.rfind(quote));
        match opening {
            Some(at) if at < self.line_start(self.offset) => problem
                .secondary(self.source, Span::new(at, at + 1), "the string starts here")
                .help("or close the string on the line where it starts"),
            _ => problem,
        }
    }

    /// A line whose indentation fits no level above.
    fn wrong_level(&self, kind: &ErrorKind, context: &Context) -> Diagnostic {
        // A directive without a document is reported behind itself.
        let offset = self
            .source
            .text
            .get(..self.offset)
            .map_or(0, |before| match self.word() {
                "" => before.trim_end().len(),
                _ => self.offset,
            });
        let line_start = self.line_start(offset);
        let line = self.source.text.get(line_start..).unwrap_or_default();
        let line = line.split(['\n', '\r']).next().unwrap_or_default();
        let start = line_start + (line.len() - line.trim_start().len());
        let here = Place::new(self.source, start);
        if line.starts_with('%') {
            return here
                .error("a plain value cannot start with `%`", 1)
                .label("quote the value");
        }
        let is_item = line.trim_start() == "-" || line.trim_start().starts_with("- ");
        if is_item && *kind == ErrorKind::ExpectedBlockMappingKey {
            return here
                .error("a list item among the keys of a mapping", 1)
                .label("expected a key");
        }
        let word = here.word();
        if *kind == ErrorKind::ExpectedBlockSequenceEntry {
            return here
                .error(
                    format!("`{word}` among the items of a list"),
                    word.chars().count(),
                )
                .label("expected `- `");
        }
        if context.sibling.is_some() {
            return here.misaligned(word, Span::new(start, start + word.len()), context);
        }
        here.error(
            format!("`{word}` does not belong to the document above"),
            word.chars().count(),
        )
        .label("check the indentation of the lines above")
    }

    fn misaligned(&self, key: &str, key_span: Span, context: &Context) -> Diagnostic {
        let problem = |message| Diagnostic::error(codes::SYNTAX, message).at(self.source, key_span);
        let Some((sibling, span)) = &context.sibling else {
            return problem(format!("`{key}` is indented wrongly"))
                .label("indent it as the keys beside it");
        };
        let (here, there) = (self.column(key_span.start), self.column(span.start));
        if here == there {
            return problem(format!("`{key}` follows something that is not finished"))
                .label("finish what stands before it")
                .secondary(self.source, *span, "the key before");
        }
        let columns = |count| {
            if count == 1 {
                "1 column".to_owned()
            } else {
                format!("{count} columns")
            }
        };
        let line = self.source.line_col(span.start).line;
        let problem = problem(format!(
            "`{key}` is indented by {} but its sibling `{sibling}` (line {line}) by {there}",
            columns(here)
        ))
        .label(format!("indent it by {there}"))
        .secondary(self.source, *span, "sibling");
        if here <= there + 1 {
            return problem;
        }
        problem.help(format!(
            "or remove the value of `{sibling}` if `{key}` belongs under it"
        ))
    }

    fn bad_escape(&self) -> Diagnostic {
        const KNOWN: &str = "0abt\tnvfre \"/\\N_LPxuU\n\r";
        let mut characters = self.rest().char_indices();
        while let Some((at, character)) = characters.next() {
            if character != '\\' {
                continue;
            }
            let Some((_, escaped)) = characters.next() else {
                break;
            };
            if !KNOWN.contains(escaped) {
                return Place::new(self.source, self.offset + at)
                    .error(format!("unknown escape `\\{escaped}` in a double-quoted string"), 2)
                    .help("write `\\\\` for a backslash, or use single quotes, in which a backslash is itself");
            }
        }
        self.error("unknown escape in a double-quoted string", 1)
            .help("write `\\\\` for a backslash")
    }
}

impl Diagnostic {
    fn opened(self, source: &Source, bracket: Option<Span>) -> Self {
        match bracket {
            Some(span) if span != self.span => self.secondary(source, span, "opened here"),
            _ => self,
        }
    }
}
