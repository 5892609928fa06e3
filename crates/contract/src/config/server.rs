//! `server` and `tokenizer`: who is tested, and what counts as a token.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::{KeyPath, Problems, Text};
use crate::units::Seconds;

/// The server under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// The kind of server. It decides which request keys are sent.
    #[serde(rename = "type", default)]
    pub kind: ServerType,
    /// The model; absent: the first of `GET /v1/models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// Where the API is, without `/v1`: `http://host:8000`, or `https://host` to speak TLS.
    pub base_url: String,
    /// Ask the server to generate exactly as many tokens as asked for. Default true.
    #[serde(default = "yes")]
    pub ignore_eos: bool,
    /// The bearer key. Better in the environment: `OPENAI_API_KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
    /// PEM file of the client certificate, with what it is signed by, for servers that ask for one. Needs `key_path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_path: Option<String>,
    /// PEM file of its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_path: Option<String>,
    /// PEM file of the authorities that may have signed the server's certificate, in place of the system's (ours).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_path: Option<String>,
    /// Take any certificate of the server (ours). Anybody in between can read the key and the prompts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure_skip_verify: bool,
    /// When the host of `base_url` is resolved (ours). Either way new connections go to all its addresses in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// How long to wait for the server before time zero (ours). Default 600 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_timeout: Option<Seconds>,
}

impl Server {
    /// How long to wait for the server before time zero.
    #[must_use]
    pub fn ready_timeout(&self) -> Seconds {
        self.ready_timeout.unwrap_or(Seconds::whole(600))
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

/// When the host of a base URL is resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dns {
    /// Before time zero; addresses where nothing answers then are left out.
    #[default]
    Once,
    /// Anew for each connection, so that servers that come and go in mid-run are followed. The time counts into `connect`.
    PerConnection,
}

/// The kind of server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerType {
    /// vLLM.
    #[default]
    Vllm,
    /// SGLang.
    Sglang,
    /// Text Generation Inference.
    Tgi,
    /// Anything that speaks OpenAI's API and refuses keys that are not in it.
    Openai,
    /// inference-perf's built-in mock.
    Mock,
}

impl ServerType {
    /// The name in config and values.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::Tgi => "tgi",
            Self::Openai => "openai",
            Self::Mock => "mock",
        }
    }
}

/// Text that is never printed, logged or written to a report.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<redacted>")
    }
}

/// The tokenizer that prompts are made with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tokenizer {
    /// A folder with `tokenizer.json`, that file itself, or a Hugging Face id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrained_model_name_or_path: Option<String>,
    /// Read and not used: no code of a tokenizer is ever run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_remote_code: Option<bool>,
    /// A Hugging Face token. Better in the environment: `HF_TOKEN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// Checks that what is said about TLS is whole, and about TLS.
pub(super) fn check_tls(server: &Server, found: &mut Problems) {
    let lacks = match (&server.cert_path, &server.key_path) {
        (Some(_), None) => Some(("cert_path", "key_path")),
        (None, Some(_)) => Some(("key_path", "cert_path")),
        _ => None,
    };
    if let Some((given, missing)) = lacks {
        found.error(
            KeyPath::from("server").key(given),
            format!("a client certificate is used with its key, and there is no `{missing}`"),
            format!("set {missing} too, or remove {given}"),
        );
    }
    if server.insecure_skip_verify && server.ca_path.is_some() {
        found.error(
            "server.insecure_skip_verify",
            "it takes any certificate, so that no authority is asked",
            "set one of the two, the authority if you have it",
        );
    }
    // Of an address that is neither something else is wrong.
    if !server.base_url.starts_with("http://") {
        return;
    }
    for (key, is_given) in [
        ("cert_path", server.cert_path.is_some()),
        ("ca_path", server.ca_path.is_some()),
        ("insecure_skip_verify", server.insecure_skip_verify),
    ] {
        if is_given {
            found.warn(
                KeyPath::from("server").key(key),
                "this is about TLS, which is not spoken to an http:// address",
                Text::from("write https:// in ")
                    .name("server.base_url")
                    .words(", or remove it"),
            );
        }
    }
}

