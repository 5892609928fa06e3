//! Uploads of a run's files: one before the load, to know that it can be done, and the others while the run ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench_contract::Config;
use bench_store::{
    Address, Content, Deadline, Environment, Placement, StoreError, Target, Unusable, Uploaded,
};
use futures_util::future::join_all;

use super::sending::{End, Sending, Signals, with_runtime};
use crate::notice;
use crate::output::Occasion;
use crate::run_id::fill;

/// How long credentials are waited for before the load begins, and then the first upload is tried.
const BEFORE_LOAD: Duration = Duration::from_secs(10);

/// How long reports that were changed by a failed upload are tried to be replaced elsewhere, all of them together: the drain (20 s),
/// the uploads of a process that was asked to end (60 s), their tidying up (10 s) and this fit into what Kubernetes grants by
/// default in a Job of ours (120 s).
const AGAIN: Duration = Duration::from_secs(10);

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
    pub(super) fn of(config: &Config, occasion: Occasion<'_>) -> Option<Self> {
        let storage = config.storage.as_ref()?;
        let Occasion {
            run_id,
            started,
            pod,
        } = occasion;
        let placement = Placement {
            fill: &|text| fill(text, run_id, started),
            default_path: "reports-{timestamp}",
            env: &Environment::of_process(),
            pod,
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
    /// does not keep the load from beginning. `is_strict`: where it will not begin because of one target, nothing is left at the
    /// others, as far as that is known before.
    pub(super) fn begin(&self, name: &str, content: &Content, is_strict: bool) -> Begun {
        for target in &self.targets {
            target.claim_by(name, content.clone());
        }
        let done = with_runtime(async {
            let mut signals = Signals::listen()?;
            Ok(tokio::select! {
                done = self.claim(name, content, is_strict) => Some(done),
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

    /// Takes the folders, once it is known of all targets that there are credentials for them.
    async fn claim(
        &self,
        name: &str,
        content: &Content,
        is_strict: bool,
    ) -> Vec<(&Target, Result<Uploaded, StoreError>)> {
        let deadline = Deadline::after(BEFORE_LOAD);
        let asked = self.targets.iter();
        let asked = join_all(asked.map(|target| target.authenticate(&deadline))).await;
        let is_final =
            |end: &Result<(), StoreError>| end.as_ref().is_err_and(|error| !error.is_transient());
        let is_in_vain = is_strict && (!self.unusable.is_empty() || asked.iter().any(is_final));
        let deadline = Deadline::after(BEFORE_LOAD);
        let ends = self.targets.iter().zip(asked).map(|(target, asked)| {
            let deadline = &deadline;
            async move {
                let target: &Target = target;
                match asked {
                    Err(error) => Some((target, Err(error))),
                    Ok(()) if is_in_vain => None,
                    Ok(()) => Some((target, target.upload(name, content, deadline).await)),
                }
            }
        });
        join_all(ends).await.into_iter().flatten().collect()
    }

    /// Starts to upload the files that it is then given. `was_asked`: whether the process has been asked to end.
    pub(super) fn start(&self, was_asked: bool) -> Result<Sending, String> {
        Sending::start(&self.targets, was_asked)
    }

    /// What is to be said of what [`super::sending::Waiting::finish`] has brought: why files are missing, for each target; where they are
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

    /// Replaces files of this run wherever they are, until a signal comes. What fails now has been said of the target before, or is
    /// no worse. `was_given_up`: whether a signal has come already.
    pub(super) fn replace(&self, files: &[(String, Content)], was_given_up: bool) -> Vec<String> {
        let deadline = Deadline::after(AGAIN);
        if was_given_up {
            deadline.give_up();
        }
        let uploads = self.targets.iter().flat_map(|target| {
            let there = files.iter().filter(|(name, _)| target.has(name));
            there.map(move |(name, content)| (target, name, content))
        });
        let uploads = uploads.map(|(target, name, content)| {
            let deadline = &deadline;
            async move {
                let end = if was_given_up {
                    Err(StoreError::Other("it was given up".to_owned()))
                } else {
                    target.upload(name, content, deadline).await
                };
                end.err().map(|error| {
                    format!(
                        "{name} was not replaced and tells nothing of what failed: {}",
                        at_target(target.asked(), &error)
                    )
                })
            }
        });
        let done = with_runtime(async {
            let mut signals = Signals::listen()?;
            let uploads = join_all(uploads);
            tokio::pin!(uploads);
            loop {
                tokio::select! {
                    done = &mut uploads => return Ok(done),
                    name = signals.next() => {
                        notice(&format!("{name}: giving up the uploads"));
                        deadline.give_up();
                    }
                }
            }
        });
        match done {
            Ok(failures) => failures.into_iter().flatten().collect(),
            Err(error) => vec![error],
        }
    }
}

/// What is wrong at a target, and what helps.
pub(super) fn at_target(address: &Address, error: &StoreError) -> String {
    let remedy = error.remedy(address.cloud);
    if remedy.is_empty() {
        format!("{address}: {error}")
    } else {
        format!("{address}: {error}; {remedy}")
    }
}

/// What people should know of where a file has come to be.
pub(super) fn moved(target: &Target, name: &str, uploaded: &Uploaded) -> Option<String> {
    if uploaded.is_presumed {
        return Some(format!(
            "warning: the reply to the upload of {} was lost, and nobody may look whether it is the one that is there now",
            uploaded.address
        ));
    }
    let (asked, folder) = (target.asked(), &uploaded.folder);
    let whose = if target.is_of_attempts() {
        "an earlier attempt"
    } else {
        "another run"
    };
    (folder != asked && name == super::documents::CONFIG)
        .then(|| format!("{asked} holds the results of {whose}: those of this one go to {folder}"))
}
