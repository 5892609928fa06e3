//! The head of a request.

use super::MAX_HEAD;

/// What the server wants to know of a request head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: Method,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) framing: Framing,
    /// The connection stays open after the reply.
    pub(crate) keep_alive: bool,
    /// HTTP/1.1, so the reply may be chunked.
    pub(crate) chunked_reply: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
    pub(crate) x_request_id: Option<Box<str>>,
}

/// The methods that the server tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Head,
    Other,
}

/// How the body's end is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// Why a head cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// Not HTTP/1.x, or contradictory lengths.
    Malformed(&'static str),
    /// Longer than [`MAX_HEAD`], or more than 100 fields.
    TooLarge,
}

/// Reads a head from the front of `data`: it and its length, or `None` while it is incomplete.
pub(crate) fn parse(data: &[u8]) -> Result<Option<(Head, usize)>, HeadError> {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut fields);
    let len = match request.parse(data) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) if data.len() > MAX_HEAD => return Err(HeadError::TooLarge),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooLarge),
        Err(_) => return Err(HeadError::Malformed("the request is not valid HTTP/1.1")),
    };
    if len > MAX_HEAD {
        return Err(HeadError::TooLarge);
    }
    let http11 = request.version == Some(1);
    let mut length = None;
    let mut chunked = false;
    let mut keep_alive = http11;
    let mut expects_continue = false;
    let mut x_request_id = None;
    for field in request.headers.iter() {
        let name = field.name;
        if name.eq_ignore_ascii_case("content-length") {
            let value = std::str::from_utf8(field.value)
                .ok()
                .filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|v| v.parse::<u64>().ok())
                .ok_or(HeadError::Malformed("Content-Length is not a number"))?;
            if length.is_some_and(|length| length != value) {
                return Err(HeadError::Malformed("two different Content-Lengths"));
            }
            length = Some(value);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !field.value.eq_ignore_ascii_case(b"chunked") {
                return Err(HeadError::Malformed(
                    "the only Transfer-Encoding known here is chunked",
                ));
            }
            chunked = true;
        } else if name.eq_ignore_ascii_case("connection") {
            for option in field.value.split(|b| *b == b',') {
                let option = option.trim_ascii();
                if option.eq_ignore_ascii_case(b"close") {
                    keep_alive = false;
                } else if option.eq_ignore_ascii_case(b"keep-alive") {
                    keep_alive = true;
                }
            }
        } else if name.eq_ignore_ascii_case("expect") {
            expects_continue = field.value.eq_ignore_ascii_case(b"100-continue");
        } else if name.eq_ignore_ascii_case("x-request-id") {
            x_request_id = Some(String::from_utf8_lossy(field.value).into());
        }
    }
    if chunked && length.is_some() {
        // RFC 9112 section 6.3: the sign of a smuggled request.
        return Err(HeadError::Malformed(
            "both Content-Length and Transfer-Encoding",
        ));
    }
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        Some("HEAD") => Method::Head,
        _ => Method::Other,
    };
    let target = request.path.unwrap_or("/");
    let path = target.split('?').next().unwrap_or(target);
    let head = Head {
        method,
        path: path.to_owned(),
        framing: if chunked {
            Framing::Chunked
        } else {
            Framing::Length(length.unwrap_or(0))
        },
        keep_alive,
        chunked_reply: http11,
        expects_continue,
        x_request_id,
    };
    Ok(Some((head, len)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        let text = b"POST /v1/completions?x=1 HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 12\r\nX-Request-Id: abc\r\nExpect: 100-continue\r\n\r\nrest";
        let (head, len) = parse(text).unwrap().unwrap();
        assert_eq!(&text[len..], b"rest");
        assert_eq!(head.method, Method::Post);
        assert_eq!(head.path, "/v1/completions");
        assert_eq!(head.framing, Framing::Length(12));
        assert_eq!(head.x_request_id.as_deref(), Some("abc"));
        assert!(head.keep_alive && head.expects_continue && head.chunked_reply);
        for cut in 0..len {
            assert_eq!(parse(&text[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn connection_options() {
        let keep = |text: &[u8]| parse(text).unwrap().unwrap().0.keep_alive;
        assert!(!keep(
            b"GET / HTTP/1.1\r\nConnection: Close, x\r\n\r\n" as &[u8]
        ));
        assert!(!keep(b"GET / HTTP/1.0\r\n\r\n"));
        assert!(keep(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    }

    #[test]
    fn refusals() {
        for text in [
            "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01",
        ] {
            assert!(
                matches!(parse(text.as_bytes()), Err(HeadError::Malformed(_))),
                "{text:?}"
            );
        }
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n", "y".repeat(MAX_HEAD));
        assert_eq!(parse(long.as_bytes()), Err(HeadError::TooLarge));
    }
}