/// What is wrong with a base URL, and which bytes of it.
#[derive(Debug, PartialEq)]
pub(super) struct WrongUrl {
    pub(super) part: Range<usize>,
    pub(super) reason: &'static str,
    pub(super) help: Text,
}

/// Checks the shape of a base URL: `http(s)://host[:port][/path]`.
pub(super) fn check_base_url(url: &str) -> Result<(), WrongUrl> {
    const SHAPE: &str = "write it as http://host:8000";
    let wrong = |part: Range<usize>, reason, help: Text| Err(WrongUrl { part, reason, help });
    let is_space = |c: char| c.is_whitespace() || c.is_control();
    let start = ["http://", "https://"]
        .iter()
        .find(|scheme| url.starts_with(**scheme))
        .map(|scheme| scheme.len());
    let Some(start) = start else {
        let scheme = url.find("://").unwrap_or(url.len());
        let reason = "it does not start with http:// or https://";
        return wrong(0..scheme, reason, SHAPE.into());
    };
    let rest = url.get(start..).unwrap_or_default();
    if let Some(part) = run(url, is_space) {
        let reason = "it contains a space or a control character";
        return wrong(part, reason, SHAPE.into());
    }
    if let Some(at) = rest.find(['?', '#']) {
        let reason = "it has a query or a fragment";
        return wrong(start + at..url.len(), reason, "leave it out".into());
    }
    let path = rest.trim_end_matches('/');
    if path.ends_with("/v1") || path.ends_with("/completions") {
        let at = path.find("/v1").or_else(|| path.rfind('/')).unwrap_or(0);
        let reason = "it goes on into the API";
        let help = "leave out /v1 and what follows";
        return wrong(start + at..url.len(), reason, help.into());
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        let help = Text::from("a key belongs into ").api_key();
        return wrong(start..start + at + 1, "it contains credentials", help);
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return wrong(start..start, "it has no host", SHAPE.into());
    }
    let is_address = host.starts_with('[') && host.ends_with(']');
    let in_host = |c: char| {
        c.is_ascii_alphanumeric() || "-._".contains(c) || (is_address && ":[]%".contains(c))
    };
    if let Some(part) = run(host, |c| !in_host(c)) {
        let reason = "its host has a character that no host name has";
        let part = start + part.start..start + part.end;
        return wrong(part, reason, "use letters, digits, `-` and `.`".into());
    }
    if let Some(port) = port
        && port.parse::<u16>().map_or(true, |port| port == 0)
    {
        let reason = "its port is not a number between 1 and 65535";
        let at = start + host.len() + 1;
        return wrong(at..at + port.len(), reason, SHAPE.into());
    }
    Ok(())
}

/// The first characters in a row that are so.
fn run(text: &str, is_so: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let start = text.find(&is_so)?;
    let rest = text.get(start..)?;
    let length = rest.find(|c| !is_so(c)).unwrap_or(rest.len());
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_part_of_a_url_is_named() {
        for (url, part) in [
            ("http://x:1/#a b: c", " "),
            ("ftp://x", "ftp"),
            ("qwen:8000", "qwen:8000"),
            ("http://x?a=b", "?a=b"),
            ("http://x:1/v1/chat/completions/", "/v1/chat/completions/"),
            ("http://x/completions", "/completions"),
            ("http://user:key@x", "user:key@"),
            ("http://:80", ""),
            ("http://ex%%mple:80", "%%"),
            ("http://한국:80", "한국"),
            ("http://x:port", "port"),
            ("http://x:", ""),
        ] {
            let wrong = check_base_url(url).unwrap_err();
            assert_eq!(url.get(wrong.part), Some(part), "{url}");
        }
    }
}
