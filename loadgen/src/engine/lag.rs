//! How late a worker's event loop comes to what is due.
//!
//! `schedule_delay` says so as long as requests are sent. Replies are read longer than that, and a read that comes late is
//! stamped late, so the loop is sampled on its own until the stage has ended.

use bench_contract::EventLoopLag;
use bench_report::DurationHistogram;

use crate::clock::Instant;
use crate::eventloop::Handle;

/// Between two samples, in nanoseconds. Shorter stalls are seen in proportion to their length, so that percentiles are right, and
/// the longest one is this much longer at most; each sample is a wake-up, which has to disappear beside those of the replies.
const PERIOD_NS: u64 = 50_000_000;

/// Samples the current thread's event loop from `start` on, for as long as it is polled. A stall is counted once for each
/// sample that it delays, so that its weight is its length. After each, `each` is called.
pub(super) async fn sample(
    start: Instant,
    handle: &Handle,
    lag: &mut DurationHistogram,
    each: impl Fn(),
) -> std::convert::Infallible {
    let mut due = start;
    loop {
        due = due.plus(PERIOD_NS);
        handle.until(due).await;
        // What has come due goes before the replies that came with it, and this is about replies.
        handle.next_turn().await;
        let now = Instant::now();
        lag.record(now.since(due), 1);
        while due.plus(PERIOD_NS) <= now {
            due = due.plus(PERIOD_NS);
            lag.record(now.since(due), 1);
        }
        each();
    }
}

/// The samples in short; `None` without any.
pub(super) fn summary(lag: &DurationHistogram) -> Option<EventLoopLag> {
    let [p50_s, p99_s] = lag.percentiles(&[50.0, 99.0]).try_into().ok()?;
    Some(EventLoopLag {
        count: lag.count(),
        p50_s,
        p99_s,
        max_s: lag.max()?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::eventloop::EventLoop;

    #[test]
    fn a_stall_weighs_as_much_as_it_lasts() {
        let event_loop = EventLoop::new().unwrap();
        let handle = event_loop.handle();
        let mut lag = DurationHistogram::new();
        let sampled = event_loop.block_on(async {
            let start = Instant::now();
            // Twenty samples are overdue when the loop comes to look.
            std::thread::sleep(Duration::from_nanos(20 * PERIOD_NS));
            let sampling = sample(start, &handle, &mut lag, || {});
            handle.timeout(Duration::from_millis(1), sampling).await
        });
        assert!(sampled.unwrap().is_none());
        assert!(lag.count() >= 20, "{}", lag.count());
        let seen = summary(&lag).unwrap();
        assert!(seen.max_s >= 0.45 && seen.p50_s >= 0.2, "{seen:?}");
        assert_eq!(summary(&DurationHistogram::new()), None);
    }
}
