//! The tasks of an event loop.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::inbox::Inbox;
use super::{Handle, MAIN};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Tasks at their places; the main one's is taken, and empty.
pub(super) struct Tasks {
    inbox: Arc<Inbox>,
    places: Vec<Place>,
    free: Vec<u32>,
    /// Tasks to be polled in the next turn.
    ready: Vec<u32>,
    running: usize,
    /// How many have ended so far.
    ended: u64,
    /// Whether the main task waits for the next end.
    is_awaited: bool,
}

struct Place {
    task: Option<Task>,
    /// Kept for whatever task is here next: a wake-up that is meant for an earlier one polls it once in vain.
    waker: Option<Waker>,
}

impl Tasks {
    pub(super) fn new(inbox: &Arc<Inbox>) -> Self {
        let main = Place {
            task: None,
            waker: None,
        };
        Self {
            inbox: inbox.clone(),
            places: vec![main],
            free: Vec::new(),
            ready: Vec::new(),
            running: 0,
            ended: 0,
            is_awaited: false,
        }
    }

    /// Has `task` polled in the next turn.
    pub(super) fn ready(&mut self, task: u32) {
        self.ready.push(task);
    }

    /// Moves the tasks to be polled to `due`.
    pub(super) fn take_ready(&mut self, due: &mut VecDeque<u32>) {
        due.extend(self.ready.drain(..));
    }

    fn add(&mut self, task: Task) {
        let place = self.free.pop().unwrap_or_else(|| {
            let place = u32::try_from(self.places.len()).expect("memory ends before places do");
            self.places.push(Place {
                task: None,
                waker: Some(self.inbox.waker(place)),
            });
            place
        });
        self.places[place as usize].task = Some(task);
        self.running += 1;
        self.ready(place);
    }
}

/// Polls a task, if it is still there. One that panics is dropped while the panic unwinds, so that it can see why.
pub(super) fn poll(tasks: &RefCell<Tasks>, place: u32) {
    let (task, waker) = {
        let mut tasks = tasks.borrow_mut();
        let Some(found) = tasks.places.get_mut(place as usize) else {
            return;
        };
        match (found.task.take(), found.waker.take()) {
            (Some(task), Some(waker)) => (task, waker),
            (_, waker) => {
                found.waker = waker;
                return;
            }
        }
    };
    let mut context = Context::from_waker(&waker);
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let mut task = task;
        match task.as_mut().poll(&mut context) {
            Poll::Pending => Some(task),
            Poll::Ready(()) => None,
        }
    }));
    let mut tasks = tasks.borrow_mut();
    let has_ended = !matches!(polled, Ok(Some(_)));
    let found = &mut tasks.places[place as usize];
    found.waker = Some(waker);
    found.task = polled.unwrap_or_default();
    if has_ended {
        tasks.free.push(place);
        tasks.running -= 1;
        tasks.ended += 1;
        if std::mem::take(&mut tasks.is_awaited) {
            tasks.ready(MAIN);
        }
    }
}

impl Handle {
    /// Starts a task. It is polled for the first time in the next turn of the loop.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.core.tasks.borrow_mut().add(Box::pin(task));
    }

    /// Has the task that is being polled polled again, after whatever else is to be done.
    pub fn poll_again(&self) {
        let task = self.core.current.get();
        self.core.tasks.borrow_mut().ready(task);
    }

    /// Waits until the loop has asked `epoll` again: what a reply that comes now has to wait for.
    pub async fn next_turn(&self) {
        let before = self.core.turn.get();
        poll_fn(|_| {
            if self.core.turn.get() != before {
                return Poll::Ready(());
            }
            self.poll_again();
            Poll::Pending
        })
        .await;
    }

    /// How many tasks have not ended.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.core.tasks.borrow().running
    }

    /// Waits, in the main task, until another one has ended after this is first polled. Returns at once where there is none.
    /// A request can be several tasks, one after the other.
    pub async fn task_ended(&self) {
        let before = self.core.tasks.borrow().ended;
        poll_fn(|_| {
            let mut tasks = self.core.tasks.borrow_mut();
            if tasks.ended != before || tasks.running == 0 {
                return Poll::Ready(());
            }
            tasks.is_awaited = true;
            Poll::Pending
        })
        .await;
    }

    /// Drops all tasks as they are.
    pub fn abort_tasks(&self) {
        let aborted: Vec<Task> = {
            let mut tasks = self.core.tasks.borrow_mut();
            let tasks = &mut *tasks;
            let mut aborted = Vec::new();
            for (place, found) in (0u32..).zip(&mut tasks.places) {
                if let Some(task) = found.task.take() {
                    aborted.push(task);
                    tasks.free.push(place);
                }
            }
            tasks.running -= aborted.len();
            tasks.ended += aborted.len() as u64;
            aborted
        };
        // They may use the loop while they are dropped.
        drop(aborted);
    }
}
