//! Until when something is tried.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long after a deadline what was begun may still be tidied up.
const TIDYING: Duration = Duration::from_secs(10);

/// An instant that may still be moved: put off by bytes that arrive, or brought forward for good, because the process was asked
/// to end. Clones follow.
#[derive(Clone, Debug)]
pub struct Deadline(watch::Sender<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    at: Instant,
    /// How long after the last bytes that arrived it is, where they put it off.
    patience: Option<Duration>,
    /// Until when tidying up is tried.
    tidied: Instant,
}

impl Deadline {
    /// So long from now, whatever arrives.
    #[must_use]
    pub fn after(patience: Duration) -> Self {
        Self::new(patience, None)
    }

    /// So long after the last bytes that have arrived.
    #[must_use]
    pub fn of_silence(patience: Duration) -> Self {
        Self::new(patience, Some(patience))
    }

    fn new(from_now: Duration, patience: Option<Duration>) -> Self {
        let at = Instant::now() + from_now;
        Self(watch::Sender::new(State {
            at,
            patience,
            tidied: at + TIDYING,
        }))
    }

    /// So long from now, unless that is later than it was. Nothing puts it off from then on.
    pub fn shorten(&self, patience: Duration) {
        let at = Instant::now() + patience;
        self.0.send_modify(|state| {
            state.at = at.min(state.at);
            state.patience = None;
            state.tidied = state.at + TIDYING;
        });
    }

    /// Now, for tidying up as well.
    pub fn give_up(&self) {
        let now = Instant::now();
        self.0.send_modify(|state| {
            *state = State {
                at: now.min(state.at),
                patience: None,
                tidied: now,
            };
        });
    }

    /// How long it is until then.
    #[must_use]
    pub fn left(&self) -> Duration {
        let at = self.0.borrow().at;
        at.saturating_duration_since(Instant::now())
    }

    /// Bytes have arrived.
    pub(crate) fn put_off(&self) {
        self.0.send_if_modified(|state| {
            let Some(patience) = state.patience else {
                return false;
            };
            // Who has given up does not begin again.
            let now = Instant::now();
            if now < state.at {
                state.at = now + patience;
                state.tidied = state.at + TIDYING;
            }
            true
        });
    }

    /// Returns once it has passed.
    pub(crate) async fn passed(&self) {
        self.until(|state| state.at).await;
    }

    /// Returns once tidying up is to end as well.
    pub(crate) async fn tidied(&self) {
        self.until(|state| state.tidied).await;
    }

    async fn until(&self, instant: impl Fn(&State) -> Instant) {
        let mut watched = self.0.subscribe();
        loop {
            let at = instant(&watched.borrow_and_update());
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

    /// What is done to a deadline, so many seconds after the last.
    type Act<'a> = (u64, &'a dyn Fn(&Deadline));

    /// The second at which a deadline passes to which this is done, each after so many seconds.
    async fn passes(deadline: Deadline, done: &[Act<'_>]) -> (u64, u64) {
        let began = Instant::now();
        let waiting = tokio::spawn({
            let deadline = deadline.clone();
            async move {
                deadline.passed().await;
                let passed = began.elapsed().as_secs();
                deadline.tidied().await;
                (passed, began.elapsed().as_secs())
            }
        });
        for (pause, act) in done {
            tokio::time::sleep(Duration::from_secs(*pause)).await;
            act(&deadline);
        }
        waiting.await.unwrap()
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[tokio::test(start_paused = true)]
    async fn it_can_be_brought_forward() {
        let forward: &[Act<'_>] = &[
            (1, &|deadline| deadline.shorten(secs(500))),
            (0, &|deadline| deadline.shorten(secs(9))),
            (1, &Deadline::put_off),
        ];
        assert_eq!(passes(Deadline::after(secs(100)), forward).await, (10, 20));
        assert_eq!(
            passes(Deadline::of_silence(secs(100)), forward).await,
            (10, 20)
        );
        let given_up: &[Act<'_>] = &[(3, &Deadline::give_up)];
        assert_eq!(passes(Deadline::after(secs(100)), given_up).await, (3, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_arrive_put_off_the_end_of_silence_alone() {
        let moving: &[Act<'_>] = &[(60, &Deadline::put_off), (90, &Deadline::put_off)];
        assert_eq!(
            passes(Deadline::of_silence(secs(100)), moving).await,
            (250, 260)
        );
        assert_eq!(passes(Deadline::after(secs(100)), moving).await, (100, 110));
        let deadline = Deadline::of_silence(secs(100));
        tokio::time::sleep(secs(30)).await;
        assert_eq!(deadline.left(), secs(70));
    }
}
