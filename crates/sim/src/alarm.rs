//! The one kernel timer of a worker: an absolute timerfd that wakes its epoll.
//!
//! epoll's own timeout would not do: its usual form counts whole milliseconds.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::clock::Clock;

/// Watched edge-triggered, so that its expirations need not be read.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: OwnedFd,
    clock: Clock,
    /// What it is set to, ns since the origin. May be past.
    set_to: u64,
}

impl Alarm {
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self {
            timer: timerfd_create(TimerfdClockId::Monotonic, flags)?,
            clock,
            set_to: 0,
        })
    }

    /// Makes it go off at `at_ns` after the origin, and not before. Free of charge if that is what it is set to.
    pub(crate) fn set(&mut self, at_ns: u64) -> io::Result<()> {
        if self.set_to == at_ns {
            return Ok(());
        }
        let mono_ns = self.clock.mono_origin_ns.saturating_add(at_ns);
        let value = Timespec {
            tv_sec: (mono_ns / 1_000_000_000) as i64,
            tv_nsec: (mono_ns % 1_000_000_000) as i64,
        };
        let never = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let spec = Itimerspec {
            it_interval: never,
            it_value: value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &spec)?;
        self.set_to = at_ns;
        Ok(())
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}
