//! The queue in front of the served requests: at most `capacity` are served at once, the others wait, first come first served.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::timers::ConnId;

/// A waiting request: the worker that holds it and its connection there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) worker: usize,
    pub(crate) id: ConnId,
}

/// One queue for all workers.
#[derive(Debug)]
pub(crate) struct Queue {
    /// 0 = unlimited: nothing ever waits, and no lock is taken.
    capacity: u64,
    running: AtomicU64,
    waiting: Mutex<VecDeque<Ticket>>,
    waiting_now: AtomicU64,
}

impl Queue {
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            capacity: u64::from(capacity),
            running: AtomicU64::new(0),
            waiting: Mutex::new(VecDeque::new()),
            waiting_now: AtomicU64::new(0),
        }
    }

    /// Takes a place. `false`: none is free, and the ticket waits until [`Queue::leave`] hands it out.
    pub(crate) fn enter(&self, ticket: Ticket) -> bool {
        if self.capacity == 0 {
            self.running.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let mut waiting = self.lock();
        if self.running.load(Ordering::Relaxed) < self.capacity && waiting.is_empty() {
            self.running.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        waiting.push_back(ticket);
        self.waiting_now
            .store(waiting.len() as u64, Ordering::Relaxed);
        false
    }

    /// Gives a place back. It goes to the longest-waiting ticket, which its worker must be told.
    pub(crate) fn leave(&self) -> Option<Ticket> {
        if self.capacity == 0 {
            self.running.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let mut waiting = self.lock();
        let next = waiting.pop_front();
        match next {
            Some(_) => self
                .waiting_now
                .store(waiting.len() as u64, Ordering::Relaxed),
            None => {
                self.running.fetch_sub(1, Ordering::Relaxed);
            }
        }
        next
    }

    /// Takes a ticket back whose client has gone. `false`: it was handed a place already, which must be given back.
    pub(crate) fn give_up(&self, ticket: Ticket) -> bool {
        let mut waiting = self.lock();
        let Some(at) = waiting.iter().position(|t| *t == ticket) else {
            return false;
        };
        waiting.remove(at);
        self.waiting_now
            .store(waiting.len() as u64, Ordering::Relaxed);
        true
    }

    /// Requests that are served now.
    pub(crate) fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// Requests that wait now.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting_now.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Ticket>> {
        // Each change is one push or pop, so the queue is whole even after a panic elsewhere.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(slot: u32) -> Ticket {
        Ticket {
            worker: 0,
            id: ConnId {
                slot,
                generation: 0,
            },
        }
    }

    #[test]
    fn first_come_first_served() {
        let queue = Queue::new(2);
        assert!(queue.enter(ticket(1)));
        assert!(queue.enter(ticket(2)));
        assert!(!queue.enter(ticket(3)));
        assert!(!queue.enter(ticket(4)));
        assert!(!queue.enter(ticket(5)));
        assert_eq!((queue.running(), queue.waiting()), (2, 3));
        assert!(queue.give_up(ticket(4)));
        assert!(!queue.give_up(ticket(4)));
        assert_eq!(queue.leave(), Some(ticket(3)));
        assert_eq!(queue.leave(), Some(ticket(5)));
        assert_eq!((queue.running(), queue.waiting()), (2, 0));
        assert_eq!(queue.leave(), None);
        assert_eq!(queue.leave(), None);
        assert_eq!(queue.running(), 0);
        assert!(queue.enter(ticket(6)));
    }

    #[test]
    fn unlimited_never_waits() {
        let queue = Queue::new(0);
        assert!((0..1000).all(|slot| queue.enter(ticket(slot))));
        assert_eq!((queue.running(), queue.waiting()), (1000, 0));
        assert!((0..1000).all(|_| queue.leave().is_none()));
        assert_eq!(queue.running(), 0);
    }
}
