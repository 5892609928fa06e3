//! The token events of one read: all of them share its instant.

use bench_report::TokenRead;

use super::{Failure, Trace};
use crate::openai::chunk::{ChunkDecoder, Event};
use crate::openai::sse::SseEvent;

/// The token events of one read.
pub(super) struct Brought {
    read: TokenRead,
    /// Whether the server has said of each event how many tokens it holds.
    all_counted: bool,
}

impl Brought {
    /// Nothing yet, by a read at `at` ns.
    pub(super) fn by(at: u64) -> Self {
        let read = TokenRead {
            at_ns: at,
            events: 0,
            tokens: 0,
        };
        Self {
            read,
            all_counted: true,
        }
    }

    /// Decodes an event, and notes it if it is a token event.
    pub(super) fn take(
        &mut self,
        decoder: &mut ChunkDecoder,
        event: SseEvent<'_>,
        trace: &mut Trace,
    ) -> Result<(), Failure> {
        let event = decoder
            .event(event.name, event.data)
            .map_err(Failure::Chunk)?;
        self.note(event, trace);
        Ok(())
    }

    /// Decodes and notes `bytes` if they are one event that needs neither framer nor parser; says whether they are.
    pub(super) fn take_known(
        &mut self,
        decoder: &mut ChunkDecoder,
        bytes: &[u8],
        trace: &mut Trace,
    ) -> bool {
        let Some(event) = decoder.known_event(bytes) else {
            return false;
        };
        self.note(event, trace);
        true
    }

    fn note(&mut self, event: Event, trace: &mut Trace) {
        if !event.token {
            return;
        }
        self.read.events += 1;
        self.read.tokens += event.tokens;
        self.all_counted &= event.tokens > 0;
        if trace.first_token_ns.is_none() {
            trace.first_token_ns = Some(self.read.at_ns);
            trace.first_event_tokens = (event.tokens > 0).then_some(event.tokens);
        }
        if event.visible {
            trace.first_visible_ns.get_or_insert(self.read.at_ns);
        }
    }

    /// Leaves the read in the trace, if it brought anything.
    pub(super) fn leave(mut self, trace: &mut Trace) {
        if self.read.events == 0 {
            return;
        }
        if !self.all_counted {
            self.read.tokens = 0;
        }
        trace.last_token_ns = Some(self.read.at_ns);
        trace.events += self.read.events;
        trace.reads.push(self.read);
    }
}
