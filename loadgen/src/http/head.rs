//! The head of a response: status, framing of the body, what becomes of the connection.

use thiserror::Error;

/// The most that a head may take, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// The most header lines that a head may have.
const MOST_HEADERS: usize = 100;

/// Why a head cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeadError {
    /// The bytes are not an HTTP/1 response: the port speaks something else, TLS or HTTP/2 most often. Check scheme and port.
    #[error("not an HTTP/1 response: {0}")]
    Malformed(String),
    /// The bytes are TLS: the base URL has the wrong scheme or port.
    #[error(
        "the server speaks TLS on this port: write server.base_url (benchmark.target.baseUrl) as https://, or name the port that speaks plain HTTP"
    )]
    Tls,
    /// The head does not end within 64 KiB or 100 headers: something between here and the server adds to it. Ask the server
    /// itself.
    #[error("the response head is larger than 64 KiB or has more than 100 headers")]
    TooLarge,
    /// `content-length` is no number, or several that differ: where the body ends is a guess. Mend the server or proxy.
    #[error("the response has no single valid content-length")]
    BadLength,
    /// Both `content-length` and `transfer-encoding`: the end of the body is ambiguous, and the connection not to be trusted.
    /// Mend the server or proxy.
    #[error("the response has both content-length and transfer-encoding")]
    Conflict,
    /// A transfer coding other than `chunked`, which was not asked for. Turn compression off at the proxy.
    #[error("the response has a transfer-encoding other than chunked")]
    Coding,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes; 0 where there is no body.
    Length(u64),
    /// Chunks, up to an empty one.
    Chunked,
    /// Up to the end of the connection.
    UntilClose,
}

/// A response head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// How the end of the body is found.
    pub framing: Framing,
    /// Whether the connection may be used again once the body has ended.
    pub keep_alive: bool,
    /// The media type of the body, without parameters, in lower case.
    pub content_type: Option<String>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// What `retry-after` says.
    pub retry_after: Option<String>,
}

/// Reads one response head from pieces of a stream. Interim responses (1xx) are skipped.
#[derive(Debug, Default)]
pub struct HeadReader {
    kept: Vec<u8>,
}

impl HeadReader {
    /// Takes the next bytes. Once the head is complete, returns it and how many of `bytes` belong to it.
    ///
    /// # Errors
    /// [`HeadError`]; nothing more can be read then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<(Head, usize)>, HeadError> {
        let before = self.kept.len();
        // The usual head comes in one read and is not copied.
        let copied = before > 0;
        if copied {
            self.kept.extend_from_slice(bytes);
        }
        let mut skipped = 0;
        loop {
            let all = if copied {
                &self.kept[skipped..]
            } else {
                &bytes[skipped..]
            };
            match parse(all)? {
                Some((_, length)) if length > MOST_BYTES => return Err(HeadError::TooLarge),
                Some((head, length)) if (100..200).contains(&head.status) && head.status != 101 => {
                    skipped += length;
                }
                Some((head, length)) => {
                    let used = skipped + length - before;
                    self.kept.clear();
                    return Ok(Some((head, used)));
                }
                None if all.len() > MOST_BYTES => return Err(HeadError::TooLarge),
                None => break,
            }
        }
        if !copied {
            self.kept.extend_from_slice(bytes);
        }
        self.kept.drain(..skipped);
        Ok(None)
    }

    /// Whether any byte of a head has come.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !self.kept.is_empty()
    }
}

fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, HeadError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooLarge),
        Err(_) if is_tls(bytes) => return Err(HeadError::Tls),
        Err(error) => return Err(HeadError::Malformed(format!("{error}: {}", sample(bytes)))),
    };
    let status = response.code.unwrap_or_default();
    let is_http_11 = response.version == Some(1);
    let (mut says_close, mut says_keep_alive) = (false, false);
    let (mut content_length, mut coded) = (None, false);
    let (mut content_type, mut location, mut retry_after) = (None, None, None);
    for header in response.headers.iter() {
        let text = || String::from_utf8_lossy(header.value).trim().to_owned();
        if header.name.eq_ignore_ascii_case("content-length") {
            let given = text();
            // `parse` alone takes a sign too.
            let given = Some(given.as_str())
                .filter(|given| given.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|given| given.parse::<u64>().ok())
                .ok_or(HeadError::BadLength)?;
            if content_length
                .replace(given)
                .is_some_and(|before| before != given)
            {
                return Err(HeadError::BadLength);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            match text().to_ascii_lowercase().as_str() {
                "chunked" if !coded => coded = true,
                "identity" => {}
                _ => return Err(HeadError::Coding),
            }
        } else if header.name.eq_ignore_ascii_case("connection") {
            for option in text().to_ascii_lowercase().split(',').map(str::trim) {
                says_close |= option == "close";
                says_keep_alive |= option == "keep-alive";
            }
        } else if header.name.eq_ignore_ascii_case("content-type") {
            let media_type = text()
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            content_type = Some(media_type);
        } else if header.name.eq_ignore_ascii_case("location") {
            location = Some(text());
        } else if header.name.eq_ignore_ascii_case("retry-after") {
            retry_after = Some(text());
        }
    }
    let framing = match (coded, content_length) {
        _ if matches!(status, 100..=199 | 204 | 304) => Framing::Length(0),
        (true, Some(_)) => return Err(HeadError::Conflict),
        (true, None) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::UntilClose,
    };
    // `close` wins over `keep-alive`; HTTP/1.0 knows no chunks (RFC 9112, 6.1); after 101 something else is spoken.
    let keep_alive = !says_close
        && (is_http_11 || says_keep_alive)
        && (is_http_11 || framing != Framing::Chunked)
        && framing != Framing::UntilClose
        && status != 101;
    Ok(Some((
        Head {
            status,
            framing,
            keep_alive,
            content_type,
            location,
            retry_after,
        },
        length,
    )))
}

