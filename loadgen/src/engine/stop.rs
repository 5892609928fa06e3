//! How a run is told to end early.

use tokio::sync::watch;

/// How urgently the run is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// Send nothing more, and let what is in flight end within the drain limit.
    Drain,
    /// Give up what is in flight, too.
    Now,
}

/// Tells every worker to stop. It only ever becomes more urgent.
#[derive(Clone)]
pub struct StopSender(watch::Sender<Stop>);

/// Sees what a [`StopSender`] says.
pub(super) type StopReceiver = watch::Receiver<Stop>;

impl StopSender {
    /// Nobody has to stop yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(Stop::No))
    }

    /// Asks for `stop`, unless something more urgent was asked for already.
    pub fn ask(&self, stop: Stop) {
        self.0.send_if_modified(|current| {
            let more = stop > *current;
            *current = stop.max(*current);
            more
        });
    }

    /// What has been asked for so far.
    #[must_use]
    pub fn asked(&self) -> Stop {
        *self.0.borrow()
    }

    /// A receiver for a worker.
    #[must_use]
    pub fn subscribe(&self) -> StopReceiver {
        self.0.subscribe()
    }
}

impl Default for StopSender {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns once at least `stop` has been asked for.
pub(super) async fn asked(receiver: &mut StopReceiver, stop: Stop) {
    // The sender outlives the workers; were it gone, nobody could ask any more.
    if receiver.wait_for(|current| *current >= stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
