//! Trying again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::deadline::Deadline;
use crate::error::StoreError;

/// The first pause; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What is in the way of a target's uploads at the moment, for people who wait for them.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<StoreError>>);

impl Trouble {
    pub(crate) fn get(&self) -> Option<StoreError> {
        self.lock().clone()
    }

    fn set(&self, error: Option<StoreError>) {
        *self.lock() = error;
    }

    fn lock(&self) -> MutexGuard<'_, Option<StoreError>> {
        // Nothing that holds it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long something is tried, and where is said what is in its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort<'a> {
    pub deadline: &'a Deadline,
    pub trouble: &'a Trouble,
}

/// Does `attempt` until it succeeds, fails for good, or the deadline has passed, with ever longer pauses in between.
///
/// # Errors
/// The last attempt's, with their number where there were several.
pub(crate) async fn persist<T>(
    effort: Effort<'_>,
    mut attempt: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let Effort { deadline, trouble } = effort;
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0;
    let mut last = StoreError::Silent;
    loop {
        attempts += 1;
        tokio::select! {
            biased;
            done = attempt() => match done {
                Ok(done) => {
                    trouble.set(None);
                    return Ok(done);
                }
                Err(error) => last = error,
            },
            () = deadline.passed() => return Err(given_up(attempts, last)),
        }
        if !last.is_transient() {
            return Err(given_up(attempts, last));
        }
        trouble.set(Some(last.clone()));
        tokio::select! {
            () = sleep(pause) => {}
            () = deadline.passed() => return Err(given_up(attempts, last)),
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

fn given_up(attempts: u32, last: StoreError) -> StoreError {
    if attempts > 1 && last.is_transient() {
        StoreError::GaveUp(attempts, Box::new(last))
    } else {
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of attempts that end like this, one after the other, and how many were made.
    async fn outcome(
        ends: Vec<Result<(), StoreError>>,
        patience: u64,
    ) -> (Result<(), StoreError>, usize) {
        let mut made = 0;
        let deadline = Deadline::after(Duration::from_secs(patience));
        let trouble = Trouble::default();
        let effort = Effort {
            deadline: &deadline,
            trouble: &trouble,
        };
        let outcome = persist(effort, async || {
            made += 1;
            match ends.get(made - 1) {
                Some(end) => end.clone(),
                None => std::future::pending().await,
            }
        })
        .await;
        // Whoever succeeds is in no trouble any more.
        assert_eq!(trouble.get().is_some(), outcome.is_err() && made > 1);
        (outcome, made)
    }

    fn lost() -> Result<(), StoreError> {
        Err(StoreError::Unreachable {
            reason: "reset".to_owned(),
            was_sent: true,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
        let (end, made) = outcome(vec![lost(), lost(), Ok(())], 60).await;
        assert_eq!((end, made), (Ok(()), 3));
        let denied = StoreError::Exists("k".to_owned());
        let (end, made) = outcome(vec![lost(), Err(denied.clone()), Ok(())], 60).await;
        assert_eq!((end, made), (Err(denied), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_an_attempt_and_a_pause() {
        let (end, made) = outcome(vec![], 60).await;
        assert_eq!((end, made), (Err(StoreError::Silent), 1));
        let (end, made) = outcome(vec![lost(), lost()], 60).await;
        assert_eq!(made, 3);
        assert_eq!(
            end.unwrap_err().to_string(),
            "the connection was lost: reset (3 attempts)"
        );
        // 0.25 + 0.5 + 1 + 2 + 4 + 8 + 8 … s in between.
        let (_, made) = outcome(vec![lost(); 100], 30).await;
        assert_eq!(made, 8);
    }
}
