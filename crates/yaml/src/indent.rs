//! Indentation that is no spaces: tabs, and characters that look like a space.

use granit_parser::ErrorKind;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};
use crate::stack::Context;

/// The problem of a tab in indentation.
pub(crate) fn tab(source: &Source, start: usize) -> Diagnostic {
    let rest = source.text.get(start..).unwrap_or_default();
    let run = rest.len() - rest.trim_start_matches('\t').len();
    Diagnostic::error(codes::SYNTAX, "tab used for indentation")
        .at(
            source,
            Span::new(start, start + run.max(1)).clip(&source.text),
        )
        .label("YAML forbids tabs here; use spaces")
}

/// The problem of a character in indentation that looks like a space.
pub(crate) fn lookalike_space(source: &Source, start: usize, space: char) -> Diagnostic {
    let name = if space == '\u{a0}' {
        "no-break space"
    } else {
        "full-width space"
    };
    Diagnostic::error(codes::SYNTAX, format!("{name} used for indentation"))
        .at(source, Span::new(start, start + space.len_utf8()))
        .label("it looks like a space and is none; use spaces")
}

/// The problem of a tab before a token, when nothing but white space stands before it on its line.
pub(crate) fn tab_before(source: &Source, offset: usize) -> Option<Diagnostic> {
    let line_start = line_start(source, offset);
    let indentation = source.text.get(line_start..offset).unwrap_or_default();
    let at = indentation.find('\t')?;
    let blank = indentation.trim_matches([' ', '\t']).is_empty();
    blank.then(|| tab(source, line_start + at))
}

/// Where a list with dashes starts. One that is not indented below its key starts, to the event parser, behind its first dash.
pub(crate) fn first_dash(source: &Source, start: Span) -> Span {
    let text = &source.text;
    if text
        .get(start.start..)
        .is_some_and(|rest| rest.starts_with('-'))
    {
        return start;
    }
    let before = text
        .get(..start.start)
        .unwrap_or_default()
        .trim_end_matches([' ', '\t']);
    if before.ends_with('-') {
        Span::new(before.len() - 1, before.len() - 1)
    } else {
        start
    }
}

/// Where the line of an offset starts.
pub(crate) fn line_start(source: &Source, offset: usize) -> usize {
    let before = source.text.get(..offset);
    before
        .and_then(|before| before.rfind(['\n', '\r']))
        .map_or(0, |end| end + 1)
}

/// Explains a syntax error by the indentation of its line, if that is what is wrong.
pub(crate) fn explain(
    source: &Source,
    offset: usize,
    kind: &ErrorKind,
    context: &Context,
) -> Option<Diagnostic> {
    let about_tabs = matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    );
    if context.bracket.is_some() && !about_tabs {
        return None;
    }
    let mut start = line_start(source, offset);
    let lines = source.text.get(start..).unwrap_or_default();
    for line in lines.split_inclusive('\n') {
        let indentation = line.len()
            - line
                .trim_start_matches([' ', '\t', '\u{a0}', '\u{3000}'])
                .len();
        let indentation = line.get(..indentation).unwrap_or_default();
        if let Some(at) = indentation.find('\t') {
            return Some(tab(source, start + at));
        }
        if let Some((at, space)) = indentation
            .char_indices()
            .find(|(_, c)| matches!(c, '\u{a0}' | '\u{3000}'))
        {
            return Some(lookalike_space(source, start + at, space));
        }
        // A tab that ends a plain scalar stands on a line below the scalar's start.
        if !about_tabs {
            return None;
        }
        start += line.len();
    }
    let at = source.text.get(offset..)?.find('\t')?;
    Some(tab(source, offset + at))
}
