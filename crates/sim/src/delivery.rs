//! The writing half of a connection: replies, step by step, as the kernel takes them.

use std::mem::take;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown, send, shutdown, sockopt};

use crate::connection::{After, Connection, Gone, Phase, Verdict};
use crate::generation::{Generation, Step};
use crate::truth::Record;
use crate::worker::Core;

/// Unsent bytes above which no more tokens are made until the client has read some.
const UNSENT_LIMIT: usize = 1 << 20;
/// How long a refused client may go on sending before its connection is closed, ns.
const LINGER_NS: u64 = 2_000_000_000;

impl Connection {
    /// Starts the service of a request that has its place.
    pub(crate) fn serve(
        &mut self,
        core: &mut Core,
        mut generation: Box<Generation>,
        start_ns: u64,
    ) -> Verdict {
        let mut out = take(&mut core.out);
        out.clear();
        let due = generation.begin(&core.shared, start_ns, &mut out);
        core.counters().queue.record(generation.record.queue_ns);
        let prompt = u64::from(generation.record.prompt_tokens);
        core.counters().cache_queries.add(prompt);
        let cached = u64::from(generation.record.cached_tokens);
        core.counters().cache_hits.add(cached);
        self.phase = Phase::Serving(generation);
        let sent = self.send(&out);
        core.out = out;
        if sent.is_err() {
            return Verdict::Close;
        }
        self.arm(core, due);
        Verdict::Open
    }

    /// Sends what is due.
    pub(crate) fn step(&mut self, core: &mut Core, due_ns: u64) -> Verdict {
        let Phase::Serving(generation) = &mut self.phase else {
            return Verdict::Open;
        };
        let mut out = take(&mut core.out);
        out.clear();
        let (tokens, events) = generation.made();
        let struck = generation.record.fault;
        let step = generation.step(&mut out);
        let (tokens_now, events_now) = generation.made();
        let (tokens, events) = (
            u64::from(tokens_now - tokens),
            u64::from(events_now - events),
        );
        if struck.is_none() && generation.record.fault.is_some() {
            core.count_fault(generation.record.fault);
        }
        // Before the write: the client may have the bytes before the call is back.
        let stamp = core.clock.now();
        if !out.is_empty() {
            let record = &mut generation.record;
            if tokens > 0 {
                let late = stamp.saturating_sub(due_ns);
                record.late_max_ns = record.late_max_ns.max(late);
                core.counters().lateness.record(late);
                core.counters().tokens.add(tokens);
                core.counters().events.add(events);
                if record.tokens == 0 {
                    record.first_write_ns = Some(stamp);
                    let ttft = stamp.saturating_sub(record.arrival_ns);
                    core.counters().ttft.record(ttft);
                }
                record.last_write_ns = Some(stamp);
                record.tokens += tokens;
                record.events += events;
            } else {
                record.first_write_ns.get_or_insert(stamp);
                record.last_write_ns.get_or_insert(stamp);
            }
        }
        let sent = self.send(&out);
        core.out = out;
        if sent.is_err() {
            return Verdict::Close;
        }
        match step {
            Step::Next(due) if self.unsent.len() > UNSENT_LIMIT => {
                self.paused = Some(due);
                Verdict::Open
            }
            Step::Next(due) => {
                self.arm(core, due);
                Verdict::Open
            }
            Step::Done | Step::Cut | Step::Reset => self.served(core, step),
        }
    }

    /// The reply is over, well or not.
    fn served(&mut self, core: &mut Core, step: Step) -> Verdict {
        let Phase::Serving(generation) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Verdict::Open;
        };
        core.leave_queue();
        core.counters().release(&generation.record);
        if step == Step::Reset {
            // With a linger time of zero, closing sends RST and throws away what is still unsent.
            let _ = sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO));
            core.ended(generation.record);
            return Verdict::Close;
        }
        let after = if step == Step::Done && generation.keep_alive() {
            After::KeepAlive
        } else {
            After::Close
        };
        if step == Step::Done && generation.record.fault != Some("error_event") {
            let counters = core.counters();
            counters
                .prompt_tokens
                .add(u64::from(generation.record.prompt_tokens));
            if generation.stopped_early() {
                counters.finished_stop.add(1);
            } else {
                counters.finished_length.add(1);
            }
        }
        self.finish(core, Some(Box::new(generation.record)), after)
    }

    /// The last bytes of a reply have been given to [`Connection::send`].
    pub(crate) fn finish(
        &mut self,
        core: &mut Core,
        record: Option<Box<Record>>,
        after: After,
    ) -> Verdict {
        if self.unsent.is_empty() {
            self.complete(core, record, after)
        } else {
            self.phase = Phase::Flushing(record, after);
            Verdict::Open
        }
    }

    pub(crate) fn complete(
        &mut self,
        core: &mut Core,
        record: Option<Box<Record>>,
        after: After,
    ) -> Verdict {
        if let Some(record) = record {
            core.ended(*record);
        }
        match after {
            After::KeepAlive => {
                self.phase = Phase::Idle;
                Verdict::Open
            }
            After::Close => {
                self.phase = Phase::Lingering;
                Verdict::Close
            }
            After::Linger => {
                self.phase = Phase::Lingering;
                self.unread = Vec::new();
                let _ = shutdown(&self.socket, Shutdown::Write);
                let due = core.clock.now() + LINGER_NS;
                self.arm(core, due);
                Verdict::Open
            }
        }
    }

    /// Hands bytes to the kernel; keeps what it does not take.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match send(
                &self.socket,
                rest,
                SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
            ) {
                Ok(n) => rest = rest.get(n..).unwrap_or(&[]),
                Err(Errno::AGAIN) => {
                    self.unsent.extend_from_slice(rest);
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                Err(_) => return Err(Gone),
            }
        }
        Ok(())
    }
}
