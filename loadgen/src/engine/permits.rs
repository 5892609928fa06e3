//! The closed loop's one pool: whichever lane is free first takes the next request, whatever worker it belongs to.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::composer::{Body, Made};
use crate::plan::Planned;

/// Requests in order, with their bodies, dealt to lanes as they become free. Each is taken once.
///
/// Taking one is one lock that nobody holds for longer than it takes to move a body; no thread waits for another one's wake-up.
pub(super) struct Permits {
    state: Mutex<State>,
    outstanding: Arc<AtomicUsize>,
}

struct State {
    receiver: Receiver<Made>,
    /// Requests that have not been taken begin here.
    next: u64,
    /// Requests end here, where that is planned.
    end: Option<u64>,
    /// The worker of each request that was taken.
    owners: Vec<u16>,
}

/// What a lane gets.
pub(super) enum Taken {
    /// A request that can be sent.
    Body(Body),
    /// A request that cannot, because of a fault of ours.
    Failed(Planned, String),
    /// There is one, and its body is not ready yet.
    Late,
    /// There are no more.
    Over,
}

impl Permits {
    /// Deals what comes out of `receiver`: `end` requests, or as many as are taken.
    pub(super) fn new(
        receiver: Receiver<Made>,
        end: Option<u64>,
        outstanding: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                receiver,
                next: 0,
                end,
                owners: Vec::new(),
            }),
            outstanding,
        }
    }

    /// The next request, for a lane of `worker`.
    pub(super) fn take(&self, worker: usize) -> Taken {
        let mut state = self.state();
        if state.end.is_some_and(|end| state.next >= end) {
            return Taken::Over;
        }
        let made = match state.receiver.try_recv() {
            Ok(made) => made,
            Err(TryRecvError::Empty) => return Taken::Late,
            // Its maker has died, which the supervisor says; what is left is never sent.
            Err(TryRecvError::Disconnected) => return Taken::Over,
        };
        state.next += 1;
        state.owners.push(u16::try_from(worker).unwrap_or(u16::MAX));
        drop(state);
        match made {
            Ok(body) => {
                self.outstanding.fetch_sub(body.size(), Ordering::Relaxed);
                Taken::Body(body)
            }
            Err((planned, reason)) => Taken::Failed(planned, reason),
        }
    }

    /// Ends the dealing. What was planned and not taken is returned once, to whoever comes first.
    pub(super) fn rest(&self) -> Range<u64> {
        let mut state = self.state();
        let from = state.next;
        let end = state.end.unwrap_or(from).max(from);
        (state.next, state.end) = (end, Some(end));
        from..end
    }

    /// What `worker` has taken.
    pub(super) fn taken_by(&self, worker: usize) -> Vec<u64> {
        let state = self.state();
        (0..)
            .zip(&state.owners)
            .filter(|(_, owner)| usize::from(**owner) == worker)
            .map(|(index, _)| index)
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that dies while it holds the lock leaves a state in which every step is complete.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Planned;
    use std::sync::mpsc::channel;

    fn body(index: u64) -> Body {
        Body {
            planned: Planned {
                index,
                due_ns: 0,
                input_tokens: 1,
                output_tokens: 1,
                cancel_after_ns: None,
                adapter: None,
            },
            bytes: vec![0; 10],
            body_bytes: 10,
            input_tokens: None,
            talk: None,
        }
    }

    #[test]
    fn many_threads_take_each_request_once_and_one_gets_the_rest() {
        const COUNT: u64 = 20_000;
        let (sender, receiver) = channel();
        for index in 0..COUNT {
            sender.send(Ok(body(index))).unwrap();
        }
        let size = body(0).size();
        let outstanding = Arc::new(AtomicUsize::new(size * COUNT as usize));
        let permits = Permits::new(receiver, Some(COUNT), outstanding.clone());
        let taken: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|worker| {
                    let permits = &permits;
                    scope.spawn(move || {
                        let mut mine = Vec::new();
                        while mine.len() < 4_000 {
                            match permits.take(worker) {
                                Taken::Body(body) => mine.push(body.planned.index),
                                Taken::Failed(..) | Taken::Late | Taken::Over => break,
                            }
                        }
                        assert_eq!(permits.taken_by(worker), mine);
                        mine
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap())
                .collect()
        });
        let mut all: Vec<u64> = taken.concat();
        all.extend(permits.rest());
        all.sort_unstable();
        assert_eq!(all, (0..COUNT).collect::<Vec<_>>());
        assert_eq!(outstanding.load(Ordering::Relaxed), size * 4_000);
        assert!(permits.rest().is_empty() && matches!(permits.take(0), Taken::Over));
    }

    #[test]
    fn what_is_not_ready_is_late_and_what_is_not_planned_has_no_rest() {
        let (sender, receiver) = channel();
        let permits = Permits::new(receiver, None, Arc::default());
        assert!(matches!(permits.take(0), Taken::Late));
        let planned = body(0).planned;
        sender.send(Err((planned, "broken".to_owned()))).unwrap();
        assert!(matches!(permits.take(0), Taken::Failed(failed, _) if failed == planned));
        assert!(permits.rest().is_empty());
        sender.send(Ok(body(1))).unwrap();
        assert!(matches!(permits.take(0), Taken::Over));
    }
}
