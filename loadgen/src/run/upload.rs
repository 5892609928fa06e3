//! Uploads of a run's files: one before the load, to know that it can be done, and the others while the run ends.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bench_contract::Config;
use bench_store::{
    Address, Content, Deadline, Environment, Placement, StoreError, Target, Unusable, Uploaded,
};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::notice;
use crate::run_id::fill;

/// How long the first upload is tried before the load begins.
const BEFORE_LOAD: Duration = Duration::from_secs(10);

/// How long the uploads are tried, beside a second for each [`PACE`] bytes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Bytes a second.
const PACE: u64 = 1024 * 1024;

/// The same once the process has been asked to end: what Kubernetes grants by default in a Job of ours (120 s) less the drain
/// and the reports.
const ONCE_ASKED: Duration = Duration::from_secs(60);

/// How long a report that was changed by a failed upload is tried to be replaced elsewhere.
const AGAIN: Duration = Duration::from_secs(15);

/// Where a run's files are uploaded to.
pub(super) struct Uploads {
    targets: Vec<Arc<Target>>,
    /// Targets that cannot be.
    unusable: Vec<Unusable>,
}

/// What has come of the first upload.
pub(super) enum Begun {
    /// The load can begin.
    Ready,
    /// It would be in vain: holds why.
    Refused(Vec<String>),
    /// A signal has come.
    Interrupted,
}

impl Uploads {
    /// The targets of a config; none where nothing is to be uploaded.
    pub(super) fn of(config: &Config, run_id: &str, started: jiff::Timestamp) -> Option<Self> {
        let storage = config.storage.as_ref()?;
        let env = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let pod = env("JOB_NAME").and(env("POD_NAME"));
        let placement = Placement {
            fill: &|text| fill(text, run_id, started),
            default_path: "reports-{timestamp}",
            env: &Environment::of_process(),
            pod: pod.as_deref(),
        };
        let mut uploads = Self {
            targets: Vec::new(),
            unusable: Vec::new(),
        };
        for target in Target::open(storage, placement) {
            match target {
                Ok(target) => uploads.targets.push(Arc::new(target)),
                Err(unusable) => uploads.unusable.push(*unusable),
            }
        }
        let is_empty = uploads.targets.is_empty() && uploads.unusable.is_empty();
        (!is_empty).then_some(uploads)
    }

    /// Uploads the first file everywhere, which takes the run's folder and shows whether the others can follow. What may pass
    /// does not keep the load from beginning.
    pub(super) fn begin(&self, name: &str, content: &Content) -> Begun {
        let deadline = Deadline::after(BEFORE_LOAD);
        let uploads = self.targets.iter().map(|target| {
            let deadline = &deadline;
            async move { (target, target.upload(name, content, deadline).await) }
        });
        let done = with_runtime(async {
            let mut signals = Signals::listen()?;
            Ok(tokio::select! {
                done = join_all(uploads) => Some(done),
                _ = signals.next() => None,
            })
        });
        let ends = match done {
            Ok(Some(ends)) => ends,
            Ok(None) => return Begun::Interrupted,
            Err(error) => return Begun::Refused(vec![error]),
        };
        let mut refused: Vec<String> = self
            .unusable
            .iter()
            .map(|unusable| at_target(&unusable.asked, &unusable.error))
            .collect();
        for (target, end) in ends {
            match end {
                Ok(uploaded) => moved(target, name, &uploaded)
                    .iter()
                    .for_each(|line| notice(line)),
                Err(error) if error.is_transient() => notice(&format!(
                    "warning: {}; it is tried again when the run ends",
                    at_target(target.asked(), &error)
                )),
                Err(error) => refused.push(at_target(target.asked(), &error)),
            }
        }
        if refused.is_empty() {
            Begun::Ready
        } else {
            Begun::Refused(refused)
        }
    }

    /// Starts to upload the files that it is then given, of `bytes` in all that is large. `was_asked`: whether the process has
    /// been asked to end.
    pub(super) fn start(&self, bytes: u64, was_asked: bool) -> Result<Sending, String> {
        let deadline = Deadline::after(if was_asked {
            ONCE_ASKED
        } else {
            PATIENCE + Duration::from_secs(bytes / PACE)
        });
        let (files, given) = unbounded_channel();
        let targets = self.targets.clone();
        let thread = std::thread::Builder::new().name("upload".to_owned());
        let (listens, is_listening) = std::sync::mpsc::channel();
        let thread = thread.spawn(move || {
            with_runtime(async {
                let signals = Signals::listen()?;
                // Nobody waits for it any more only if the process is at its end.
                let _ = listens.send(());
                Ok(send(&targets, given, signals, &deadline).await)
            })
        });
        let thread = thread.map_err(|error| format!("cannot start to upload: {error}"))?;
        // No signal is lost in between; why the thread has ended instead, `finish` tells.
        let _ = is_listening.recv();
        Ok(Sending { files, thread })
    }

