//! The one place where time enters: CLOCK_MONOTONIC, counted from the server's origin.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The server's clock. Copies of it share one origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// CLOCK_MONOTONIC at the origin, ns.
    pub(crate) mono_origin_ns: u64,
    /// Wall time (CLOCK_REALTIME) at the origin, ns since 1970.
    pub(crate) unix_origin_ns: u64,
}

impl Clock {
    /// Puts the origin at this instant.
    pub(crate) fn start() -> Self {
        Self {
            mono_origin_ns: ns(clock_gettime(ClockId::Monotonic)),
            unix_origin_ns: ns(clock_gettime(ClockId::Realtime)),
        }
    }

    /// Nanoseconds since the origin.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        ns(clock_gettime(ClockId::Monotonic)).saturating_sub(self.mono_origin_ns)
    }

    /// Seconds since 1970 at the instant `ns` after the origin.
    pub(crate) fn unix_seconds(&self, ns: u64) -> u64 {
        (self.unix_origin_ns + ns) / 1_000_000_000
    }
}

#[inline]
fn ns(t: Timespec) -> u64 {
    // Both clocks are past their epochs, so neither part is negative.
    (t.tv_sec as u64) * 1_000_000_000 + t.tv_nsec as u64
}
