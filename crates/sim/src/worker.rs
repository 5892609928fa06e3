//! One worker: an epoll loop that sends what is due, reads what has come, and sleeps until the next deadline.

use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::Timespec;

use crate::alarm::Alarm;
use crate::clock::Clock;
use crate::connection::{Connection, Phase, Verdict};
use crate::faults::Fault;
use crate::listener::{Accepted, accept};
use crate::queue::Ticket;
use crate::shared::{Mail, Shared};
use crate::stats::Counters;
use crate::timers::{ConnId, Timers};
use crate::truth::Record;

/// Bytes asked for in one read.
const READ: usize = 64 << 10;
/// Events taken from the kernel at once.
const EVENTS: usize = 128;
/// Deadlines served before the sockets are looked at again, so that an arrival is never seen late by more than these writes.
const DUE_AT_ONCE: usize = 16;
/// Connections accepted before the rest gets its turn.
const ACCEPTS: usize = 64;
/// How long accepting rests after the process ran out of descriptors, ns.
const EXHAUSTED_NS: u64 = 20_000_000;

/// Places in the table of connections that are none.
const LISTENER: ConnId = ConnId {
    slot: u32::MAX,
    generation: 0,
};
const ALARM: ConnId = ConnId {
    slot: u32::MAX,
    generation: 2,
};
const BELL: ConnId = ConnId {
    slot: u32::MAX,
    generation: 1,
};

/// What a connection may use of its worker.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    /// This worker's number.
    pub(crate) me: usize,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers,
    /// What a read is made into.
    pub(crate) scratch: Box<[u8]>,
    /// What a reply is made in.
    pub(crate) out: Vec<u8>,
    /// When the last read was made.
    pub(crate) read_ns: u64,
    /// Connections that have more to read.
    pub(crate) again: Vec<ConnId>,
    /// Places that became free for connections of this worker.
    granted: VecDeque<ConnId>,
    epoll: OwnedFd,
}

impl Core {
    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters[self.me]
    }

    /// A request has ended.
    pub(crate) fn ended(&mut self, mut record: Record) {
        record.end_ns = self.clock.now();
        let e2e = record.end_ns.saturating_sub(record.arrival_ns);
        if record.tokens > 0 {
            self.counters().e2e.record(e2e);
        }
        if let Some(log) = &self.shared.truth {
            log.push(record);
        }
    }

    pub(crate) fn count_fault(&self, name: Option<&str>) {
        if let Some(fault) = Fault::ALL.iter().find(|fault| Some(fault.name()) == name) {
            self.counters().fault(*fault);
        }
    }

    /// Gives a place in service back, to whoever waits for it.
    pub(crate) fn leave_queue(&mut self) {
        if let Some(ticket) = self.shared.queue.leave() {
            if ticket.worker == self.me {
                self.granted.push_back(ticket.id);
            } else if let Some(mail) = self.shared.mail.get(ticket.worker) {
                mail.post(Mail::Granted(ticket.id));
            }
        }
    }

    /// A waiting request is gone. If its place is on the way already, the worker finds nobody there and passes it on.
    pub(crate) fn give_up(&mut self, id: ConnId) {
        self.shared.queue.give_up(Ticket {
            worker: self.me,
            id,
        });
    }

    /// Has epoll report a connection. Edge-triggered: registered once and never changed.
    pub(crate) fn watch(&mut self, connection: &Connection) -> Verdict {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        let data = EventData::new_u64(connection.id.to_bits());
        match epoll::add(&self.epoll, &connection.socket, data, flags) {
            Ok(()) => Verdict::Open,
            Err(_) => Verdict::Close,
        }
    }
}

