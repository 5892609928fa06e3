//! Makes request bodies ahead of time, off the workers' threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bench_contract::TokenCount;

use super::permits::Permits;
use crate::openai::request::{Ask, RequestTemplate};
use crate::plan::prompt::Made as MadePrompt;
use crate::plan::script::Talk;
use crate::plan::{Planned, Schedule, StagePlan};
use crate::workload::Workload;

/// So many bytes of memory may be taken by bodies that are ready; a stage that needs less is made whole before its time zero.
/// At 15,000 requests/s of 1 KB they last for two seconds.
const BUDGET: usize = 32 * 1024 * 1024;

/// A request ready to be written.
#[derive(Debug)]
pub(super) struct Body {
    /// What was planned.
    pub planned: Planned,
    /// Head and body.
    pub bytes: Vec<u8>,
    /// How many of the bytes are body.
    pub body_bytes: usize,
    /// The prompt's length as the client counts it.
    pub input_tokens: Option<TokenCount>,
    /// The conversation that it is a turn of.
    pub talk: Option<Box<Talk>>,
}

impl Body {
    /// The memory that it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let talk = self.talk.as_ref().map_or(0, |talk| talk.size());
        size_of::<Made>() + self.bytes.capacity() + talk
    }
}

/// A body, or why it could not be made.
pub(super) type Made = Result<Body, (Planned, String)>;

/// Where a worker's requests come from.
pub(super) enum Supply {
    /// Its own share of the plan.
    Own(Bodies),
    /// What all workers share.
    Shared(Arc<Permits>),
}

/// The bodies of one worker's requests, in order of due time.
pub(super) struct Bodies {
    receiver: Receiver<Made>,
    outstanding: Arc<AtomicUsize>,
}

impl Bodies {
    /// The body of request `index`, if it is ready.
    ///
    /// # Errors
    /// When it is late, or could not be made: a fault of the generator's.
    pub(super) fn take(&self, index: u64) -> Result<Body, String> {
        loop {
            let made = self
                .receiver
                .try_recv()
                .map_err(|_| "the request body was not ready in time".to_owned())?;
            if let Ok(body) = &made {
                self.outstanding.fetch_sub(body.size(), Ordering::Relaxed);
            }
            // Bodies that were late for their own request come out here first.
            match made {
                Ok(body) if body.planned.index == index => return Ok(body),
                Err((failed, reason)) if failed.index == index => return Err(reason),
                _ => {}
            }
        }
    }
}

/// What bodies are made from.
pub struct Recipe {
    /// Says what each request carries.
    pub workload: Workload,
    /// Everything else of a request.
    pub template: RequestTemplate,
    /// The start of every `x-request-id`.
    pub id_prefix: String,
}

impl Recipe {
    /// The body of a planned request; of one that begins a conversation, its first turn.
    fn body(&self, plan: &StagePlan, planned: Planned) -> Result<Body, String> {
        if plan.spec.has_turns {
            let script = self.workload.script(plan, planned.index)?;
            let mut talk = Box::new(Talk::begin(planned.index, script));
            // Later turns are made on the workers, which have other things to do than to count.
            let tokens = talk.write(|made| self.workload.count(&made.prompt))?;
            return Ok(Body {
                input_tokens: tokens,
                ..self.turn(plan, planned, talk)
            });
        }
        let made = self.workload.make(plan, &planned)?;
        let id = format!("{}-{}-{}", self.id_prefix, plan.spec.label(), planned.index);
        Ok(self.written(plan, planned, &id, &made))
    }

    /// The body of the turn that a conversation has come to.
    pub(super) fn turn(&self, plan: &StagePlan, planned: Planned, mut talk: Box<Talk>) -> Body {
        let planned = Planned {
            input_tokens: talk.asked(),
            output_tokens: talk.output_tokens(),
            ..planned
        };
        let (label, turn) = (plan.spec.label(), talk.place().turn);
        let id = format!("{}-{label}-{}.{turn}", self.id_prefix, planned.index);
        let written = talk.write(|made| self.written(plan, planned, &id, made));
        Body {
            talk: Some(talk),
            ..written
        }
    }

    fn written(&self, plan: &StagePlan, planned: Planned, id: &str, made: &MadePrompt) -> Body {
        let adapters = plan.spec.adapters.as_ref().zip(planned.adapter);
        let (bytes, body_bytes) = self.template.request(&Ask {
            id,
            prompt: &made.prompt,
            extra: made.extra.as_ref(),
            adapter: adapters.and_then(|(all, place)| all.name(place)),
            output_tokens: planned.output_tokens,
        });
        Body {
            planned,
            bytes,
            body_bytes,
            input_tokens: made.tokens,
            talk: None,
        }
    }
}

/// Starts to make the bodies of `plan` for `workers` workers, and returns once as many as fit are ready.
///
/// # Errors
/// When no thread can be started.
pub(super) fn compose(
    recipe: &Arc<Recipe>,
    plan: &Arc<StagePlan>,
    workers: usize,
) -> std::io::Result<(Vec<Supply>, JoinHandle<()>)> {
    let outstanding = Arc::new(AtomicUsize::new(0));
    let (senders, supplies): (Vec<_>, Vec<_>) = match plan.spec.schedule {
        Schedule::Rate { .. } | Schedule::Replay { .. } => (0..workers)
            .map(|_| {
                let (sender, receiver) = channel();
                let outstanding = outstanding.clone();
                (
                    sender,
                    Supply::Own(Bodies {
                        receiver,
                        outstanding,
                    }),
                )
            })
            .unzip(),
        Schedule::Closed { .. } => {
            let (sender, receiver) = channel();
            let permits = Arc::new(Permits::new(receiver, plan.len(), outstanding.clone()));
            let shared = (0..workers).map(|_| Supply::Shared(permits.clone()));
            (vec![sender], shared.collect())
        }
    };
    let (primed, wait) = channel();
    let (recipe, plan) = (recipe.clone(), plan.clone());
    let thread = std::thread::Builder::new()
        .name("composer".to_owned())
        .spawn(move || {
            // The workers' CPUs are theirs first.
            let _ = rustix::process::setpriority_process(None, 10);
            make(&recipe, &plan, &senders, &outstanding, &primed);
        })?;
    // An error means that the thread has ended: everything is made.
    let _ = wait.recv();
    Ok((supplies, thread))
}

fn make(
    recipe: &Recipe,
    plan: &StagePlan,
    senders: &[Sender<Made>],
    outstanding: &Arc<AtomicUsize>,
    primed: &Sender<()>,
) {
    let indices = 0..plan.len().unwrap_or(u64::MAX);
    for (index, sender) in indices.zip(senders.iter().cycle()) {
        let request = plan.planned(index);
        while outstanding.load(Ordering::Relaxed) > BUDGET {
            let _ = primed.send(());
            std::thread::sleep(Duration::from_millis(1));
            if Arc::strong_count(outstanding) == 1 {
                // Every worker has dropped its end.
                return;
            }
        }
        let made = recipe
            .body(plan, request)
            .map_err(|reason| (request, reason));
        if let Ok(body) = &made {
            outstanding.fetch_add(body.size(), Ordering::Relaxed);
        }
        if sender.send(made).is_err() {
            // The workers have stopped early.
            return;
        }
    }
}
