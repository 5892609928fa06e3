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
    /// The earliest instant that is waited for.
    earliest: Option<Instant>,
    /// What the kernel's timer is set to, until it rings.
    armed: Option<Instant>,
}

impl Timers {
    /// Moves the tasks that wait for an instant that has come before those in `due`.
    pub(super) fn take_due(&mut self, due: &mut VecDeque<u32>) {
        let Some(earliest) = self.earliest else {
            return;
        };
        let now = Instant::now();
        if now < earliest {
            return;
        }
        self.fired = Some(now);
        let mut place = 0;
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            due.insert(place, entry.remove());
            place += 1;
        }
        self.find_earliest();
    }

    /// The kernel's timer has rung. Should what it was set to not have come yet by our reading of the clock, it is set again.
    pub(super) fn rang(&mut self) {
        self.armed = None;
    }

    fn find_earliest(&mut self) {
        self.earliest = self.waiting.first_key_value().map(|(key, _)| key.0);
    }

    /// What the kernel's timer has to be set to, where that is something else than it is.
    pub(super) fn next_to_arm(&mut self) -> Option<Instant> {
        // Where nothing is waited for any more, a timer that is set wakes the loop in vain, once.
        let earliest = self.earliest.filter(|_| self.earliest != self.armed)?;
        self.armed = Some(earliest);
        Some(earliest)
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
        let earliest = timers.earliest.map_or(self.until, |it| it.min(self.until));
        timers.earliest = Some(earliest);
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
            if timers.earliest == Some(self.until) {
                timers.find_earliest();
            }
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
        self.until(Instant::now().after(duration))
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
