//! `report.json` while the run goes on: what its records do not say, so that a report can be made of them should the process be
//! killed.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use bench_contract::{Counts, Report, RunStatus};
use bench_report::{NOT_ENDED, Stage, StageCollector, StageFacts, unfinished};

use super::documents::json;
use super::finish::{Finished, not_begun};
use super::head::head;
use super::prepare::Prepared;
use crate::notice;
use crate::output::Folder;

/// Writes down what is known of a run, on a thread of its own: at its time zero, and whenever a stage begins or ends.
pub(super) struct Logbook<'a> {
    prepared: &'a Prepared,
    writer: Option<(Sender<Report>, JoinHandle<()>)>,
    /// Planned requests of each stage, the warm-up left out; none where the server decides.
    planned: Vec<Option<u64>>,
}

impl<'a> Logbook<'a> {
    /// Starts the thread, where there is a folder to write to.
    pub(super) fn start(prepared: &'a Prepared) -> Self {
        let specs = prepared.specs.iter().filter(|spec| !spec.warmup);
        let writer = prepared.folder.clone().and_then(|folder| {
            let (sender, reports) = channel();
            let thread = std::thread::Builder::new()
                .name("logbook".to_owned())
                .spawn(move || write(&folder, &reports));
            // Without it a run that is killed leaves less, and that is all.
            Some((sender, thread.ok()?))
        });
        Self {
            planned: match writer {
                Some(_) => specs
                    .map(|spec| spec.count(prepared.seed).filter(|_| !spec.has_turns))
                    .collect(),
                None => Vec::new(),
            },
            prepared,
            writer,
        }
    }

    /// Has it written that these stages have ended and that one goes on, with what is known of it. Never waits.
    pub(super) fn note(&self, finished: &Finished, running: Option<&StageFacts>) {
        let Some((writer, _)) = &self.writer else {
            return;
        };
        let settings = std::sync::Arc::new(self.prepared.settings.clone());
        let ended = finished.stages.iter();
        let mut stages: Vec<(Stage, Counts)> = ended
            .map(|stage| {
                let empty = Stage {
                    facts: stage.facts.clone(),
                    collector: StageCollector::new(settings.clone()),
                };
                (empty, stage.collector.counts().clone())
            })
            .collect();
        stages.extend(running.map(|facts| {
            let running = Stage {
                facts: facts.clone(),
                collector: StageCollector::new(settings.clone()),
            };
            (running, self.unsent(stages.len()..stages.len() + 1))
        }));
        let mut head = head(self.prepared, finished, RunStatus::Unfinished);
        head.run.partial_because.insert(0, NOT_ENDED.to_owned());
        head.unstarted = self.unsent(stages.len()..self.planned.len());
        let specs = self.prepared.specs.iter().filter(|spec| !spec.warmup);
        head.not_begun = specs
            .zip(&self.planned)
            .skip(stages.len())
            .map(|(spec, planned)| not_begun(spec, *planned))
            .collect();
        let _ = writer.send(unfinished(head, &stages));
    }

    /// Requests of stages that are not known to have been sent.
    fn unsent(&self, stages: std::ops::Range<usize>) -> Counts {
        let planned = self.planned.get(stages).unwrap_or_default();
        let planned = planned.iter().flatten().sum();
        Counts {
            planned,
            not_sent: planned,
            ..Counts::default()
        }
    }
}

impl Drop for Logbook<'_> {
    /// Waits until the last note is written, so that it cannot replace what is written later.
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.writer.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

fn write(folder: &Folder, reports: &Receiver<Report>) {
    // The workers' CPUs are theirs first.
    let _ = rustix::process::setpriority_process(None, 10);
    let mut has_failed = false;
    for report in reports {
        if let Err(error) =
            json("report.json", &report).and_then(|bytes| folder.write("report.json", &bytes))
            && !std::mem::replace(&mut has_failed, true)
        {
            notice(&format!(
                "warning: {error}; should the run be killed, there will be no report of it"
            ));
        }
    }
}
