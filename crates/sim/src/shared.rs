//! What all workers of a server share.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use crate::args::SimArgs;
use crate::clock::Clock;
use crate::duration;
use crate::faults::FaultPlan;
use crate::prefix::Prefixes;
use crate::queue::Queue;
use crate::stats::Counters;
use crate::timers::ConnId;
use crate::truth::Log;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) args: SimArgs,
    pub(crate) timing: Timing,
    pub(crate) faults: FaultPlan,
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    /// One per worker.
    pub(crate) counters: Vec<Counters>,
    /// One per worker.
    pub(crate) mail: Vec<Mailbox>,
    pub(crate) truth: Option<Arc<Log>>,
    /// The prompts so far, where their beginnings are remembered.
    pub(crate) prefixes: Option<Prefixes>,
    /// Requests that have arrived.
    pub(crate) arrivals: AtomicU64,
    pub(crate) stop: AtomicBool,
}

/// The durations of [`SimArgs`] in ns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) ttft: u64,
    pub(crate) ttft_per_prompt_token: u64,
    pub(crate) itl: u64,
    pub(crate) accept_delay: u64,
    pub(crate) startup_delay: u64,
    pub(crate) stall_for: u64,
    pub(crate) spin: u64,
}

impl Timing {
    pub(crate) fn new(args: &SimArgs) -> Self {
        Self {
            ttft: duration::ns(args.ttft),
            ttft_per_prompt_token: duration::ns(args.ttft_per_prompt_token),
            itl: duration::ns(args.itl),
            accept_delay: duration::ns(args.accept_delay),
            startup_delay: duration::ns(args.startup_delay),
            stall_for: duration::ns(args.stall_for),
            spin: duration::ns(args.spin),
        }
    }
}

/// A message from one worker to another.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A new connection to serve.
    Connection(OwnedFd),
    /// The request that waits on this connection has its place now.
    Granted(ConnId),
}

/// A worker's letter box, with the bell that wakes its epoll.
#[derive(Debug)]
pub(crate) struct Mailbox {
    bell: OwnedFd,
    letters: Mutex<VecDeque<Mail>>,
}

impl Mailbox {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            letters: Mutex::new(VecDeque::new()),
        })
    }

    pub(crate) fn post(&self, mail: Mail) {
        self.letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(mail);
        self.ring();
    }

    pub(crate) fn ring(&self) {
        // Fails only when the counter is full, and then the bell is ringing already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    /// All letters, in order; silences the bell first, so that a letter that comes meanwhile rings again.
    pub(crate) fn collect(&self) -> VecDeque<Mail> {
        let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
        std::mem::take(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
