//! Plain scalars that YAML 1.1 and YAML 1.2 read differently: refused, or read as YAML 1.1 with a warning.

use crate::codes;
use crate::diagnostic::{Diagnostic, Severity};
use crate::parse::Ambiguous;
use crate::scalar::{Reading, core, is_sexagesimal, yaml11};
use crate::source::{Source, Span};

/// What a plain scalar means under a policy, and the problem it has, if any.
pub(crate) fn read(
    source: &Source,
    span: Span,
    text: &str,
    policy: Ambiguous,
) -> (Reading, Option<Diagnostic>) {
    let modern = core(text);
    let old = yaml11(text);
    let problem = match (&modern, policy) {
        (Reading::NotFinite, _) | (Reading::OutOfRange, Ambiguous::Error) => {
            Some(no_number(source, span, text))
        }
        (Reading::LongInteger(_), _) => Some(long_integer(source, span, text, policy)),
        _ if modern == old => None,
        // Helm, kubectl and YAML 1.2 agree here; only PyYAML reads a number.
        (_, Ambiguous::Error) if is_sexagesimal(text) => None,
        _ => Some(two_readings(source, span, text, &modern, &old, policy)),
    };
    match policy {
        Ambiguous::Error => (modern, problem),
        Ambiguous::WarnAs11 => (old, problem),
    }
}

/// The problem of a plain key that the two versions read differently. The key itself always stays as it is written.
pub(crate) fn check_key(
    source: &Source,
    span: Span,
    text: &str,
    policy: Ambiguous,
) -> Option<Diagnostic> {
    let (modern, old) = (core(text), yaml11(text));
    if modern == old || is_sexagesimal(text) {
        return None;
    }
    let quoted = format!("{text:?}");
    Some(
        at_severity(
            policy,
            format!(
                "ambiguous key `{text}`: {} to YAML 1.1 (Helm, kubectl)",
                old.describe()
            ),
        )
        .at(source, span)
        .label(format!("quote it: {quoted}")),
    )
}

fn two_readings(
    source: &Source,
    span: Span,
    text: &str,
    modern: &Reading,
    old: &Reading,
    policy: Ambiguous,
) -> Diagnostic {
    let message = match policy {
        Ambiguous::Error => format!(
            "ambiguous scalar `{text}`: {} in YAML 1.2, {} in YAML 1.1 ({})",
            modern.describe(),
            old.describe(),
            if text.contains("0o") {
                "PyYAML"
            } else {
                "Helm, kubectl, PyYAML"
            }
        ),
        Ambiguous::WarnAs11 => format!(
            "ambiguous scalar `{text}`: read as {}, as YAML 1.1 does; to YAML 1.2 it is {}",
            old.describe(),
            modern.describe()
        ),
    };
    let mut problem = at_severity(policy, message)
        .at(source, span)
        .label(format!("quote it if it is a text: \"{text}\""));
    match old {
        Reading::Bool(value) => {
            problem = problem.help(format!("write `{value}` if it is a boolean"));
        }
        Reading::Int(value) => {
            problem = problem.help(match modern {
                Reading::Int(other) => format!("write `{other}` or `{value}` if it is a number"),
                _ => format!("write `{value}` if it is a number"),
            });
        }
        Reading::Float(value) => {
            problem = problem.help(format!("write `{value}` if it is a number"));
        }
        Reading::Text => {
            if let Reading::Int(value) = modern {
                problem = problem.help(format!("write `{value}` if it is a number"));
            }
        }
        Reading::Null
        | Reading::UInt(_)
        | Reading::NotFinite
        | Reading::OutOfRange
        | Reading::LongInteger(_) => {}
    }
    problem
}

fn long_integer(source: &Source, span: Span, text: &str, policy: Ambiguous) -> Diagnostic {
    at_severity(
        policy,
        format!(
            "`{text}` has more digits than a 64-bit integer holds; as a number it would lose some"
        ),
    )
    .at(source, span)
    .label(format!("quote it if it is an identifier: \"{text}\""))
}

fn no_number(source: &Source, span: Span, text: &str) -> Diagnostic {
    Diagnostic::error(codes::NUMBER, format!("`{text}` is not a finite number"))
        .at(source, span)
        .label("JSON has no such value, so neither Helm nor Kubernetes can take it")
        .help(format!("write a finite number, leave the key out where there is no limit, or quote it: \"{text}\""))
}

fn at_severity(policy: Ambiguous, message: String) -> Diagnostic {
    let mut problem = Diagnostic::error(codes::AMBIGUOUS, message);
    if policy == Ambiguous::WarnAs11 {
        problem.severity = Severity::Warning;
    }
    problem
}
