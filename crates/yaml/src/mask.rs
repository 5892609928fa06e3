//! Secrets never reach a terminal or a CI log: what looks like one is shown by its kind alone.

use std::borrow::Cow;
use std::ops::Range;

/// Prefixes that issuers give their keys, how many characters must follow to hide them, and what they are.
const PREFIXES: [(&str, usize, &str); 15] = [
    ("hf_", 8, "a Hugging Face token"),
    ("sk-", 12, "an API key"),
    ("AKIA", 12, "an AWS access key"),
    ("ASIA", 12, "an AWS access key"),
    ("ghp_", 12, "a GitHub token"),
    ("gho_", 12, "a GitHub token"),
    ("ghs_", 12, "a GitHub token"),
    ("github_pat_", 12, "a GitHub token"),
    ("glpat-", 12, "a GitLab token"),
    ("nvapi-", 12, "an NVIDIA API key"),
    ("xoxb-", 10, "a Slack token"),
    ("xoxp-", 10, "a Slack token"),
    ("AIza", 20, "a Google API key"),
    ("eyJ", 20, "a JSON Web Token"),
    (BEARER, 8, ""),
];

const BEARER: &str = "Bearer ";

/// So many characters after a prefix are no accident any more.
const CERTAIN: usize = 16;

/// Names whose value is a secret whatever it looks like, and what longer names end with after `_` or `-`. Compared in
/// lower case, without `_` and `-`.
const NAMES: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "xapikey",
    "accesskey",
    "secretkey",
    "secretaccesskey",
    "awssecretaccesskey",
    "hftoken",
    "accesstoken",
    "authtoken",
    "xauthtoken",
    "authorization",
    "proxyauthorization",
    "clientsecret",
    "privatekey",
    "credentials",
    "cookie",
    "sessiontoken",
];

/// Whether a value of this name is a secret whatever it looks like: `OPENAI_API_KEY`, `X-Auth-Token`, `dbPassword`.
pub fn is_secret_name(name: &str) -> bool {
    let folded = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let is_known = |text: &str| NAMES.contains(&folded(text).as_str());
    let ends = name
        .match_indices(['_', '-'])
        .map(|(at, _)| name.get(at + 1..).unwrap_or_default());
    is_known(name) || ends.into_iter().any(is_known)
}

/// What a text looks like, by the prefixes that issuers put there to be found.
pub fn secret_kind(text: &str) -> Option<&'static str> {
    let is_certain = |word: &str, prefix: &str, least: usize| {
        word.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= least.max(CERTAIN))
            && word
                .bytes()
                .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    PREFIXES
        .iter()
        .filter(|(_, _, what)| !what.is_empty())
        .find(|(prefix, least, _)| {
            text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
                .any(|word| is_certain(word, prefix, *least))
        })
        .map(|(_, _, what)| *what)
}

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
    for (prefix, least, _) in PREFIXES {
        for (at, _) in text.match_indices(prefix) {
            let starts_word = text
                .get(..at)
                .and_then(|before| before.chars().next_back())
                .is_none_or(|c| !c.is_alphanumeric() && c != '_');
            let start = at + prefix.len();
            let rest = text.get(start..).unwrap_or_default();
            // Only these hold anything but letters, digits, `-` and `_`.
            let is_wide = matches!(prefix, "eyJ" | BEARER);
            let is_part = |c: char| is_key_character(c) && (is_wide || is_word_character(c));
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if starts_word && length >= least {
                found.push(start..start + length);
            }
        }
    }
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let named = named_secrets(line).into_iter();
        found.extend(named.map(|range| line_start + range.start..line_start + range.end));
        line_start += line.len();
    }
    found.extend(url_passwords(text));
    apart(found)
}

/// The same ranges in order, with those that overlap as one.
pub(crate) fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
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

/// `password: value` or `a.password=value`, wherever on the line it stands.
fn named_secrets(line: &str) -> Vec<Range<usize>> {
    let named = |(separator, sign): (usize, &str)| {
        let before = line.get(..separator)?;
        let rest = line.get(separator + 1..)?;
        // `http://my-token:8000` is a host with its port.
        let is_port = sign == ":" && rest.starts_with(|c: char| c.is_ascii_digit());
        let word = before.rsplit([' ', '\t', '=', '"', '\'']).next()?;
        if is_port && word.contains("://") {
            return None;
        }
        let head = before.trim_end_matches(['"', '\'']);
        let key = head.rsplit(|c| " .,=?&{[(\t`\"'".contains(c)).next()?;
        // A key follows nothing or punctuation; after a word it is prose: `put it into a Secret: …`.
        let lead = head.get(..head.len() - key.len())?;
        let is_prose = lead.trim_end().ends_with(|c: char| c.is_alphanumeric());
        if is_prose || !is_secret_name(key) {
            return None;
        }
        let start = separator + 1 + (rest.len() - rest.trim_start().len());
        let is_flow = sign == "=" || before.contains(['{', '[', '=']);
        let mut value = scalar(rest.trim_start(), is_flow);
        if lead.ends_with(['?', '&']) {
            value = value.split(['&', '#', ' ', '"', '\'']).next()?;
        }
        // A nested value or a reference is none, and an empty or short one is hardly a secret.
        let is_secret =
            value.len() >= 4 && !value.starts_with(['{', '[', '$', '&', '*', '|', '>', '…']);
        is_secret.then(|| start..start + value.len())
    };
    line.match_indices([':', '=']).filter_map(named).collect()
}

