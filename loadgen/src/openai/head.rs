//! Request line and headers.

use bench_contract::config::{ApiType, Config, ServerType};

/// The version of Anthropic's API that requests are written in.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What a request is addressed to and authorised by.
pub struct Addressing<'a> {
    /// `host[:port]` for the `host` header.
    pub authority: &'a str,
    /// Path of the base URL, without a trailing slash.
    pub path: &'a str,
    /// The server's key.
    pub api_key: Option<&'a str>,
}

/// Request line and headers: ours, each of them replaced where the config has one of the same name, and the config's. What
/// describes the body can follow.
#[must_use]
pub fn head(
    method: &str,
    path: &str,
    accept: &str,
    to: &Addressing<'_>,
    config: &Config,
) -> String {
    let given = || config.api.headers.iter().flatten();
    let agent = concat!("loadgen/", env!("CARGO_PKG_VERSION"));
    let is_anthropic = config.api.kind == ApiType::AnthropicMessages;
    let is_strict = config
        .server
        .as_ref()
        .is_some_and(|server| server.kind == ServerType::Openai);
    // Inference servers that speak Anthropic's API look for their key where they always do.
    let bearer = to
        .api_key
        .filter(|_| !(is_anthropic && is_strict))
        .map(|key| format!("Bearer {key}"));
    let ours = [
        ("host", Some(to.authority)),
        ("user-agent", Some(agent)),
        ("accept", Some(accept)),
        ("accept-encoding", Some("identity")),
        ("authorization", bearer.as_deref()),
        ("x-api-key", to.api_key.filter(|_| is_anthropic)),
        (
            "anthropic-version",
            is_anthropic.then_some(ANTHROPIC_VERSION),
        ),
    ];
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in ours {
        let is_given = given().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if let (Some(value), false) = (value, is_given) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    for (name, value) in given().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type")) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}
