//! Drawing problems in the manner of rustc.

use std::borrow::Cow;
use std::sync::Arc;

use annotate_snippets::{
    Annotation, AnnotationKind, Element, Level, Origin, Padding, Renderer, Snippet,
    normalize_untrusted_str,
};

use crate::diagnostic::{Diagnostic, Severity};
use crate::mask::mask;
use crate::source::{Source, SourceKind, Span};
use crate::window::Window;

/// Whether to write ANSI colour sequences. Whether a terminal wants them is the caller's to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Color {
    /// Plain text.
    #[default]
    Never,
    /// With ANSI sequences.
    Always,
}

/// Lines of source are trimmed around the caret to this many columns.
const WIDTH: usize = 140;

/// Draws the problems, each as message, place, snippet with carets, notes and remedies, a blank line between them.
///
/// They come ordered by place: sources in the order in which they first appear, positions within a source. Problems
/// without a source come first. Secrets are masked, and control characters are shown as pictures, so that no text of
/// a user can steer the terminal. The result ends with a line feed unless it is empty.
pub fn render(problems: &[Diagnostic], color: Color) -> String {
    let renderer = match color {
        Color::Never => Renderer::plain(),
        Color::Always => Renderer::styled(),
    }
    .term_width(WIDTH);
    let hidden: Vec<(&Source, Span)> = problems
        .iter()
        .filter_map(|problem| Some((problem.source.as_ref()?, problem.hidden?)))
        .collect();
    let mut drawn: Vec<String> = Vec::with_capacity(problems.len());
    for problem in in_order(problems) {
        let text = draw(problem, &hidden, &renderer);
        drawn.push(tidy(&text));
    }
    drawn.join("\n")
}

/// Problems as [`render`] orders them.
pub fn in_order(problems: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sources: Vec<&Source> = Vec::new();
    for source in problems
        .iter()
        .filter_map(|problem| problem.source.as_ref())
    {
        if !sources.iter().any(|known| is_same(known, source)) {
            sources.push(source);
        }
    }
    let rank = |problem: &Diagnostic| {
        let source = problem.source.as_ref()?;
        sources
            .iter()
            .position(|known| is_same(known, source))
            .map(|index| index + 1)
    };
    let mut ordered: Vec<&Diagnostic> = problems.iter().collect();
    ordered.sort_by_key(|problem| (rank(problem), problem.span.start));
    ordered
}

fn is_same(a: &Source, b: &Source) -> bool {
    a.name == b.name && (Arc::ptr_eq(&a.text, &b.text) || a.text == b.text)
}

fn draw(problem: &Diagnostic, hidden: &[(&Source, Span)], renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut elements: Vec<Element<'_>> = Vec::new();
    if let Some(source) = problem
        .source
        .as_ref()
        .filter(|source| source.kind != SourceKind::Unread)
    {
        // The primary source first, then the others, each once.
        let mut sources = vec![source];
        for secondary in &problem.secondary {
            if !sources
                .iter()
                .any(|known| is_same(known, &secondary.source))
            {
                sources.push(&secondary.source);
            }
        }
        for (index, shown) in sources.into_iter().enumerate() {
            let mut marks: Vec<(Span, &str, bool)> = Vec::new();
            if index == 0 {
                marks.push((problem.span, &problem.label, true));
            }
            let others = problem
                .secondary
                .iter()
                .filter(|secondary| is_same(&secondary.source, shown));
            marks.extend(others.map(|secondary| (secondary.span, &*secondary.label, false)));
            if index > 0 {
                elements.push(Padding.into());
            }
            let hidden: Vec<Span> = hidden
                .iter()
                .filter(|(source, _)| is_same(source, shown))
                .map(|(_, span)| *span)
                .collect();
            elements.extend(snippet(shown, &marks, &hidden));
        }
    }
    if let Some(path) = &problem.path
        && !path.is_empty()
        && !problem.message.contains(&format!("`{path}`"))
    {
        elements.push(Level::NOTE.with_name("at").message(clean(path)).into());
    }
    for note in &problem.notes {
        elements.push(Level::NOTE.message(clean(note)).into());
    }
    for help in &problem.help {
        elements.push(Level::HELP.message(clean(help)).into());
    }
    let mut title = level.primary_title(clean(&problem.message));
    if !problem.code.is_empty() {
        title = title.id(problem.code);
    }
    renderer.render(&[title.elements(elements)])
}

fn snippet<'a>(
    source: &'a Source,
    marks: &[(Span, &'a str, bool)],
    hidden: &[Span],
) -> [Element<'a>; 2] {
    let spans: Vec<Span> = marks.iter().map(|(span, _, _)| *span).collect();
    let window = Window::new(&source.text, &spans, hidden);
    let mut origin = Origin::path(normalize_untrusted_str(&source.name));
    if source.kind == SourceKind::Text
        && let Some(first) = spans.first()
    {
        let place = source.line_col(first.start);
        origin = origin.line(place.line).char_column(place.column);
    }
    let annotations: Vec<Annotation<'a>> = marks
        .iter()
        .zip(&window.spans)
        .map(|((_, label, primary), span)| {
            let kind = if *primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let label = (!label.is_empty()).then(|| clean(label));
            kind.span(span.range()).label(label)
        })
        .collect();
    let snippet = Snippet::source(window.text)
        .line_start(window.first_line)
        .line_numbering(source.kind == SourceKind::Text)
        .annotations(annotations);
    [origin.into(), snippet.into()]
}

/// The place is drawn apart from the snippet, since its column must count the user's characters and not the masked
/// ones shown. The renderer then marks every snippet as a further one (`:::` alone on a line); a plain separator is
/// enough. The padding behind lines is no information, and a nuisance in recorded outputs.
fn tidy(text: &str) -> String {
    let mut lines: Vec<Cow<'_, str>> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if visible(line).trim() != ":::" {
            lines.push(Cow::Borrowed(line));
        } else if lines
            .last()
            .is_none_or(|before| visible(before).trim() != "|")
        {
            lines.push(Cow::Owned(line.replace(":::", " |")));
        }
    }
    lines.join("\n") + "\n"
}

/// A line without its colour sequences.
fn visible(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, text)| text));
    }
    text
}

/// Text from a user, safe to show.
fn clean(text: &str) -> Cow<'_, str> {
    let masked = mask(text);
    let lines: Vec<String> = masked
        .split('\n')
        .map(|line| crate::window::tame(&normalize_untrusted_str(line)))
        .collect();
    Cow::Owned(lines.join("\n"))
}
