//! Until when something is tried.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// An instant that may still be brought forward, for example because the process was asked to end. Clones follow.
#[derive(Clone, Debug)]
pub struct Deadline(watch::Sender<Instant>);

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(patience: Duration) -> Self {
        Self(watch::Sender::new(Instant::now() + patience))
    }

    /// So long from now, unless that is later than it was.
    pub fn shorten(&self, patience: Duration) {
        let at = Instant::now() + patience;
        self.0.send_if_modified(|instant| {
            let is_sooner = at < *instant;
            if is_sooner {
                *instant = at;
            }
            is_sooner
        });
    }

    /// Returns once it has passed.
    pub(crate) async fn passed(&self) {
        let mut watched = self.0.subscribe();
        loop {
            let at = *watched.borrow_and_update();
            tokio::select! {
                () = sleep_until(at) => return,
                // The sender lives as long as `self`.
                _ = watched.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_can_be_brought_forward_and_not_put_off() {
        let deadline = Deadline::after(Duration::from_secs(100));
        let began = Instant::now();
        let waiting = tokio::spawn({
            let deadline = deadline.clone();
            async move { deadline.passed().await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        deadline.shorten(Duration::from_secs(500));
        deadline.shorten(Duration::from_secs(9));
        waiting.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
