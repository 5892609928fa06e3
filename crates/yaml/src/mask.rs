//! Secrets never reach a terminal or a CI log: what looks like one is shown by its kind alone.

use std::borrow::Cow;
use std::ops::Range;

/// Prefixes that vendors give their keys, and how many characters must follow.
const PREFIXES: [(&str, usize); 15] = [
    ("hf_", 8),
    ("sk-", 12),
    ("AKIA", 12),
    ("ASIA", 12),
    ("ghp_", 12),
    ("gho_", 12),
    ("ghs_", 12),
    ("github_pat_", 12),
    ("glpat-", 12),
    ("nvapi-", 12),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("AIza", 20),
    ("eyJ", 20),
    ("Bearer ", 8),
];

/// Keys whose value is a secret whatever it looks like. Compared in lower case without `_` and `-`.
const KEYS: [&str; 14] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "secretaccesskey",
    "awssecretaccesskey",
    "hftoken",
    "authtoken",
    "authorization",
    "clientsecret",
    "privatekey",
];

/// What stands in place of a secret.
pub(crate) const STARS: &str = "********";

/// The text with everything that looks like a secret replaced.
pub fn mask(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for range in secrets {
        masked.push_str(text.get(at..range.start).unwrap_or_default());
        masked.push_str(STARS);
        at = range.end;
    }
    masked.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(masked)
}

/// The parts to hide, in order and apart from each other. A vendor's prefix is not hidden: it says what the secret is.
pub(crate) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (prefix, least) in PREFIXES {
        for (at, _) in text.match_indices(prefix) {
            let starts_word = text
                .get(..at)
                .and_then(|before| before.chars().next_back())
                .is_none_or(|c| !c.is_alphanumeric() && c != '_');
            let start = at + prefix.len();
            let rest = text.get(start..).unwrap_or_default();
            let length = rest.find(|c| !is_key_character(c)).unwrap_or(rest.len());
            if starts_word && length >= least {
                found.push(start..start + length);
            }
        }
    }
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        found.extend(
            named_secret(line).map(|range| line_start + range.start..line_start + range.end),
        );
        line_start += line.len();
    }
    found.extend(url_passwords(text));
    found.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// `password: value` or `a.password=value`.
fn named_secret(line: &str) -> Option<Range<usize>> {
    let separator = line.find([':', '='])?;
    let key = line
        .get(..separator)?
        .rsplit(['.', ' ', '{', ',', '\t'])
        .next()?;
    let folded: String = key
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    if !KEYS.contains(&folded.as_str()) {
        return None;
    }
    let value = line.get(separator + 1..)?;
    let start = separator + 1 + (value.len() - value.trim_start().len());
    let value = value.split(" #").next().unwrap_or_default().trim();
    // A nested value or a reference is none, and an empty or short one is hardly a secret.
    let is_secret = value.len() >= 4 && !value.starts_with(['{', '[', '$', '&', '*', '|', '>']);
    is_secret.then(|| start..start + value.len())
}

/// `http://user:password@host`.
fn url_passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, separator) in text.match_indices("://") {
        let start = at + separator.len();
        let rest = text.get(start..).unwrap_or_default();
        let authority = rest
            .split(['/', '?', '#', '"', '\'', '\n', ' '])
            .next()
            .unwrap_or_default();
        if let Some((user_info, _)) = authority.rsplit_once('@')
            && let Some(colon) = user_info.find(':')
            && colon + 1 < user_info.len()
        {
            found.push(start + colon + 1..start + user_info.len());
        }
    }
    found
}

fn is_key_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '+' | '/' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_what_looks_like_a_secret() {
        assert_eq!(mask("hfToken: hf_abcdefghijklmnop"), "hfToken: ********");
        assert_eq!(mask("x: hf_abcdefghijklmnop # c"), "x: hf_******** # c");
        assert_eq!(
            mask("key: \"sk-proj-0123456789abcdef\""),
            "key: \"sk-********\""
        );
        assert_eq!(mask("id: AKIAIOSFODNN7EXAMPLE"), "id: AKIA********");
        assert_eq!(mask("a.password=hunter22"), "a.password=********");
        assert_eq!(
            mask("url: http://u:pw@host/x"),
            "url: http://u:********@host/x"
        );
        assert_eq!(
            mask("Authorization: Bearer abcdefghij"),
            "Authorization: ********"
        );
    }

    #[test]
    fn leaves_the_rest_alone() {
        for text in [
            "tokenizerPath: Qwen/Qwen3-8B",
            "apiKeySecret: {name: a, key: b}",
            "token: {name: x}",
            "modelName: sk-short",
            "baseUrl: http://qwen3-vllm.default:8000",
            "max_tokens: 128000",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
