//! One connection: what can happen to it, and its reading half. Bytes from the socket become requests.
//!
//! A client that closes its sending side is taken to have left, as vLLM's HTTP server does.

use std::mem::take;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use crate::generation::Generation;
use crate::http::body::{BodyError, BodyReader};
use crate::http::head::{self, Framing, Head, HeadError};
use crate::http::{MAX_BODY, MAX_HEAD};
use crate::timers::ConnId;
use crate::truth::Record;
use crate::worker::Core;

/// Reads of one connection in a row, before others get their turn.
const READS: usize = 8;

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open,
    Close,
}

/// What follows a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The next request.
    KeepAlive,
    Close,
    /// Close once the client has stopped sending: closing earlier would reset the connection, and the reply with it.
    Linger,
}

#[derive(Debug)]
pub(crate) enum Phase {
    /// Accepted, not yet served (`--accept-delay`).
    Unborn,
    /// Before or in the head of a request.
    Idle,
    /// In the body of a request.
    Body(Box<(Head, BodyReader)>),
    /// The request waits for a place.
    Waiting(Box<Generation>),
    Serving(Box<Generation>),
    /// The reply is made, and the kernel has not taken all of it.
    Flushing(Option<Box<Record>>, After),
    Lingering,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: OwnedFd,
    pub(crate) id: ConnId,
    pub(crate) phase: Phase,
    /// Received, not yet understood.
    pub(crate) unread: Vec<u8>,
    /// Made, not yet taken by the kernel.
    pub(crate) unsent: Vec<u8>,
    /// The deadline that counts; all others are stale.
    armed: Option<u64>,
    /// When the first byte of the request that is being read came.
    pub(crate) first_byte_ns: Option<u64>,
    /// The next step was due then, and waits for the client to read.
    pub(crate) paused: Option<u64>,
    /// The end of the client's bytes is near, and epoll will not tell again: read until it comes.
    hangup: bool,
}

/// The peer is gone, or the socket is of no use any more.
pub(crate) struct Gone;

impl Connection {
    pub(crate) fn new(socket: OwnedFd, id: ConnId) -> Self {
        Self {
            socket,
            id,
            phase: Phase::Unborn,
            unread: Vec::new(),
            unsent: Vec::new(),
            armed: None,
            first_byte_ns: None,
            paused: None,
            hangup: false,
        }
    }

    pub(crate) fn arm(&mut self, core: &mut Core, due_ns: u64) {
        self.armed = Some(due_ns);
        core.timers.set(due_ns, self.id);
    }

    // === what happens to a connection ===

    /// The socket has something to read, or has ended (`hangup`).
    pub(crate) fn readable(&mut self, core: &mut Core, hangup: bool) -> Verdict {
        self.hangup |= hangup;
        for _ in 0..READS {
            let mut scratch = take(&mut core.scratch);
            let got = recv(&self.socket, &mut scratch[..], RecvFlags::DONTWAIT);
            core.read_ns = core.clock.now();
            let (verdict, more) = match got {
                Ok((0, _)) => (Verdict::Close, false),
                Ok((n, _)) => {
                    // Less than asked for: the socket is empty, and epoll tells when it is not.
                    let more = n == scratch.len() || self.hangup;
                    (self.received(core, &scratch[..n]), more)
                }
                Err(Errno::AGAIN) => (Verdict::Open, false),
                Err(Errno::INTR) => (Verdict::Open, true),
                Err(_) => (Verdict::Close, false),
            };
            core.scratch = scratch;
            if verdict == Verdict::Close || !more {
                return verdict;
            }
        }
        core.again.push(self.id);
        Verdict::Open
    }

    /// The kernel takes bytes again.
    pub(crate) fn writable(&mut self, core: &mut Core) -> Verdict {
        if self.unsent.is_empty() {
            return Verdict::Open;
        }
        let bytes = take(&mut self.unsent);
        if self.send(&bytes).is_err() {
            return Verdict::Close;
        }
        if let Phase::Serving(generation) = &mut self.phase
            && generation.record.tokens > 0
        {
            generation.record.last_write_ns = Some(core.clock.now());
        }
        if !self.unsent.is_empty() {
            return Verdict::Open;
        }
        if let Some(due) = self.paused.take() {
            self.arm(core, due);
        }
        if let Phase::Flushing(record, after) = &mut self.phase {
            let (record, after) = (record.take(), *after);
            if self.complete(core, record, after) == Verdict::Close {
                return Verdict::Close;
            }
        }
        self.resume(core)
    }

    /// A deadline has passed.
    pub(crate) fn due(&mut self, core: &mut Core, due_ns: u64) -> Verdict {
        if self.armed != Some(due_ns) {
            return Verdict::Open;
        }
        self.armed = None;
        match &self.phase {
            Phase::Unborn => {
                self.phase = Phase::Idle;
                core.watch(self)
            }
            Phase::Serving(_) => match self.step(core, due_ns) {
                Verdict::Open => self.resume(core),
                Verdict::Close => Verdict::Close,
            },
            Phase::Lingering => Verdict::Close,
            Phase::Idle | Phase::Body(_) | Phase::Waiting(_) | Phase::Flushing(..) => Verdict::Open,
        }
    }