    /// What is to be said of what [`Sending::finish`] has brought: why files are missing, for each target; where they are
    /// is said by `kept_in`.
    pub(super) fn failures(&self, ends: &[End], kept_in: &Path) -> Vec<String> {
        let mut failures: Vec<String> = self
            .unusable
            .iter()
            .map(|unusable| {
                let reason = at_target(&unusable.asked, &unusable.error);
                format!("nothing was uploaded: {reason}")
            })
            .collect();
        for target in &self.targets {
            let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
            for end in ends.iter().filter(|end| Arc::ptr_eq(&end.target, target)) {
                let Err(error) = &end.result else { continue };
                let reason = at_target(target.asked(), error);
                match reasons.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, names)) => names.push(&end.name),
                    None => reasons.push((reason, vec![&end.name])),
                }
            }
            failures.extend(reasons.iter().map(|(reason, names)| {
                format!(
                    "not uploaded: {}; {reason}; what is missing there is in {}",
                    names.join(", "),
                    kept_in.display()
                )
            }));
        }
        failures
    }

    /// Replaces a file of this run wherever it is. What fails now has been said of the target before, or is no worse.
    pub(super) fn replace(&self, name: &str, content: &Content) -> Vec<String> {
        let deadline = Deadline::after(AGAIN);
        let targets = self.targets.iter().filter(|target| target.has(name));
        let uploads = targets.map(|target| {
            let deadline = &deadline;
            async move {
                let end = target.upload(name, content, deadline).await;
                end.err().map(|error| {
                    format!(
                        "{name} was not replaced and tells nothing of what failed: {}",
                        at_target(target.asked(), &error)
                    )
                })
            }
        });
        match with_runtime(async { Ok(join_all(uploads).await) }) {
            Ok(failures) => failures.into_iter().flatten().collect(),
            Err(error) => vec![error],
        }
    }
}

/// Uploads under way.
pub(super) struct Sending {
    files: UnboundedSender<(String, Content)>,
    thread: JoinHandle<Result<Vec<End>, String>>,
}

/// How the upload of one file to one target has ended.
pub(super) struct End {
    target: Arc<Target>,
    name: String,
    result: Result<Uploaded, StoreError>,
}

impl Sending {
    /// Uploads a file everywhere where it is not yet.
    pub(super) fn add(&self, name: &str, content: Content) {
        // The thread takes files for as long as there is a sender, unless it has failed, which `finish` tells.
        let _ = self.files.send((name.to_owned(), content));
    }

    /// Waits for all uploads to end.
    ///
    /// # Errors
    /// When nothing could be uploaded at all.
    pub(super) fn finish(self) -> Result<Vec<End>, String> {
        drop(self.files);
        let ends = self.thread.join();
        let ends = ends.unwrap_or_else(|_| Err("the thread that uploads panicked".to_owned()))?;
        for end in &ends {
            if let Ok(uploaded) = &end.result {
                moved(&end.target, &end.name, uploaded)
                    .iter()
                    .for_each(|line| notice(line));
            }
        }
        let mut folders: Vec<String> = ends
            .iter()
            .filter_map(|end| end.result.as_ref().ok())
            .map(|uploaded| folder(&uploaded.address))
            .collect();
        folders.sort();
        folders.dedup();
        for folder in folders {
            notice(&format!("uploaded to {folder}"));
        }
        Ok(ends)
    }
}

async fn send(
    targets: &[Arc<Target>],
    mut given: UnboundedReceiver<(String, Content)>,
    mut signals: Signals,
    deadline: &Deadline,
) -> Vec<End> {
    let mut ends = Vec::new();
    let mut under_way = FuturesUnordered::new();
    let mut is_open = true;
    let mut asked = 0;
    while is_open || !under_way.is_empty() {
        tokio::select! {
            name = signals.next() => {
                asked += 1;
                if asked == 1 {
                    let left = ONCE_ASKED.as_secs();
                    notice(&format!("{name}: uploading for {left} s more; once more to give up"));
                    deadline.shorten(ONCE_ASKED);
                } else {
                    notice(&format!("{name}: giving up the uploads"));
                    deadline.shorten(Duration::ZERO);
                }
            }
            file = given.recv(), if is_open => match file {
                None => is_open = false,
                Some((name, content)) => {
                    for target in targets.iter().filter(|target| !target.has(&name)) {
                        let (target, name, content) = (target.clone(), name.clone(), content.clone());
                        under_way.push(async move {
                            let result = target.upload(&name, &content, deadline).await;
                            End { target, name, result }
                        });
                    }
                }
            },
            Some(end) = under_way.next() => ends.push(end),
        }
    }
    ends
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, String> {
        let listen =
            |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

fn with_runtime<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the event loop: {error}"))?;
    let done = runtime.block_on(work);
    // A name that is still being resolved is not waited for.
    runtime.shutdown_background();
    done
}

/// What is wrong at a target, and what helps.
fn at_target(address: &Address, error: &StoreError) -> String {
    let remedy = error.remedy(address.cloud);
    if remedy.is_empty() {
        format!("{address}: {error}")
    } else {
        format!("{address}: {error}; {remedy}")
    }
}

/// What people should know of where a file has come to be.
fn moved(target: &Target, name: &str, uploaded: &Uploaded) -> Option<String> {
    let folder = folder(&uploaded.address);
    if uploaded.is_presumed {
        return Some(format!(
            "warning: the reply to the upload of {} was lost, and nobody may look whether it is the one that is there now",
            uploaded.address
        ));
    }
    let is_elsewhere = folder != target.asked().to_string();
    (is_elsewhere && name == super::documents::CONFIG).then(|| {
        format!(
            "{} holds the results of another run: those of this one go to {folder}",
            target.asked()
        )
    })
}

fn folder(file: &Address) -> String {
    let key = file.key.rsplit_once('/').map_or("", |(folder, _)| folder);
    Address {
        key: key.to_owned(),
        ..file.clone()
    }
    .to_string()
}
