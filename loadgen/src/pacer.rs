//! Waiting until a planned instant.
//!
//! tokio's own timers tick at 1 ms and round up. A `timerfd` with an absolute instant wakes the event loop as any socket
//! does, and with a timer slack of 1 ns it does so within tens of microseconds.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::clock::Instant;

/// Sets the timer slack of the current thread to 1 ns: by default, the kernel may wake it 50 us late.
///
/// # Errors
/// When the kernel refuses.
pub fn sharpen() -> io::Result<()> {
    Ok(rustix::thread::set_current_timer_slack(Some(
        NonZeroU64::MIN,
    ))?)
}

/// Waits until planned instants, one after the other.
pub struct Pacer {
    timer: AsyncFd<OwnedFd>,
}

impl Pacer {
    /// A pacer on the current runtime. The thread that waits with it has to be [sharpened](sharpen).
    ///
    /// # Errors
    /// When the kernel gives no timer.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        #[expect(
            deprecated,
            reason = "an OwnedFd keeps what the unsafe successor asks its caller to promise"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self { timer })
    }

    /// Returns at `instant`, or at once when it has passed.
    ///
    /// # Errors
    /// When the timer cannot be set or read.
    pub async fn until(&self, instant: Instant) -> io::Result<()> {
        if Instant::now() >= instant {
            return Ok(());
        }
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: instant.timespec(),
        };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
        loop {
            let mut ready = self.timer.readable().await?;
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0u8; 8])?));
            if read.is_ok() {
                // One read empties a timer; left as it is, the next wait would try another in vain.
                ready.clear_ready();
            }
            if read.is_ok() && Instant::now() >= instant {
                return Ok(());
            }
        }
    }
}