/// The scalar that a text starts with: quoted, or up to a comment or, in a flow collection, up to what ends an item.
fn scalar(text: &str, is_flow: bool) -> &str {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let end = match quote {
        Some(quote) => {
            let mut is_escaped = false;
            let closing = text.char_indices().skip(1).find(|(_, c)| {
                let closes = *c == quote && !is_escaped;
                is_escaped = quote == '"' && *c == '\\' && !is_escaped;
                closes
            });
            closing.map(|(at, _)| at + 1)
        }
        None if is_flow => {
            let mut is_escaped = false;
            text.char_indices()
                .find(|(_, c)| {
                    let ends = matches!(c, ',' | '}' | ']') && !is_escaped;
                    is_escaped = *c == '\\';
                    ends
                })
                .map(|(at, _)| at)
        }
        None => None,
    };
    let text = match end {
        Some(end) => text.get(..end).unwrap_or(text),
        None => text.split(" #").next().unwrap_or_default(),
    };
    text.trim_end()
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
    is_word_character(character) || matches!(character, '.' | '+' | '/' | '=')
}

fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
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
    fn masks_no_more_than_the_secret() {
        for (text, expected) in [
            (
                "a.baseUrl=http://my-token:8000,b.seed=-1",
                "a.baseUrl=http://my-token:8000,b.seed=-1",
            ),
            ("a=sk-0123456789abcdef.b,c=1", "a=sk-********.b,c=1"),
            ("a=Bearer abcdefghij,b=1", "a=Bearer ********,b=1"),
            (
                "a.run=password: hunter22,b=1",
                "a.run=password: ********,b=1",
            ),
            (
                "a=http://h/x?n=1&token=hunter22&m=2,b=3",
                "a=http://h/x?n=1&token=********&m=2,b=3",
            ),
            (
                r#"{"password":"hunter22","n":1}"#,
                r#"{"password":********,"n":1}"#,
            ),
            (
                r#"a.headers={"Authorization": "Basic x y"},b=1"#,
                r#"a.headers={"Authorization": ********},b=1"#,
            ),
            (
                "see http://u:pw@host/hf_x, then b",
                "see http://u:********@host/hf_x, then b",
            ),
            ("token hf_abcdefghijklmnop. Next", "token hf_********. Next"),
        ] {
            assert_eq!(mask(text), expected);
        }
    }

    #[test]
    fn masks_every_named_secret_of_a_line() {
        for (text, expected) in [
            (
                "target: {headers: {Authorization: \"Basic dXNlcjpw\"}, modelName: m}",
                "target: {headers: {Authorization: ********}, modelName: m}",
            ),
            ("X-Api-Key: plainsecret1", "X-Api-Key: ********"),
            (
                "{name: a, password: hunter22, MY_TOKEN: 'x, y'}",
                "{name: a, password: ********, MY_TOKEN: ********}",
            ),
            ("a.password=hunter22,b.c=d", "a.password=********,b.c=d"),
            ("password: \"open and no end", "password: ********"),
            ("password: a, b # why", "password: ******** # why"),
        ] {
            assert_eq!(mask(text), expected);
        }
    }

    #[test]
    fn names_and_kinds() {
        for (name, expected) in [
            ("OPENAI_API_KEY", true),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("HF_TOKEN", true),
            ("DB_PASSWORD", true),
            ("X-Auth-Token", true),
            ("client_secret", true),
            ("MAX_TOKENS", false),
            ("TOKEN_FILE", false),
            ("apiKeySecret", false),
            ("key", false),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
        assert_eq!(
            secret_kind("glpat-0123456789abcdefXY"),
            Some("a GitLab token")
        );
        assert_eq!(secret_kind("sk-learn-based-load-test-runner"), None);
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
            "a key belongs into a Secret: benchmark.target.apiKeySecret",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
