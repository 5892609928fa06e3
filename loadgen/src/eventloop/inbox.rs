//! Wake-ups that come through wakers, from this thread or another.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use rustix::event::{EventfdFlags, eventfd};

/// Tasks that were woken, and a bell that ends the loop's sleep.
pub(super) struct Inbox {
    woken: Mutex<Vec<u32>>,
    /// Whether there are any.
    has_woken: AtomicBool,
    /// Whether the loop sleeps, or is about to: whoever wakes a task then has to ring.
    asleep: AtomicBool,
    bell: OwnedFd,
}

impl Inbox {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            woken: Mutex::default(),
            has_woken: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            bell: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
        })
    }

    /// What becomes readable with each ring.
    pub(super) fn bell(&self) -> &OwnedFd {
        &self.bell
    }

    /// A waker of `task`.
    pub(super) fn waker(self: &Arc<Self>, task: u32) -> Waker {
        Waker::from(Arc::new(TaskWaker {
            task,
            inbox: self.clone(),
        }))
    }

    /// Moves the tasks that were woken to `due`.
    pub(super) fn take(&self, due: &mut VecDeque<u32>) {
        if self.has_woken.load(Ordering::SeqCst) {
            self.has_woken.store(false, Ordering::SeqCst);
            due.extend(self.woken().drain(..));
        }
    }

    /// Announces that the loop is about to sleep, and says whether it may: not when a task was woken in the meantime.
    pub(super) fn sleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        !self.has_woken.load(Ordering::SeqCst)
    }

    /// The loop does not sleep any more.
    pub(super) fn awake(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn wake(&self, task: u32) {
        self.woken().push(task);
        self.has_woken.store(true, Ordering::SeqCst);
        if self.asleep.swap(false, Ordering::SeqCst) {
            // Its counter is never read and cannot come near its limit: it only has to change.
            let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
        }
    }

    fn woken(&self) -> MutexGuard<'_, Vec<u32>> {
        // Nobody can leave it half-changed.
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct TaskWaker {
    task: u32,
    inbox: Arc<Inbox>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inbox.wake(self.task);
    }
}
