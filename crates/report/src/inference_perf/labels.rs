//! Names of failures, as inference-perf gives them.

use bench_contract::{Outcome, RequestRecord};

/// Labels that the status alone decides.
const BY_STATUS: [(&str, &str); 5] = [
    ("429", "Rate Limit"),
    ("500", "Internal Server Error"),
    ("502", "Bad Gateway"),
    ("503", "Service Unavailable"),
    ("504", "Gateway Timeout"),
];

/// Labels by words of the message of an HTTP error; `?` in a word stands for any one character or none, `.` for any one.
const BY_MESSAGE: [(&[&str], &str); 4] = [
    (
        &[
            "context.window",
            "context length",
            "maximum context",
            "max?tokens",
            "token?limit",
        ],
        "Context Window",
    ),
    (
        &[
            "invalid?json",
            "json?parse",
            "malformed?json",
            "unexpected?token",
            "expecting value",
            "unterminated string",
            "expecting ',' delimiter",
        ],
        "Invalid JSON",
    ),
    (&["timeout", "timed?out"], "Timeout"),
    (&["model?not?found", "no such model"], "Model Not Found"),
];

/// Labels by words of the message of any other failure.
const WITHOUT_STATUS: [(&[&str], &str); 2] = [
    (&["timeout", "timed?out"], "Timeout"),
    (&["connect"], "Connection Error"),
];

/// The class of a failure; Python's exception names where inference-perf has one.
pub(crate) fn error_type(record: &RequestRecord) -> String {
    match record.outcome {
        Outcome::HttpError => format!("HTTP Error {}", record.status.unwrap_or(0)),
        Outcome::ConnectError => "ClientConnectorError".to_owned(),
        Outcome::Reset => "ServerDisconnectedError".to_owned(),
        Outcome::Timeout => "TimeoutError".to_owned(),
        Outcome::Truncated => "ClientPayloadError".to_owned(),
        Outcome::ProtocolError => "JSONDecodeError".to_owned(),
        Outcome::Ok
        | Outcome::ServerErrorEvent
        | Outcome::Cancelled
        | Outcome::NotSent
        | Outcome::GeneratorError => record.outcome.as_str().to_owned(),
    }
}

/// The message inside an error body, or the text as it is.
pub(crate) fn message(raw: &str) -> String {
    if !raw.trim_start().starts_with('{') {
        return raw.to_owned();
    }
    let body: Option<serde_json::Value> = serde_json::from_str(raw).ok();
    let inner = body.as_ref().and_then(|body| {
        body.get("error")
            .filter(|error| error.is_object())
            .or(Some(body))
    });
    match inner.and_then(|error| error.get("message")) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => raw.to_owned(),
    }
}

/// A short label for a failure, as the keys of `failures.by_label`.
pub(crate) fn label(error_type: &str, message: &str) -> String {
    let message = message.to_lowercase();
    let by_words = |table: &[(&[&str], &'static str)]| {
        let found = table
            .iter()
            .find(|(words, _)| words.iter().any(|word| contains(&message, word)));
        found.map(|(_, label)| *label)
    };
    let Some(code) = error_type.strip_prefix("HTTP Error ") else {
        return by_words(&WITHOUT_STATUS).map_or_else(|| error_type.to_lowercase(), str::to_owned);
    };
    let by_status = BY_STATUS
        .iter()
        .find(|(status, _)| *status == code)
        .map(|(_, label)| *label);
    format!(
        "{code} - {}",
        by_status
            .or_else(|| by_words(&BY_MESSAGE))
            .unwrap_or("other")
    )
}

/// Whether `text` contains `word`, where `?` stands for any one character or none, and `.` for any one.
fn contains(text: &str, word: &str) -> bool {
    text.char_indices()
        .any(|(start, _)| starts_with(&text[start..], word))
}

fn starts_with(text: &str, word: &str) -> bool {
    let Some(wanted) = word.chars().next() else {
        return true;
    };
    let rest = &word[wanted.len_utf8()..];
    let after = text
        .chars()
        .next()
        .map(|found| (found, &text[found.len_utf8()..]));
    match (wanted, after) {
        ('?', Some((_, after))) => starts_with(text, rest) || starts_with(after, rest),
        ('?', None) => starts_with(text, rest),
        ('.', Some((_, after))) => starts_with(after, rest),
        (_, Some((found, after))) => found == wanted && starts_with(after, rest),
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_inference_perfs() {
        for (kind, text, expected) in [
            ("HTTP Error 429", "slow down", "429 - Rate Limit"),
            ("HTTP Error 500", "timeout", "500 - Internal Server Error"),
            (
                "HTTP Error 400",
                "This model's maximum context length is 4096",
                "400 - Context Window",
            ),
            (
                "HTTP Error 400",
                "max_tokens is too large",
                "400 - Context Window",
            ),
            ("HTTP Error 400", "Invalid JSON body", "400 - Invalid JSON"),
            (
                "HTTP Error 404",
                "Model_Not_Found: x",
                "404 - Model Not Found",
            ),
            ("HTTP Error 408", "request timed out", "408 - Timeout"),
            ("HTTP Error 418", "", "418 - other"),
            ("TimeoutError", "Request timed out", "Timeout"),
            (
                "ClientConnectorError",
                "connection refused",
                "Connection Error",
            ),
            ("ClientPayloadError", "ended early", "clientpayloaderror"),
        ] {
            assert_eq!(label(kind, text), expected, "{kind}: {text}");
        }
    }

    #[test]
    fn the_inner_message_of_a_body_is_taken_out() {
        assert_eq!(
            message(r#"{"error": {"message": "no", "type": "x"}}"#),
            "no"
        );
        assert_eq!(message(r#"{"object": "error", "message": "top"}"#), "top");
        assert_eq!(message(r#"{"error": "plain"}"#), r#"{"error": "plain"}"#);
        assert_eq!(message("{ not json"), "{ not json");
        assert_eq!(message("plain"), "plain");
    }
}
