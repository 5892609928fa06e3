//! Waiting until planned instants, and time limits.
//!
//! A `timerfd` with an absolute instant ends the loop's sleep as any socket does, and with a timer slack of 1 ns it does so
//! within tens of microseconds.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use super::Handle;
use crate::clock::Instant;

/// What tasks wait for, in order.
#[derive(Default)]
pub(super) struct Timers {
    waiting: BTreeMap<(Instant, u64), u32>,
    /// How many there have been.
    count: u64,
    /// Everything up to here has been woken.
    fired: Option<Instant>,
    /// The earliest of them when the kernel's timer was last set; what it is set to.
    armed: Option<Instant>,
    /// Whether another one may be the earliest by now.
    has_changed: bool,
}

impl Timers {
    /// Moves the tasks that wait for an instant that has come before those in `due`. What was added since the kernel's timer
    /// was set is not looked at.
    pub(super) fn take_due(&mut self, due: &mut VecDeque<u32>) {
        let Some(first) = self.armed else {
            return;
        };
        let now = Instant::now();
        if now < first {
            return;
        }
        self.fired = Some(now);
        self.armed = None;
        self.has_changed = true;
        let mut place = 0;
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            due.insert(place, entry.remove());
            place += 1;
        }
    }

    /// What the kernel's timer has to be set to, where that is something else than it is.
    pub(super) fn next_to_arm(&mut self) -> Option<Instant> {
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let first = self.waiting.first_key_value().map(|(key, _)| key.0);
        // Where nothing is waited for any more, a timer that is set wakes the loop in vain, once.
        let is_other = self.armed != first;
        self.armed = first;
        first.filter(|_| is_other)
    }
}

/// Waits until an instant. It belongs to the task that polls it first.
pub struct Sleep {
    handle: Handle,
    until: Instant,
    /// Its number among the timers, once it waits.
    number: Option<u64>,
}

impl Sleep {
    /// Whether the instant has come; else the task that is being polled will be polled then.
    pub fn poll_until(&mut self) -> Poll<()> {
        let mut timers = self.handle.core.timers.borrow_mut();
        if self.number.is_some() {
            return if timers.fired.is_some_and(|fired| fired >= self.until) {
                Poll::Ready(())
            } else {
                Poll::Pending
            };
        }
        if Instant::now() >= self.until {
            return Poll::Ready(());
        }
        timers.count += 1;
        let number = timers.count;
        let task = self.handle.core.current.get();
        timers.waiting.insert((self.until, number), task);
        timers.has_changed |= timers.armed.is_none_or(|armed| self.until < armed);
        self.number = Some(number);
        Poll::Pending
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.poll_until()
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut timers = self.handle.core.timers.borrow_mut();
            timers.waiting.remove(&(self.until, number));
            timers.has_changed |= timers.armed == Some(self.until);
        }
    }
}

impl Handle {
    /// Waits until `instant`, or not at all when it has passed.
    #[must_use]
    pub fn until(&self, instant: Instant) -> Sleep {
        Sleep {
            handle: self.clone(),
            until: instant,
            number: None,
        }
    }

    /// Waits for `duration`.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.until(Instant::now().plus(nanos))
    }

    /// What `future` comes to within `limit`; none if it does not.
    pub async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        self.within(self.sleep(limit), future).await
    }

    /// What `future` comes to before `instant`; none if it does not.
    pub async fn timeout_at<F: Future>(&self, instant: Instant, future: F) -> Option<F::Output> {
        self.within(self.until(instant), future).await
    }

    async fn within<F: Future>(&self, mut limit: Sleep, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => limit.poll_until().map(|()| None),
        })
        .await
    }
}
