//! Several futures of one task.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// What all futures come to. Each is polled whenever one of them may go on: the event loop wakes a task, not a future of it.
pub(super) async fn all<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + '_>>>) -> Vec<T> {
    let mut found = Vec::with_capacity(futures.len());
    poll_fn(|context| {
        futures.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(value) => {
                found.push(value);
                false
            }
            Poll::Pending => true,
        });
        match futures.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    found
}
