//! The one clock: integer nanoseconds on `CLOCK_MONOTONIC` from the run's origin.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A point on `CLOCK_MONOTONIC`, in nanoseconds since the clock's own zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self(nanos(clock_gettime(ClockId::Monotonic)))
    }

    /// `nanoseconds` later.
    #[must_use]
    pub fn plus(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        self.plus(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Nanoseconds from `earlier` to here; 0 when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same as the kernel takes it.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "seconds since boot")]
    pub fn timespec(self) -> Timespec {
        Timespec {
            tv_sec: (self.0 / 1_000_000_000) as i64,
            tv_nsec: (self.0 % 1_000_000_000) as i64,
        }
    }
}

/// The origin of a run's instants, with its wall time, read together once.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    instant: Instant,
    unix_ns: u64,
}

impl Origin {
    /// The origin now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            unix_ns: wall_ns(),
        }
    }

    /// Nanoseconds from the origin to now.
    #[must_use]
    pub fn elapsed(&self) -> u64 {
        Instant::now().since(self.instant)
    }

    /// The instant that lies `nanoseconds` after the origin.
    #[must_use]
    pub fn at(&self, nanoseconds: u64) -> Instant {
        self.instant.plus(nanoseconds)
    }

    /// How far the wall clock has been set since the origin, in seconds; forward is above 0.
    #[must_use]
    pub fn wall_step_s(&self) -> f64 {
        wall_step_s(self.unix_ns, wall_ns(), self.elapsed())
    }

    /// Wall time of the origin, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ns(&self) -> u64 {
        self.unix_ns
    }
}

/// By how much more the wall clock went on from `before` to `now` than the `elapsed` nanoseconds that it took.
fn wall_step_s(before: u64, now: u64, elapsed: u64) -> f64 {
    let expected = before.saturating_add(elapsed);
    if now >= expected {
        seconds(now - expected)
    } else {
        -seconds(expected - now)
    }
}

/// Wall time, in nanoseconds since the Unix epoch.
#[must_use]
pub fn wall_ns() -> u64 {
    nanos(clock_gettime(ClockId::Realtime))
}

/// CPU time of the whole process so far, in nanoseconds.
#[must_use]
pub fn cpu_ns() -> u64 {
    nanos(clock_gettime(ClockId::ProcessCPUTime))
}

/// CPU time of the current thread so far, in nanoseconds.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    nanos(clock_gettime(ClockId::ThreadCPUTime))
}

/// Nanoseconds as seconds.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "2^53 ns are a hundred days; past them, a nanosecond is of no account"
)]
pub fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[expect(clippy::cast_sign_loss, reason = "these clocks do not go below 0")]
fn nanos(time: Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_wall_clock_is_what_did_not_pass() {
        let second = 1_000_000_000;
        let day = 86_400 * second;
        assert_eq!(wall_step_s(day, day + 5 * second, 5 * second), 0.0);
        assert_eq!(wall_step_s(day, day + 8 * second, 5 * second), 3.0);
        assert_eq!(wall_step_s(day, day - second, 5 * second), -6.0);
        assert!(Origin::now().wall_step_s().abs() < 3600.0);
    }
}
