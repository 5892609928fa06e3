//! The event loop of a worker: `epoll`, the tasks that wait for it, and timers, on one thread.
//!
//! A general runtime is built for tasks that wake each other from many threads. Here, a task waits for its own socket, and
//! what wakes it is `epoll`: the event names the socket, the socket its task, and the task is polled, with nothing in
//! between. A core that sleeps between two reads wakes up with cold caches, so that every line of code and data on the way
//! from the kernel to the stamp costs a miss: it is its length that makes a client expensive, not its work.
//!
//! Everything else that futures wait for (channels, a name that is being resolved) wakes tasks through their [`Waker`] as
//! in any runtime.

mod inbox;
mod socket;
mod tasks;
mod timers;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use inbox::Inbox;
pub use socket::Socket;
use socket::Sources;
use tasks::Tasks;
pub use timers::Sleep;
use timers::Timers;

/// The task that [`EventLoop::block_on`] runs.
const MAIN: u32 = 0;

/// The names of the timer and of the inbox's bell among those of sockets.
const TIMER: u64 = u64::MAX;
const BELL: u64 = u64::MAX - 1;

/// Events that are taken at once.
const BATCH: usize = 256;

/// After so many polls, it is looked whether something has come due: a send must not wait behind many reads.
const LOOK_EVERY: usize = 8;

const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Sets the timer slack of the current thread to 1 ns: by default, the kernel may wake it 50 us late.
///
/// # Errors
/// When the kernel refuses.
pub fn sharpen() -> io::Result<()> {
    Ok(rustix::thread::set_current_timer_slack(Some(
        NonZeroU64::MIN,
    ))?)
}

/// An event loop of the current thread.
pub struct EventLoop {
    core: Rc<Core>,
}

/// What futures of an event loop use it through.
#[derive(Clone)]
pub struct Handle {
    core: Rc<Core>,
}

struct Core {
    epoll: OwnedFd,
    timer: OwnedFd,
    inbox: Arc<Inbox>,
    sources: RefCell<Sources>,
    tasks: RefCell<Tasks>,
    timers: RefCell<Timers>,
    /// The task that is being polled.
    current: Cell<u32>,
    /// How often the loop has asked `epoll` what has come.
    turn: Cell<u64>,
}

impl EventLoop {
    /// An event loop without tasks.
    ///
    /// # Errors
    /// When the kernel gives no file descriptors.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let inbox = Arc::new(Inbox::new()?);
        // By edges: neither is ever read.
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), flags)?;
        epoll::add(&epoll, inbox.bell(), EventData::new_u64(BELL), flags)?;
        let tasks = Tasks::new(&inbox);
        Ok(Self {
            core: Rc::new(Core {
                epoll,
                timer,
                inbox,
                sources: RefCell::default(),
                tasks: RefCell::new(tasks),
                timers: RefCell::default(),
                current: Cell::new(MAIN),
                turn: Cell::new(0),
            }),
        })
    }

    /// What futures use this loop through.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle {
            core: self.core.clone(),
        }
    }

    /// Runs `main`, and the tasks that are spawned, until it is ready. Tasks that are left wait for the next call.
    ///
    /// # Errors
    /// When the kernel fails to wait.
    pub fn block_on<F: Future>(&self, main: F) -> io::Result<F::Output> {
        let core = &self.core;
        let mut main = pin!(main);
        let waker = core.inbox.waker(MAIN);
        let mut due = VecDeque::from([MAIN]);
        let mut events: Vec<Event> = Vec::with_capacity(BATCH);
        loop {
            // Twice, so that a task that was just spawned begins in the same turn.
            for _ in 0..2 {
                let mut polled = 0;
                while let Some(task) = due.pop_front() {
                    if let Poll::Ready(output) = core.poll(task, main.as_mut(), &waker) {
                        let mut tasks = core.tasks.borrow_mut();
                        due.drain(..).for_each(|task| tasks.ready(task));
                        return Ok(output);
                    }
                    polled += 1;
                    if polled % LOOK_EVERY == 0 {
                        core.timers.borrow_mut().take_due(&mut due);
                    }
                }
                core.tasks.borrow_mut().take_ready(&mut due);
            }
            core.inbox.take(&mut due);
            let is_idle = due.is_empty() && core.inbox.sleep();
            core.arm()?;
            events.clear();
            let space = rustix::buffer::spare_capacity(&mut events);
            let waited = epoll::wait(&core.epoll, space, (!is_idle).then_some(&NOW));
            core.inbox.awake();
            match waited {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            core.turn.set(core.turn.get() + 1);
            for event in &events {
                match event.data.u64() {
                    TIMER => core.timers.borrow_mut().rang(),
                    name => due.extend(core.sources.borrow_mut().happened(name, event.flags)),
                }
            }
            core.timers.borrow_mut().take_due(&mut due);
        }
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        // Tasks hold handles, and with them the core that holds the tasks.
        self.handle().abort_tasks();
    }
}

impl Core {
    /// Polls a task. The output of the main one ends the loop.
    fn poll<F: Future>(&self, task: u32, main: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
        self.current.set(task);
        if task == MAIN {
            return main.poll(&mut Context::from_waker(waker));
        }
        tasks::poll(&self.tasks, task);
        Poll::Pending
    }

    /// Sets the timer to what comes due next.
    fn arm(&self) -> io::Result<()> {
        if let Some(at) = self.timers.borrow_mut().next_to_arm() {
            let once = Itimerspec {
                it_interval: NOW,
                it_value: at.timespec(),
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
