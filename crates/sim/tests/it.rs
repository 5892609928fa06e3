//! The server over real sockets, seen by a small blocking client. Counts and order are asserted; of time only lower bounds.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]

#[path = "it/apis.rs"]
mod apis;
#[path = "it/client.rs"]
mod client;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/http.rs"]
mod http;
#[path = "it/queue.rs"]
mod queue;
#[path = "it/replies.rs"]
mod replies;
#[path = "it/truth.rs"]
mod truth;

use std::time::Duration;

use bench_sim::{Sim, SimArgs};

/// Defaults on a free port, with a first token after 1 ms and then one each 0.1 ms.
fn quick() -> SimArgs {
    SimArgs {
        listen: "127.0.0.1:0".to_owned(),
        model: "m".to_owned(),
        ttft: Duration::from_millis(1),
        itl: Duration::from_micros(100),
        ..SimArgs::default()
    }
}

fn start(args: SimArgs) -> Sim {
    Sim::start(args).unwrap()
}

/// Waits until `done`, for at most 20 s.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..4000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("never came: {what}");
}