pub(crate) struct Worker {
    core: Core,
    /// Only the first worker accepts.
    listener: Option<OwnedFd>,
    alarm: Alarm,
    next_worker: usize,
    table: Vec<Slot>,
    free: Vec<u32>,
    complained: bool,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Box<Connection>>,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        me: usize,
        listener: Option<OwnedFd>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let bell = EventData::new_u64(BELL.to_bits());
        epoll::add(&epoll, shared.mail[me].bell(), bell, EventFlags::IN)?;
        let alarm = Alarm::new(shared.clock)?;
        let data = EventData::new_u64(ALARM.to_bits());
        epoll::add(&epoll, &alarm, data, EventFlags::IN | EventFlags::ET)?;
        if let Some(listener) = &listener {
            let data = EventData::new_u64(LISTENER.to_bits());
            epoll::add(&epoll, listener, data, EventFlags::IN)?;
        }
        Ok(Self {
            core: Core {
                clock: shared.clock,
                shared,
                me,
                timers: Timers::default(),
                scratch: vec![0; READ].into_boxed_slice(),
                out: Vec::with_capacity(16 << 10),
                read_ns: 0,
                again: Vec::new(),
                granted: VecDeque::new(),
                epoll,
            },
            listener,
            alarm,
            next_worker: 0,
            table: Vec::new(),
            free: Vec::new(),
            complained: false,
        })
    }

    /// Serves until the server stops.
    pub(crate) fn run(mut self) {
        // The kernel may be late by the timer slack: 50 us unless asked otherwise.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let mut events = [MaybeUninit::<Event>::uninit(); EVENTS];
        while !self.core.shared.stop.load(Ordering::Relaxed) {
            let now = self.serve_due(self.core.clock.now());
            let zero = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let poll = self.must_not_sleep(now);
            let Ok((got, _)) = epoll::wait(&self.core.epoll, &mut events, poll.then_some(&zero))
            else {
                // Interrupted by a signal.
                continue;
            };
            for event in got {
                let (flags, id) = (event.flags, ConnId::from_bits(event.data.u64()));
                self.event(id, flags);
                self.serve_due(self.core.clock.now());
            }
            for id in std::mem::take(&mut self.core.again) {
                self.with(id, |c, core| c.readable(core, false));
            }
        }
        self.close_all();
    }

    /// Serves what is due at `now`, within limits; returns the time after it.
    fn serve_due(&mut self, now: u64) -> u64 {
        for served in 0..DUE_AT_ONCE {
            let Some((due, id)) = self.core.timers.pop_due(now) else {
                return if served == 0 {
                    now
                } else {
                    self.core.clock.now()
                };
            };
            if id == LISTENER {
                self.listen_again();
            } else {
                self.with(id, |c, core| c.due(core, due));
            }
        }
        self.core.clock.now()
    }

    /// Whether something is due so soon that epoll must not sleep; if not, the alarm is set to the next deadline.
    fn must_not_sleep(&mut self, now: u64) -> bool {
        if !self.core.again.is_empty() {
            return true;
        }
        let Some(due) = self.core.timers.next() else {
            return false;
        };
        let wake = due.saturating_sub(self.core.shared.timing.spin);
        // Without an alarm the only way to be on time is to poll.
        wake <= now || self.alarm.set(wake).is_err()
    }

    fn event(&mut self, id: ConnId, flags: EventFlags) {
        if id == LISTENER {
            return self.accept();
        }
        if id == BELL {
            for mail in self.core.shared.mail[self.core.me].collect() {
                match mail {
                    Mail::Connection(socket) => self.adopt(socket),
                    Mail::Granted(id) => self.core.granted.push_back(id),
                }
            }
            return self.serve_granted();
        }
        if id == ALARM {
            return;
        }
        if flags.contains(EventFlags::OUT) {
            self.with(id, Connection::writable);
        }
        let ended = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
        if flags.intersects(EventFlags::IN | ended) {
            let hangup = flags.intersects(ended);
            self.with(id, |c, core| c.readable(core, hangup));
        }
    }

    /// Lets a connection do something, then what follows from it. Events of a connection that is gone do nothing.
    fn with(&mut self, id: ConnId, act: impl FnOnce(&mut Connection, &mut Core) -> Verdict) {
        let Some(slot) = self.table.get_mut(id.slot as usize) else {
            return;
        };
        if slot.generation != id.generation {
            return;
        }
        if let Some(connection) = &mut slot.connection
            && act(connection, &mut self.core) == Verdict::Close
        {
            self.close(id, false);
        }
        self.serve_granted();
    }

    fn serve_granted(&mut self) {
        while let Some(id) = self.core.granted.pop_front() {
            let slot = self.table.get_mut(id.slot as usize);
            let verdict = slot
                .filter(|slot| slot.generation == id.generation)
                .and_then(|slot| slot.connection.as_mut())
                .and_then(|connection| connection.granted(&mut self.core));
            match verdict {
                Some(Verdict::Open) => {}
                Some(Verdict::Close) => self.close(id, false),
                None => self.core.leave_queue(),
            }
        }
    }

    fn close(&mut self, id: ConnId, shutdown: bool) {
        let Some(slot) = self.table.get_mut(id.slot as usize) else {
            return;
        };
        if let Some(mut connection) = slot.connection.take() {
            connection.abandon(&mut self.core, shutdown);
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(id.slot);
            self.core.counters().connections_closed.add(1);
        }
    }

    fn close_all(&mut self) {
        for at in 0..self.table.len() {
            let id = ConnId {
                slot: at as u32,
                generation: self.table[at].generation,
            };
            self.close(id, true);
        }
    }

    // === new connections ===

    fn accept(&mut self) {
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listener else {
                return;
            };
            match accept(listener) {
                Accepted::None => return,
                Accepted::Exhausted(e) => return self.rest(e),
                Accepted::Connection(socket) => {
                    let to = self.next_worker;
                    self.next_worker = (to + 1) % self.core.shared.mail.len();
                    if to == self.core.me {
                        self.adopt(socket);
                    } else {
                        self.core.shared.mail[to].post(Mail::Connection(socket));
                    }
                }
            }
        }
    }

    fn adopt(&mut self, socket: OwnedFd) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.table.push(Slot::default());
            // More connections than 2^32 descriptors there cannot be.
            (self.table.len() - 1) as u32
        });
        let id = ConnId {
            slot,
            generation: self.table[slot as usize].generation,
        };
        let mut connection = Box::new(Connection::new(socket, id));
        self.core.counters().connections.add(1);
        let delay = self.core.shared.timing.accept_delay;
        let mut verdict = Verdict::Open;
        if delay > 0 {
            let due = self.core.clock.now() + delay;
            connection.arm(&mut self.core, due);
        } else {
            connection.phase = Phase::Idle;
            verdict = self.core.watch(&connection);
        }
        self.table[slot as usize].connection = Some(connection);
        if verdict == Verdict::Close {
            self.close(id, false);
        }
    }

    /// Stops accepting for a moment: a listener that cannot be served would wake epoll without end.
    fn rest(&mut self, e: Errno) {
        if !self.complained {
            self.complained = true;
            complain(e);
        }
        if let Some(listener) = &self.listener {
            let _ = epoll::delete(&self.core.epoll, listener);
        }
        let due = self.core.clock.now() + EXHAUSTED_NS;
        self.core.timers.set(due, LISTENER);
    }

    fn listen_again(&mut self) {
        if let Some(listener) = &self.listener {
            let data = EventData::new_u64(LISTENER.to_bits());
            let _ = epoll::add(&self.core.epoll, listener, data, EventFlags::IN);
        }
    }
}

#[expect(clippy::print_stderr, reason = "said once; the server goes on")]
fn complain(e: Errno) {
    eprintln!(
        "sim: cannot accept more connections: {e}; they wait until others close (raise the limit with `ulimit -n`)"
    );
}
