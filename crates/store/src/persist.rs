//! Trying again.

use std::time::Duration;

use tokio::time::sleep;

use crate::deadline::Deadline;
use crate::error::StoreError;

/// The first pause; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Does `attempt` until it succeeds, fails for good, or the deadline has passed, with ever longer pauses in between.
///
/// # Errors
/// The last attempt's, with their number where there were several.
pub(crate) async fn persist<T>(
    deadline: &Deadline,
    mut attempt: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0;
    let mut last = StoreError::Silent;
    loop {
        attempts += 1;
        tokio::select! {
            biased;
            done = attempt() => match done {
                Ok(done) => return Ok(done),
                Err(error) => last = error,
            },
            () = deadline.passed() => return Err(given_up(attempts, last)),
        }
        if !last.is_transient() {
            return Err(given_up(attempts, last));
        }
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
        let outcome = persist(&deadline, async || {
            made += 1;
            match ends.get(made - 1) {
                Some(end) => end.clone(),
                None => std::future::pending().await,
            }
        })
        .await;
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
