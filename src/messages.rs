//! Problems for programs: one JSON object a line, or annotations of GitHub Actions.

use bench_yaml::{Diagnostic, Severity, Source, SourceKind, Span, in_order};
use serde_json::{Map, Value, json};

/// One object a line, in the order in which people see the problems. Keys without a value are left out.
#[must_use]
pub fn json(problems: &[Diagnostic]) -> String {
    in_order(problems)
        .into_iter()
        .map(|problem| format!("{}\n", object(problem)))
        .collect()
}

fn object(problem: &Diagnostic) -> Value {
    let mut object = Map::new();
    object.insert("severity".to_owned(), word(problem.severity).into());
    if !problem.code.is_empty() {
        object.insert("code".to_owned(), problem.code.into());
    }
    object.insert("message".to_owned(), problem.message.clone().into());
    if let Some(source) = &problem.source {
        object.extend(place(source, problem.span));
    }
    if let Some(path) = problem.path.as_ref().filter(|path| !path.is_empty()) {
        object.insert("path".to_owned(), path.clone().into());
    }
    if !problem.label.is_empty() {
        object.insert("label".to_owned(), problem.label.clone().into());
    }
    let related: Vec<Value> = problem
        .secondary
        .iter()
        .map(|other| {
            let mut object = place(&other.source, other.span);
            object.insert("message".to_owned(), other.label.clone().into());
            object.into()
        })
        .collect();
    for (key, list) in [
        ("related", related),
        ("notes", texts(&problem.notes)),
        ("help", texts(&problem.help)),
    ] {
        if !list.is_empty() {
            object.insert(key.to_owned(), list.into());
        }
    }
    object.into()
}

fn texts(list: &[String]) -> Vec<Value> {
    list.iter().map(|text| json!(text)).collect()
}

/// A file with lines and columns from 1, a file alone, or the name of an argument.
fn place(source: &Source, span: Span) -> Map<String, Value> {
    let place = source.location(span);
    let place = match source.kind {
        SourceKind::Argument => json!({"argument": &*source.name}),
        SourceKind::Unread => json!({"file": &*source.name}),
        SourceKind::Text => json!({
            "file": &*source.name,
            "line": place.start.line,
            "column": place.start.column,
            "end_line": place.end.line,
            "end_column": place.end.column,
        }),
    };
    match place {
        Value::Object(place) => place,
        _ => Map::new(),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Something that is no problem, as one more object.
#[must_use]
pub fn json_note(text: &str) -> String {
    format!("{}\n", json!({"severity": "note", "message": text}))
}

/// Something that is no problem, as one more annotation.
#[must_use]
pub fn github_note(text: &str) -> String {
    format!("::notice::{}\n", escape(text))
}

/// Workflow commands, which GitHub shows beside the lines of a pull request.
#[must_use]
pub fn github(problems: &[Diagnostic]) -> String {
    in_order(problems).into_iter().map(annotation).collect()
}

fn annotation(problem: &Diagnostic) -> String {
    let mut properties = Vec::new();
    if let Some(source) = problem
        .source
        .as_ref()
        .filter(|source| source.kind != SourceKind::Argument && !source.name.starts_with('<'))
    {
        properties.push(format!("file={}", property(&source.name)));
    }
    if let Some(source) = problem
        .source
        .as_ref()
        .filter(|source| source.kind == SourceKind::Text && !source.name.starts_with('<'))
    {
        let place = source.location(problem.span);
        properties.push(format!("line={}", place.start.line));
        properties.push(format!("endLine={}", place.end.line));
        // Columns are read only within one line.
        if place.start.line == place.end.line {
            properties.push(format!("col={}", place.start.column));
            properties.push(format!("endColumn={}", place.end.column));
        }
    }
    if !problem.code.is_empty() {
        properties.push(format!("title={}", problem.code));
    }
    let mut text = problem.message.clone();
    if !problem.label.is_empty() {
        text.push_str(&format!(": {}", problem.label));
    }
    for (name, list) in [("note", &problem.notes), ("help", &problem.help)] {
        for line in list {
            text.push_str(&format!("\n{name}: {line}"));
        }
    }
    let properties = if properties.is_empty() {
        String::new()
    } else {
        format!(" {}", properties.join(","))
    };
    format!(
        "::{}{properties}::{}\n",
        word(problem.severity),
        escape(&text)
    )
}

/// A line feed would end the command.
pub(crate) fn escape(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Text of a property of a command.
pub(crate) fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Diagnostic {
        let source = Source::new("a,b.yaml", "x: 1\ny: 50%\n");
        Diagnostic::error("B103", "expected a number, found 50%")
            .at(&source, Span::new(8, 11))
            .path("y")
            .help("write 0.5\nor 50")
    }

    #[test]
    fn objects_hold_places_and_remedies() {
        let read: Value = serde_json::from_str(&json(&[problem()])).unwrap();
        assert_eq!(
            read,
            json!({
                "severity": "error", "code": "B103", "message": "expected a number, found 50%",
                "file": "a,b.yaml", "line": 2, "column": 4, "end_line": 2, "end_column": 7,
                "path": "y", "help": ["write 0.5\nor 50"]
            })
        );
    }

    #[test]
    fn annotations_are_one_line() {
        assert_eq!(
            github(&[problem()]),
            "::error file=a%2Cb.yaml,line=2,endLine=2,col=4,endColumn=7,title=B103::expected a number, found 50%25%0Ahelp: write 0.5%0Aor 50\n"
        );
    }
}
