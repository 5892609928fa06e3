//! From problems of the core to messages that point into the user's text.

use std::collections::BTreeSet;
use std::ops::Range;

use bench_contract::ExitCode;
use bench_yaml::{Diagnostic, Severity, Source, SourceKind, Span, dotted, mask};

use crate::problem::{Anchor, Problem};
use crate::scenario::SECRET;
use crate::values::{Effective, Location, codes};

/// A problem as a message, located through the merged values.
#[must_use]
pub fn located(problem: &Problem, effective: Option<&Effective>) -> Diagnostic {
    let mut diagnostic = match problem.severity {
        Severity::Error => Diagnostic::error(problem.code, problem.message.clone()),
        Severity::Warning => Diagnostic::warning(problem.code, problem.message.clone()),
    };
    diagnostic = diagnostic.label(problem.label.clone());
    let turned = effective.and_then(|effective| turned(problem, effective));
    let problem = turned.as_ref().unwrap_or(problem);
    let mut here = None;
    match &problem.anchor {
        Anchor::Value(pointer) | Anchor::Key(pointer) => {
            let wants_key = matches!(problem.anchor, Anchor::Key(_));
            diagnostic = diagnostic.path(dotted(pointer));
            if let Some((location, is_exact)) =
                effective.and_then(|effective| locate(effective, pointer))
            {
                let key = location.key_span.filter(|_| wants_key || !is_exact);
                let part = problem.part.as_ref().and_then(|part| {
                    let text = effective?.text(pointer).filter(|_| is_exact)?;
                    part_of(&location, text, part)
                });
                let whole = || first_line(&location.source, location.value_span);
                let span = key.or(part).unwrap_or_else(whole);
                diagnostic = diagnostic.at(&location.source, span);
                if problem.code == SECRET {
                    diagnostic = diagnostic.hide(location.value_span);
                } else if problem.code == "B101" {
                    diagnostic = after_comma(diagnostic, &location);
                }
                here = Some(location);
            }
        }
        Anchor::Argument(name, text) => {
            let source = Source::argument(name, text);
            diagnostic = diagnostic.at(&source, Span::new(0, text.len()));
        }
        Anchor::Text(source, span) => diagnostic = diagnostic.at(source, *span),
        Anchor::Nowhere => {}
    }
    for (pointer, what) in &problem.related {
        if let Some(effective) = effective {
            diagnostic = with_related(diagnostic, effective, pointer, what, here.as_ref());
        }
    }
    for note in &problem.notes {
        diagnostic = diagnostic.note(note.clone());
    }
    for help in &problem.help {
        diagnostic = diagnostic.help(help.clone());
    }
    diagnostic
}

/// A default that is wrong beside a value of the user's: the user's value is what has to change, and is pointed at.
fn turned(problem: &Problem, effective: &Effective) -> Option<Problem> {
    let Anchor::Value(pointer) = &problem.anchor else {
        return None;
    };
    let is_users = |(pointer, _): &(String, String)| effective.is_users(pointer);
    let at = problem.related.iter().position(is_users)?;
    if effective.is_users(pointer) {
        return None;
    }
    let mut turned = problem.clone();
    let (users, _) = turned.related.remove(at);
    turned.related.insert(0, (pointer.clone(), dotted(pointer)));
    turned.anchor = Anchor::Value(users);
    turned.part = None;
    Some(turned)
}

/// An unknown key behind a comma of a `--set` argument is most likely the rest of a value.
fn after_comma(mut diagnostic: Diagnostic, location: &Location) -> Diagnostic {
    let (text, start) = (&*location.source.text, diagnostic.span.start);
    let before = text.get(..start).unwrap_or_default();
    let is_second = location.source.kind == SourceKind::Argument && before.ends_with(',');
    if !is_second {
        return diagnostic;
    }
    diagnostic.message = format!(
        "{} contains several assignments, and {}",
        location.layer,
        diagnostic
            .message
            .replace("unknown key ", "an unknown key ")
    );
    diagnostic
        .label("a comma starts a new assignment")
        .help(format!("escape it (`\\,`), or use --set-literal '{text}'"))
}

/// The value at a pointer, else the null that took it away, else the nearest value above it.
/// Whether it is the one asked for comes with it.
pub(crate) fn locate(effective: &Effective, pointer: &str) -> Option<(Location, bool)> {
    let deleted = || {
        effective
            .deleted()
            .iter()
            .find(|deleted| deleted.pointer == pointer)
    };
    effective
        .locate(pointer)
        .or_else(|| deleted().map(|deleted| deleted.location.clone()))
        .map(|location| (location, true))
        .or_else(|| {
            effective
                .locate_nearest(pointer)
                .map(|(_, location)| (location, false))
        })
}

/// Where a part of a text stands, unless it is written with escapes, or over several lines.
fn part_of(location: &Location, text: &str, part: &Range<usize>) -> Option<Span> {
    let written = location.source.slice(location.value_span);
    let start = location.value_span.start + written.find(text)?;
    Some(Span::new(start + part.start, start + part.end))
}

/// A span up to the end of its first line, by which what goes over several lines is pointed at.
pub(crate) fn first_line(source: &Source, span: Span) -> Span {
    let text = source.slice(span);
    let length = text.find(['\n', '\r']).unwrap_or(text.len());
    Span::new(span.start, span.start + length)
}

/// Another value that matters: a second caret where it is in the same text, else a note that names its origin.
fn with_related(
    diagnostic: Diagnostic,
    effective: &Effective,
    pointer: &str,
    what: &str,
    here: Option<&Location>,
) -> Diagnostic {
    let Some(location) = effective.locate(pointer) else {
        return diagnostic;
    };
    if here.is_some_and(|here| here.source == location.source) {
        return diagnostic.secondary(&location.source, location.value_span, what.to_owned());
    }
    let text = location.source.slice(location.value_span);
    diagnostic.note(format!(
        "{what}: {} comes from {}",
        mask(text.trim()),
        location.layer
    ))
}

/// The last line of a failed command.
#[must_use]
pub fn summary(problems: &[Diagnostic], consequence: &str) -> String {
    /// More names than these say less than their number.
    const MOST_NAMES: usize = 3;
    let errors: Vec<&Diagnostic> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .collect();
    let mut known = BTreeSet::new();
    let names: Vec<&str> = errors
        .iter()
        .filter_map(|problem| Some(&*problem.source.as_ref()?.name))
        .filter(|name| known.insert(*name))
        .collect();
    let is_argument = |problem: &&Diagnostic| {
        let source = problem.source.as_ref();
        source.is_some_and(|source| source.kind == SourceKind::Argument)
    };
    let kinds = if errors.iter().any(is_argument) {
        "files and arguments"
    } else {
        "files"
    };
    let count = match errors.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let place = match names.len() {
        0 => String::new(),
        1..=MOST_NAMES => format!(" in {}", names.join(", ")),
        count => format!(" in {count} {kinds}"),
    };
    format!("error: {count}{place}; {consequence}")
}

/// The exit code that these problems stand for.
#[must_use]
pub fn exit_code(problems: &[Diagnostic]) -> ExitCode {
    let code = |problem: &Diagnostic| match problem.code {
        codes::USAGE => ExitCode::Usage,
        codes::FILE | codes::STDIN => ExitCode::Failed,
        code if code.starts_with("B9") => ExitCode::Failed,
        _ => ExitCode::InvalidInput,
    };
    let found: Vec<ExitCode> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(code)
        .collect();
    ExitCode::first_of(&found)
}
