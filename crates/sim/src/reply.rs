//! Replies that are not streams.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What every reply needs to know of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The connection stays open.
    pub(crate) keep_alive: bool,
    /// HTTP/1.1.
    pub(crate) http11: bool,
    /// A reply to HEAD has no body.
    pub(crate) head_only: bool,
}

/// Appends a whole response.
pub(crate) fn response(
    out: &mut Vec<u8>,
    status: u16,
    content_type: &str,
    more: &str,
    body: &[u8],
    terms: Terms,
) {
    let mut head = String::with_capacity(200);
    // Writing to a string cannot fail.
    let _ = write!(
        head,
        "HTTP/1.1 {status} {}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n{}{more}\r\n",
        reason(status),
        body.len(),
        connection_field(terms),
    );
    out.extend_from_slice(head.as_bytes());
    if !terms.head_only {
        out.extend_from_slice(body);
    }
}

/// The `Connection` field, where the protocol's default is not meant.
pub(crate) fn connection_field(terms: Terms) -> &'static str {
    match (terms.keep_alive, terms.http11) {
        (false, _) => "connection: close\r\n",
        (true, false) => "connection: keep-alive\r\n",
        (true, true) => "",
    }
}

/// Appends a response with a JSON body.
pub(crate) fn json_response(out: &mut Vec<u8>, status: u16, body: &Value, terms: Terms) {
    response(
        out,
        status,
        "application/json",
        "",
        body.to_string().as_bytes(),
        terms,
    );
}

/// Appends an error as OpenAI's API words it; `more` are further header fields.
pub(crate) fn error_response(
    out: &mut Vec<u8>,
    status: u16,
    message: &str,
    more: &str,
    terms: Terms,
) {
    response(
        out,
        status,
        "application/json",
        more,
        error_body(status, message).to_string().as_bytes(),
        terms,
    );
}

/// The `error` object.
pub(crate) fn error_body(status: u16, message: &str) -> Value {
    let kind = match status {
        404 => "NotFoundError",
        429 => "RateLimitError",
        503 => "ServiceUnavailableError",
        500.. => "InternalServerError",
        _ => "BadRequestError",
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": status}})
}

/// The body of /v1/models.
pub(crate) fn models(model: &str, created: u64) -> Value {
    json!({"object": "list", "data": [{
        "id": model, "object": "model", "created": created, "owned_by": "bench-sim",
        "root": model, "parent": null, "max_model_len": null,
    }]})
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
