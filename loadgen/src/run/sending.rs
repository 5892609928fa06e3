//! The thread that uploads while a run ends: what it is given, until when it tries, and what it says meanwhile.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use bench_store::{Content, Deadline, StoreError, Target, Uploaded};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::upload::{at_target, moved};
use crate::notice;

/// How long a target is tried at which no bytes arrive.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long all are tried once the process has been asked to end.
const ONCE_ASKED: Duration = Duration::from_secs(60);

/// When it is first said what is in the way of an upload, and how often then.
const FIRST_WORD: Duration = Duration::from_secs(5);
const WORDS: Duration = Duration::from_secs(15);

/// Uploads under way, to which files can be added.
pub(super) struct Sending {
    files: UnboundedSender<(String, Content)>,
    ended: Receiver<Result<Sent, String>>,
}

/// Uploads of which all are known.
pub(super) struct Waiting {
    ended: Receiver<Result<Sent, String>>,
    /// How they have ended, once that is known.
    sent: Option<Result<Sent, String>>,
}

/// How the uploads have ended.
#[derive(Default)]
pub(super) struct Sent {
    /// Each of them.
    pub ends: Vec<End>,
    /// Whether that is because a signal said so.
    pub was_given_up: bool,
}

/// How the upload of one file to one target has ended.
pub(super) struct End {
    pub target: Arc<Target>,
    pub name: String,
    pub result: Result<Uploaded, StoreError>,
}

impl Sending {
    /// Starts the thread. `was_asked`: whether the process has been asked to end.
    pub(super) fn start(targets: &[Arc<Target>], was_asked: bool) -> Result<Self, String> {
        let (files, given) = unbounded_channel();
        let (ends, ended) = channel();
        let (listens, is_listening) = channel();
        let targets = targets.to_vec();
        let thread = std::thread::Builder::new().name("upload".to_owned());
        let thread = thread.spawn(move || {
            let sent = with_runtime(async {
                let signals = Signals::listen()?;
                // Nobody waits for it any more only if the process is at its end.
                let _ = listens.send(());
                Ok(send(&targets, given, signals, was_asked).await)
            });
            let _ = ends.send(sent);
        });
        thread.map_err(|error| format!("cannot start to upload: {error}"))?;
        // No signal is lost in between; why the thread has ended instead, `finish` tells.
        let _ = is_listening.recv();
        Ok(Self { files, ended })
    }

    /// Uploads a file everywhere where it is not yet.
    pub(super) fn add(&self, name: &str, content: Content) {
        // The thread takes files for as long as there is a sender, unless it has failed, which `finish` tells.
        let _ = self.files.send((name.to_owned(), content));
    }

    /// There are no more files.
    pub(super) fn close(self) -> Waiting {
        Waiting {
            ended: self.ended,
            sent: None,
        }
    }
}

impl Waiting {
    /// Waits so long, and returns whether all uploads have ended.
    pub(super) fn is_over_within(&mut self, patience: Duration) -> bool {
        if self.sent.is_none() {
            self.sent = match self.ended.recv_timeout(patience) {
                Ok(sent) => Some(sent),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Err(panicked())),
            };
        }
        self.sent.is_some()
    }

    /// Waits for all uploads to end, and says where the files are.
    ///
    /// # Errors
    /// When nothing could be uploaded at all.
    pub(super) fn finish(self) -> Result<Sent, String> {
        let sent = match self.sent {
            Some(sent) => sent,
            None => self.ended.recv().unwrap_or_else(|_| Err(panicked())),
        }?;
        let mut folders = Vec::new();
        for end in &sent.ends {
            if let Ok(uploaded) = &end.result {
                folders.push(uploaded.folder.to_string());
                moved(&end.target, &end.name, uploaded)
                    .iter()
                    .for_each(|line| notice(line));
            }
        }
        folders.sort();
        folders.dedup();
        for folder in folders {
            notice(&format!("uploaded to {folder}"));
        }
        Ok(sent)
    }
}

fn panicked() -> String {
    "the thread that uploads panicked".to_owned()
}

/// A target, until when it is tried, and how many uploads to it are under way. Each has patience of its own: one that is gone is
/// not waited for because another is slow.
struct Lane {
    target: Arc<Target>,
    deadline: Deadline,
    under_way: usize,
}

async fn send(
    targets: &[Arc<Target>],
    mut given: UnboundedReceiver<(String, Content)>,
    mut signals: Signals,
    was_asked: bool,
) -> Sent {
    let lanes = targets.iter().map(|target| Lane {
        target: target.clone(),
        deadline: if was_asked {
            Deadline::after(ONCE_ASKED)
        } else {
            Deadline::of_silence(PATIENCE)
        },
        under_way: 0,
    });
    let mut lanes: Vec<Lane> = lanes.collect();
    let mut sent = Sent::default();
    let mut under_way = FuturesUnordered::new();
    let mut is_open = true;
    let mut was_asked = was_asked;
    let mut words = interval_at(Instant::now() + FIRST_WORD, WORDS);
    words.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while is_open || !under_way.is_empty() {
        tokio::select! {
            name = signals.next() => {
                if was_asked {
                    notice(&format!("{name}: giving up the uploads"));
                    sent.was_given_up = true;
                    lanes.iter().for_each(|lane| lane.deadline.give_up());
                } else {
                    let left = ONCE_ASKED.as_secs();
                    notice(&format!("{name}: uploading for {left} s more; once more to give up"));
                    was_asked = true;
                    lanes.iter().for_each(|lane| lane.deadline.shorten(ONCE_ASKED));
                }
            }
            file = given.recv(), if is_open => match file {
                None => is_open = false,
                Some((name, content)) => for (place, lane) in lanes.iter_mut().enumerate() {
                    if lane.target.has(&name) {
                        continue;
                    }
                    lane.under_way += 1;
                    let (target, deadline) = (lane.target.clone(), lane.deadline.clone());
                    let (name, content) = (name.clone(), content.clone());
                    under_way.push(async move {
                        let result = target.upload(&name, &content, &deadline).await;
                        (place, End { target, name, result })
                    });
                }
            },
            Some((place, end)) = under_way.next() => {
                lanes[place].under_way -= 1;
                sent.ends.push(end);
            }
            _ = words.tick() => say_what_is_in_the_way(&lanes),
        }
    }
    sent
}

fn say_what_is_in_the_way(lanes: &[Lane]) {
    for lane in lanes.iter().filter(|lane| lane.under_way > 0) {
        if let Some(error) = lane.target.trouble() {
            let left = lane.deadline.left().as_secs();
            notice(&format!(
                "not uploaded yet: {}; it is tried for {left} s more",
                at_target(lane.target.asked(), &error)
            ));
        }
    }
}

/// SIGINT and SIGTERM.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, String> {
        let listen =
            |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

pub(super) fn with_runtime<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the event loop: {error}"))?;
    let done = runtime.block_on(work);
    // A name that is still being resolved is not waited for.
    runtime.shutdown_background();
    done
}