    /// The waiting request has its place. `None`: nothing waits here, and the place must be given back.
    pub(crate) fn granted(&mut self, core: &mut Core) -> Option<Verdict> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Waiting(generation) => {
                let start_ns = core.clock.now();
                Some(self.serve(core, generation, start_ns))
            }
            other => {
                self.phase = other;
                None
            }
        }
    }

    /// The connection ends. What was under way ends with it.
    pub(crate) fn abandon(&mut self, core: &mut Core, shutdown: bool) {
        let now = core.clock.now();
        let record = match std::mem::replace(&mut self.phase, Phase::Lingering) {
            Phase::Serving(generation) => {
                core.leave_queue();
                core.counters().release(&generation.record);
                core.counters().aborted.add(1);
                generation.record
            }
            Phase::Waiting(mut generation) => {
                core.give_up(self.id);
                core.counters().aborted.add(1);
                generation.record.queue_ns = now.saturating_sub(generation.record.arrival_ns);
                generation.record
            }
            Phase::Flushing(Some(record), _) => *record,
            Phase::Body(incoming) => match self.record(core, &incoming.0) {
                Some(record) => record,
                None => return,
            },
            Phase::Unborn | Phase::Idle | Phase::Flushing(None, _) | Phase::Lingering => return,
        };
        let mut record = record;
        if shutdown {
            record.fault = Some("shutdown");
        } else {
            record.client_closed = true;
            core.counters().client_closed.add(1);
        }
        core.ended(record);
    }

    // === reading ===

    fn received(&mut self, core: &mut Core, data: &[u8]) -> Verdict {
        match self.phase {
            Phase::Lingering => Verdict::Open,
            Phase::Idle | Phase::Body(_) if self.unread.is_empty() => {
                // The usual case: a whole request in one read, never copied.
                match self.consume(core, data) {
                    Ok(used) => {
                        self.unread.extend_from_slice(&data[used..]);
                        Verdict::Open
                    }
                    Err(Gone) => Verdict::Close,
                }
            }
            Phase::Unborn
            | Phase::Idle
            | Phase::Body(_)
            | Phase::Waiting(_)
            | Phase::Serving(_)
            | Phase::Flushing(..) => {
                self.unread.extend_from_slice(data);
                if self.unread.len() > MAX_BODY + MAX_HEAD {
                    return Verdict::Close;
                }
                self.resume(core)
            }
        }
    }

    /// Goes on with what was received while something else was in the way.
    pub(crate) fn resume(&mut self, core: &mut Core) -> Verdict {
        if self.unread.is_empty() || !matches!(self.phase, Phase::Idle | Phase::Body(_)) {
            return Verdict::Open;
        }
        let mut data = take(&mut self.unread);
        match self.consume(core, &data) {
            Ok(used) => {
                data.drain(..used);
                self.unread = data;
                Verdict::Open
            }
            Err(Gone) => Verdict::Close,
        }
    }

    /// Reads requests from the front of `data` as long as they can be answered; returns how much was used.
    fn consume(&mut self, core: &mut Core, data: &[u8]) -> Result<usize, Gone> {
        let mut at = 0;
        loop {
            let rest = &data[at..];
            match &mut self.phase {
                _ if rest.is_empty() => return Ok(at),
                Phase::Idle => {
                    self.first_byte_ns.get_or_insert(core.read_ns);
                    match head::parse(rest) {
                        Ok(None) => return Ok(at),
                        Ok(Some((head, len))) => {
                            at += len;
                            at += self.head(core, head, &rest[len..])?;
                        }
                        Err(HeadError::Malformed(why)) => self.refuse(core, None, 400, why)?,
                        Err(HeadError::TooLarge) => {
                            self.refuse(core, None, 431, "the request head is longer than 64 KiB")?;
                        }
                    }
                }
                Phase::Body(incoming) => {
                    let fed = incoming.1.feed(rest);
                    if let Ok(used) = fed
                        && !incoming.1.is_done()
                    {
                        return Ok(at + used);
                    }
                    let Phase::Body(incoming) = std::mem::replace(&mut self.phase, Phase::Idle)
                    else {
                        return Ok(at);
                    };
                    let (head, reader) = *incoming;
                    match fed {
                        Ok(used) => {
                            at += used;
                            self.request(core, &head, &reader.bytes)?;
                        }
                        Err(e) => self.refuse_body(core, &head, e)?,
                    }
                }
                Phase::Unborn
                | Phase::Waiting(_)
                | Phase::Serving(_)
                | Phase::Flushing(..)
                | Phase::Lingering => return Ok(at),
            }
        }
    }

    /// A head has come; returns how much of `rest` was its body.
    fn head(&mut self, core: &mut Core, head: Head, rest: &[u8]) -> Result<usize, Gone> {
        if let Framing::Length(length) = head.framing {
            if length > MAX_BODY as u64 {
                self.refuse_body(core, &head, BodyError::TooLarge)?;
                return Ok(0);
            }
            if let Some(body) = rest.get(..length as usize) {
                self.request(core, &head, body)?;
                return Ok(body.len());
            }
        }
        if head.expects_continue && rest.is_empty() {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let reader = BodyReader::new(head.framing);
        self.phase = Phase::Body(Box::new((head, reader)));
        Ok(0)
    }

    fn refuse_body(&mut self, core: &mut Core, head: &Head, e: BodyError) -> Result<(), Gone> {
        let record = self.record(core, head);
        match e {
            BodyError::TooLarge => {
                self.refuse(core, record, 413, "the request body is longer than 64 MiB")
            }
            BodyError::Malformed => self.refuse(
                core,
                record,
                400,
                "the chunks of the request body are broken",
            ),
        }
    }
}
