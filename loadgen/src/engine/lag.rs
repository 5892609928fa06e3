//! How late a worker's event loop comes to what is due.
//!
//! `schedule_delay` says so as long as requests are sent. Replies are read longer than that, and a read that comes late is
//! stamped late, so the loop is sampled on its own until the stage has ended.

use std::io;

use bench_contract::EventLoopLag;
use bench_report::DurationHistogram;

use crate::clock::Instant;
use crate::pacer::Pacer;

/// Between two samples, in nanoseconds: often enough to see a stall, and a hundredth of a percent of a CPU.
const PERIOD_NS: u64 = 50_000_000;

/// Samples the current thread's event loop from `start` on, for as long as it is polled. A stall is counted once for each
/// sample that it delays, so that its weight is its length.
///
/// # Errors
/// When the timer fails; it ends in no other way.
pub(super) async fn sample(
    start: Instant,
    pacer: &Pacer,
    lag: &mut DurationHistogram,
) -> io::Result<std::convert::Infallible> {
    let mut due = start;
    loop {
        due = due.plus(PERIOD_NS);
        pacer.until(due).await?;
        let now = Instant::now();
        lag.record(now.since(due), 1);
        while due.plus(PERIOD_NS) <= now {
            due = due.plus(PERIOD_NS);
            lag.record(now.since(due), 1);
        }
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

    #[test]
    fn a_stall_weighs_as_much_as_it_lasts() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut lag = DurationHistogram::new();
        runtime.block_on(async {
            let pacer = Pacer::new().unwrap();
            let start = Instant::now();
            // Twenty samples are overdue when the loop comes to look.
            std::thread::sleep(Duration::from_nanos(20 * PERIOD_NS));
            let sampling = sample(start, &pacer, &mut lag);
            let _ = tokio::time::timeout(Duration::from_millis(1), sampling).await;
        });
        assert!(lag.count() >= 20, "{}", lag.count());
        let seen = summary(&lag).unwrap();
        assert!(seen.max_s >= 0.19 && seen.p50_s >= 0.09, "{seen:?}");
        assert_eq!(summary(&DurationHistogram::new()), None);
    }
}
