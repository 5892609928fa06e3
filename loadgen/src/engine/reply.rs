//! One reply as pure state machines: HTTP head, body framing, server-sent events, chunk. Bytes and their instants go in; a
//! trace of what came when, and how it ended, comes out. No socket in it.

mod brought;

use bench_contract::{Outcome, TokenCount};
use bench_report::TokenRead;

use crate::http::body::{Body, BodyError};
use crate::http::head::{Framing, Head, HeadError, HeadReader, sample};
use crate::openai::chunk::{Api, ChunkDecoder, ChunkError, Usage, server_message};
use crate::openai::sse::{EventTooLarge, Framer, SseEvent};
use brought::Brought;

/// The most that a reply that is no stream may take, in bytes.
const MOST_BODY: usize = 64 * 1024 * 1024;

/// What of an error page is kept for its message.
const KEPT_ERROR: usize = 4 * 1024;

/// What came when. Instants are nanoseconds from the run's origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The read that brought the first token event.
    pub first_token_ns: Option<u64>,
    /// The read that brought the first visible token event.
    pub first_visible_ns: Option<u64>,
    /// The read that brought the last token event; of a reply that is no stream, the end of its body.
    pub last_token_ns: Option<u64>,
    /// The reads that brought token events.
    pub reads: Vec<TokenRead>,
    /// Token events.
    pub events: u32,
    /// Tokens of the first event, where the server says so.
    pub first_event_tokens: Option<TokenCount>,
    /// What the server counted.
    pub usage: Option<Usage>,
    /// The visible text of a good reply, where it [is kept](Reply::keeping_text): neither reasoning nor calls of tools.
    pub text: Option<String>,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The outcome.
    pub outcome: Outcome,
    /// What went wrong, in words.
    pub error: Option<String>,
}

impl End {
    /// It ended well.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            outcome: Outcome::Ok,
            error: None,
        }
    }

    /// It failed.
    #[must_use]
    pub fn failed(outcome: Outcome, error: impl Into<String>) -> Self {
        Self {
            outcome,
            error: Some(error.into()),
        }
    }
}

/// Whether a reply goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// More is to come.
    Going,
    /// It has ended.
    Ended {
        /// How.
        end: End,
        /// Whether the connection may carry another request.
        reusable: bool,
    },
}

/// Follows one reply.
#[derive(Debug)]
pub struct Reply {
    streaming: bool,
    part: Part,
    decoder: ChunkDecoder,
}

#[derive(Debug)]
enum Part {
    Head(HeadReader),
    Body {
        head: Head,
        body: Body,
        content: Content,
    },
}

#[derive(Debug)]
enum Content {
    Stream(Framer),
    Whole(Vec<u8>),
}

/// Why a reply fails in the middle.
enum Failure {
    Framing(BodyError),
    Event(EventTooLarge),
    Chunk(ChunkError),
    TooLarge,
}

impl Reply {
    /// A reply of `api`, asked for as a stream or not.
    #[must_use]
    pub fn new(api: Api, streaming: bool) -> Self {
        Self {
            streaming,
            part: Part::Head(HeadReader::default()),
            decoder: ChunkDecoder::new(api),
        }
    }

    /// The same reply, leaving its visible text in the trace.
    #[must_use]
    pub fn keeping_text(mut self) -> Self {
        self.decoder = self.decoder.keeping_text();
        self
    }

