//! Makes request bodies ahead of time, off the workers' threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bench_contract::TokenCount;

use crate::openai::request::RequestTemplate;
use crate::plan::StagePlan;
use crate::plan::prompts::PromptMaker;

/// So many bytes of bodies are kept ready; a stage that needs less is made whole before its time zero.
const BUDGET: usize = 64 * 1024 * 1024;

/// A request ready to be written.
#[derive(Debug)]
pub(super) struct Body {
    /// Its place in the stage's plan.
    pub index: u64,
    /// Head and body.
    pub bytes: Vec<u8>,
    /// How many of the bytes are body.
    pub body_bytes: usize,
    /// The prompt's length as the client counts it.
    pub input_tokens: Option<TokenCount>,
}

/// The bodies of one worker's requests, in order of due time.
pub(super) struct Bodies {
    receiver: Receiver<Result<Body, (u64, String)>>,
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
                self.outstanding
                    .fetch_sub(body.bytes.len(), Ordering::Relaxed);
            }
            // Bodies that were late for their own request come out here first.
            match made {
                Ok(body) if body.index == index => return Ok(body),
                Err((failed, reason)) if failed == index => return Err(reason),
                _ => {}
            }
        }
    }
}

/// What bodies are made from.
pub struct Recipe {
    /// Makes the prompts.
    pub prompts: PromptMaker,
    /// Everything else of a request.
    pub template: RequestTemplate,
    /// The start of every `x-request-id`.
    pub id_prefix: String,
}

/// Starts to make the bodies of `plan` for `workers` workers, and returns once as many as fit are ready.
///
/// # Errors
/// When no thread can be started.
pub(super) fn compose(
    recipe: &Arc<Recipe>,
    plan: &Arc<StagePlan>,
    workers: usize,
) -> std::io::Result<(Vec<Bodies>, JoinHandle<()>)> {
    let outstanding = Arc::new(AtomicUsize::new(0));
    let (senders, bodies): (Vec<_>, Vec<_>) = (0..workers)
        .map(|_| {
            let (sender, receiver) = channel();
            (
                sender,
                Bodies {
                    receiver,
                    outstanding: outstanding.clone(),
                },
            )
        })
        .unzip();
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
    Ok((bodies, thread))
}

fn make(
    recipe: &Recipe,
    plan: &StagePlan,
    senders: &[Sender<Result<Body, (u64, String)>>],
    outstanding: &Arc<AtomicUsize>,
    primed: &Sender<()>,
) {
    let stage = plan.spec.seed_stage();
    for (request, sender) in plan.requests.iter().zip(senders.iter().cycle()) {
        while outstanding.load(Ordering::Relaxed) > BUDGET {
            let _ = primed.send(());
            std::thread::sleep(Duration::from_millis(1));
            if Arc::strong_count(outstanding) == 1 {
                // Every worker has dropped its end.
                return;
            }
        }
        let made = recipe
            .prompts
            .make(stage, request.index, request.input_tokens)
            .map(|made| {
                let id = format!(
                    "{}-{}-{}",
                    recipe.id_prefix,
                    plan.spec.label(),
                    request.index
                );
                let (bytes, body_bytes) =
                    recipe
                        .template
                        .request(&id, &made.prompt, request.output_tokens);
                Body {
                    index: request.index,
                    bytes,
                    body_bytes,
                    input_tokens: made.tokens,
                }
            });
        if let Ok(body) = &made {
            outstanding.fetch_add(body.bytes.len(), Ordering::Relaxed);
        }
        if sender
            .send(made.map_err(|reason| (request.index, reason)))
            .is_err()
        {
            // The workers have stopped early.
            return;
        }
    }
}