/// Whether the bytes are the beginning of a TLS alert or handshake.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 0x03, ..])
}

/// The beginning of some bytes, printable.
#[must_use]
pub fn sample(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]);
    let cut = if bytes.len() > MOST { "…" } else { "" };
    format!("{}{cut}", text.trim_end().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Option<(Head, usize)>, HeadError> {
        HeadReader::default().feed(text.as_bytes())
    }

    fn framing(headers: &str) -> Result<Framing, HeadError> {
        read(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n")).map(|head| head.unwrap().0.framing)
    }

    #[test]
    fn the_end_of_the_body_is_said_by_the_head() {
        assert_eq!(framing("Content-Length: 12\r\n"), Ok(Framing::Length(12)));
        assert_eq!(
            framing("transfer-encoding: Chunked\r\n"),
            Ok(Framing::Chunked)
        );
        assert_eq!(
            framing("content-type: text/event-stream\r\n"),
            Ok(Framing::UntilClose)
        );
        assert_eq!(
            framing("content-length: 1\r\ncontent-length: 1\r\n"),
            Ok(Framing::Length(1))
        );
        assert_eq!(
            framing("content-length: 1\r\ncontent-length: 2\r\n"),
            Err(HeadError::BadLength)
        );
        for length in ["-1", "+1", "", "1, 1", "1 1", "99999999999999999999"] {
            let header = format!("content-length: {length}\r\n");
            assert_eq!(framing(&header), Err(HeadError::BadLength), "{length}");
        }
        assert_eq!(
            framing("content-length: 1\r\ntransfer-encoding: chunked\r\n"),
            Err(HeadError::Conflict)
        );
        assert_eq!(
            framing("transfer-encoding: gzip, chunked\r\n"),
            Err(HeadError::Coding)
        );
        assert_eq!(
            read("HTTP/1.1 204 No Content\r\n\r\n")
                .unwrap()
                .unwrap()
                .0
                .framing,
            Framing::Length(0)
        );
    }

    #[test]
    fn connections_are_kept_as_the_version_and_the_header_say() {
        let kept = |text: &str| read(text).unwrap().unwrap().0.keep_alive;
        assert!(kept("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(!kept(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: close\r\n\r\n"
        ));
        assert!(!kept("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(kept(
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: Keep-Alive\r\n\r\n"
        ));
        assert!(!kept(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close, keep-alive\r\n\r\n"
        ));
        assert!(!kept(
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n"
        ));
        assert!(!kept("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
        assert!(
            !kept("HTTP/1.1 200 OK\r\n\r\n"),
            "the end of the connection is the end of the body"
        );
    }

    #[test]
    fn interim_responses_are_skipped() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 429 No\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nab";
        let (head, used) = read(text).unwrap().unwrap();
        assert_eq!(
            (head.status, head.retry_after.as_deref(), used),
            (429, Some("7"), text.len() - 2)
        );
    }

    #[test]
    fn what_is_no_head_is_refused() {
        assert!(
            matches!(read("SSH-2.0-OpenSSH\r\n"), Err(HeadError::Malformed(why)) if why.contains("SSH-2.0"))
        );
        let alert = [0x15, 3, 3, 0, 2, 2, 50];
        assert_eq!(HeadReader::default().feed(&alert), Err(HeadError::Tls));
        let endless = "HTTP/1.1 200 OK\r\nx: ".to_owned() + &"y".repeat(MOST_BYTES);
        assert_eq!(read(&endless), Err(HeadError::TooLarge));
        let whole = endless + "\r\n\r\n";
        assert_eq!(read(&whole), Err(HeadError::TooLarge), "all in one read");
        let many = "HTTP/1.1 200 OK\r\n".to_owned() + &"x: y\r\n".repeat(MOST_HEADERS + 1) + "\r\n";
        assert_eq!(read(&many), Err(HeadError::TooLarge));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_come(cuts in proptest::collection::vec(1usize..40, 0..20)) {
            let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nREST";
            let (whole, used) = HeadReader::default().feed(text).unwrap().unwrap();
            prop_assert_eq!(&text[used..], b"REST");
            let (mut reader, mut at) = (HeadReader::default(), 0);
            for cut in cuts.into_iter().chain(std::iter::repeat(7)) {
                let piece = &text[at..(at + cut).min(text.len())];
                if let Some((head, used)) = reader.feed(piece).unwrap() {
                    prop_assert_eq!(head, whole);
                    prop_assert_eq!(&text[at + used..at + used + 4], b"REST");
                    break;
                }
                at += piece.len();
                prop_assert!(at < text.len());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10)) {
            let mut reader = HeadReader::default();
            for piece in pieces {
                if !matches!(reader.feed(&piece), Ok(None)) {
                    break;
                }
            }
        }
    }
}