    /// Whether nothing of the reply is missing any more, though its framing may go on.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// Takes the bytes of one read, made at `at` ns.
    pub fn feed(&mut self, at: u64, bytes: &[u8], trace: &mut Trace) -> State {
        let mut rest = bytes;
        if let Part::Head(reader) = &mut self.part {
            let head = match reader.feed(bytes) {
                Ok(Some((head, used))) => {
                    rest = &bytes[used..];
                    head
                }
                Ok(None) => return State::Going,
                Err(error) => return head_error(&error),
            };
            trace.status = Some(head.status);
            // A server that does not stream although it was asked to may have an error to tell.
            let media_type = head.content_type.as_deref();
            let is_stream =
                self.streaming && head.status == 200 && media_type != Some("application/json");
            let content = if is_stream {
                Content::Stream(Framer::default())
            } else {
                Content::Whole(Vec::new())
            };
            self.part = Part::Body {
                body: Body::new(head.framing),
                head,
                content,
            };
        }
        let Part::Body {
            head,
            body,
            content,
        } = &mut self.part
        else {
            return State::Going;
        };
        let mut brought = Brought::by(at);
        let decoder = &mut self.decoder;
        let is_ok = head.status == 200;
        let mut known = 0;
        if let Content::Stream(framer) = content
            && framer.is_between_events()
        {
            // Most of what comes: a chunk that is an event in the envelope of the one before.
            while let Some((chunk, used)) = body.whole_chunk(&rest[known..])
                && brought.take_known(decoder, chunk, trace)
            {
                known += used;
            }
        }
        let decoded = body.decode(&rest[known..], |part| match content {
            Content::Stream(framer) => framer.feed(part, |event: SseEvent<'_>| {
                brought.take(decoder, event, trace)
            }),
            Content::Whole(kept) => keep(kept, part, is_ok),
        });
        brought.leave(trace);
        match decoded.map(|used| known + used) {
            Err(failure) => {
                trace.usage = self.decoder.usage();
                failure.state()
            }
            Ok(used) if body.is_done() => {
                let clean = used == rest.len() && head.keep_alive;
                self.end(at, clean, trace)
            }
            Ok(_) => State::Going,
        }
    }

    /// The connection is at its end, seen at `at` ns: the server has closed it, or it is given up after the last event.
    pub fn closed(&mut self, at: u64, trace: &mut Trace) -> State {
        let may_close = matches!(&self.part, Part::Body { body, .. } if body.may_close());
        self.stop(at, may_close, "in the middle of the response", trace)
    }

    /// The connection is at its end, seen at `at` ns, and TLS does not vouch for it: a body whose end is that of the
    /// connection may have been cut.
    pub fn cut(&mut self, at: u64, trace: &mut Trace) -> State {
        self.stop(
            at,
            false,
            "without TLS' close_notify: what came may not be all",
            trace,
        )
    }

    fn stop(&mut self, at: u64, is_end: bool, how: &str, trace: &mut Trace) -> State {
        match &self.part {
            Part::Head(reader) if reader.has_begun() => ended(
                Outcome::Truncated,
                "the connection was closed in the middle of the response head",
            ),
            Part::Head(_) => ended(
                Outcome::Reset,
                "the connection was closed before the first byte of a response",
            ),
            // After the last event nothing is missing, however the connection ends.
            Part::Body { .. } if is_end || self.decoder.is_complete() => self.end(at, false, trace),
            Part::Body { .. } => {
                trace.usage = self.decoder.usage();
                ended(
                    Outcome::Truncated,
                    format!("the connection was closed {how}"),
                )
            }
        }
    }

    /// The body has ended as it should: is the reply what it should be?
    fn end(&mut self, at: u64, reusable: bool, trace: &mut Trace) -> State {
        let Part::Body { head, content, .. } = &mut self.part else {
            return State::Going;
        };
        let mut brought = Brought::by(at);
        let decoder = &mut self.decoder;
        let is_cut = self.streaming && head.framing == Framing::UntilClose;
        let last = match content {
            Content::Whole(body) if head.status != 200 => {
                let message = error_message(head, body);
                return State::Ended {
                    end: End::failed(Outcome::HttpError, message),
                    reusable,
                };
            }
            Content::Whole(body) => {
                let whole = decoder.whole(body).map(drop).map_err(Failure::Chunk);
                if whole.is_ok() && self.streaming {
                    let message = "a stream was asked for, and the reply is application/json";
                    return ended(Outcome::ProtocolError, message);
                }
                trace.last_token_ns = Some(at);
                whole
            }
            Content::Stream(framer) => {
                framer.finish(|event: SseEvent<'_>| brought.take(decoder, event, trace))
            }
        };
        brought.leave(trace);
        trace.usage = self.decoder.usage();
        let end = match last {
            // Where the end of the connection is the end of the body, half an event is a cut, not a fault of its writer.
            Err(Failure::Chunk(ChunkError::Protocol(_))) if is_cut => End::failed(
                Outcome::Truncated,
                "the connection was closed in the middle of an event",
            ),
            Err(failure) => return failure.state(),
            Ok(()) if self.decoder.is_complete() => {
                trace.text = self.decoder.take_text();
                End::ok()
            }
            Ok(()) => End::failed(
                Outcome::Truncated,
                "the stream ended without its last event and without the reason why it finished",
            ),
        };
        State::Ended {
            reusable: reusable && end.outcome == Outcome::Ok,
            end,
        }
    }
}

/// Keeps a part of a body that is no stream: all of a reply, the beginning of an error page.
fn keep(kept: &mut Vec<u8>, part: &[u8], is_ok: bool) -> Result<(), Failure> {
    if !is_ok {
        let room = KEPT_ERROR.saturating_sub(kept.len()).min(part.len());
        kept.extend_from_slice(&part[..room]);
        return Ok(());
    }
    kept.extend_from_slice(part);
    if kept.len() > MOST_BODY {
        Err(Failure::TooLarge)
    } else {
        Ok(())
    }
}

fn error_message(head: &Head, body: &[u8]) -> String {
    let mut message = if body.is_empty() {
        String::new()
    } else {
        server_message(body)
    };
    for (name, value) in [
        ("location", &head.location),
        ("retry-after", &head.retry_after),
    ] {
        if let Some(value) = value {
            let space = if message.is_empty() { "" } else { " " };
            message.push_str(&format!("{space}({name}: {})", sample(value.as_bytes())));
        }
    }
    if message.is_empty() {
        format!("status {} without a body", head.status)
    } else {
        message
    }
}

fn ended(outcome: Outcome, message: impl Into<String>) -> State {
    State::Ended {
        end: End::failed(outcome, message),
        reusable: false,
    }
}

fn head_error(error: &HeadError) -> State {
    ended(Outcome::ProtocolError, error.to_string())
}

impl Failure {
    fn state(self) -> State {
        match self {
            Self::Framing(error) => ended(Outcome::ProtocolError, error.to_string()),
            Self::Event(error) => ended(Outcome::ProtocolError, error.to_string()),
            Self::Chunk(ChunkError::Protocol(message)) => ended(Outcome::ProtocolError, message),
            Self::Chunk(ChunkError::Server(message)) => ended(Outcome::ServerErrorEvent, message),
            Self::TooLarge => ended(Outcome::ProtocolError, "the response is larger than 64 MiB"),
        }
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        Self::Framing(error)
    }
}

impl From<EventTooLarge> for Failure {
    fn from(error: EventTooLarge) -> Self {
        Self::Event(error)
    }
}

#[cfg(test)]
mod tests;
