//! A worker: one thread, one event loop, its share of every stage.

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use bench_contract::{Outcome, WorkerHealth};
use bench_report::{ASKED_TO_STOP, DurationHistogram, Settings, StageCollector};
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::composer::{Bodies, Recipe, Supply};
use super::exchange::{DRAIN_LIMIT, launch};
use super::flight::{Local, Shared};
use super::lag;
use super::lanes;
use super::place::StagePlace;
use super::stop::{Stop, StopReceiver, asked};
use super::turns::Turns;
use crate::clock::Instant;
use crate::eventloop::{EventLoop, Handle, sharpen};
use crate::health::ThreadAccount;
use crate::http::pool::Pool;
use crate::plan::{Planned, StagePlan};
use crate::record::journal::JournalSender;

/// One stage, for one worker.
pub(super) struct Order {
    /// The plan of all workers.
    pub plan: Arc<StagePlan>,
    /// What bodies are made from, where one has to be made in between.
    pub recipe: Arc<Recipe>,
    /// The stage's place in the run.
    pub place: StagePlace,
    /// Where this worker's requests come from.
    pub supply: Supply,
    /// Where records go.
    pub journal: Option<JournalSender>,
    /// Where the worker's part of the stage goes when it has ended.
    pub done: oneshot::Sender<Part>,
}

/// A worker's part of a stage.
pub(super) struct Part {
    /// Its requests.
    pub collector: StageCollector,
    /// How late its event loop was.
    pub lag: DurationHistogram,
    /// How it did.
    pub health: WorkerHealth,
    /// Whether it sent less than it would have because the run was asked to stop.
    pub cut_short: bool,
}

/// Requests of a worker that are left when the run is asked to stop.
pub(super) type Left<'a> = Box<dyn Iterator<Item = Planned> + 'a>;

/// What a worker needs for its whole life.
pub(super) struct Duty {
    /// Its number.
    pub worker: usize,
    /// How many there are.
    pub workers: usize,
    /// What all share.
    pub shared: Arc<Shared>,
    /// What results are collected with.
    pub settings: Arc<Settings>,
    /// How it is told to stop.
    pub stop: StopReceiver,
}

/// Starts a worker's thread. It answers each order with a collector, and ends when no more orders can come. Names are
/// resolved by threads of `runtime`.
///
/// # Errors
/// When no thread or event loop can be started, before anything is sent.
pub(super) fn start(
    duty: Duty,
    orders: UnboundedReceiver<Order>,
    runtime: Runtime,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(format!("worker-{}", duty.worker))
        .spawn(move || {
            let _inside = runtime.enter();
            match sharpen().and_then(|()| EventLoop::new()) {
                Ok(event_loop) => {
                    let _ = begun.send(Ok(()));
                    event_loop.block_on(work(duty, event_loop.handle(), orders))?
                }
                Err(error) => {
                    let _ = begun.send(Err(error));
                    Ok(())
                }
            }
        })?;
    // A thread that has died without a word is joined like any other.
    has_begun.recv().unwrap_or(Ok(()))?;
    Ok(thread)
}

async fn work(
    mut duty: Duty,
    handle: Handle,
    mut orders: UnboundedReceiver<Order>,
) -> io::Result<()> {
    let pool = Rc::new(Pool::default());
    while let Some(order) = orders.recv().await {
        let collector = StageCollector::new(duty.settings.clone());
        let local = Rc::new(Local::new(
            duty.shared.clone(),
            handle.clone(),
            pool.clone(),
            order.place,
            collector,
            order.journal.clone(),
            order.place.has_turns.then(|| Turns {
                recipe: order.recipe.clone(),
                plan: order.plan.clone(),
                end_ns: end_ns(&order),
                stop: duty.stop.clone(),
            }),
        ));
        let before = ThreadAccount::now();
        let origin = duty.shared.origin.at(order.place.origin_ns);
        let mut lag = DurationHistogram::new();
        let cut_short = tokio::select! {
            biased;
            cut_short = stage(&mut duty, &order, &local) => cut_short,
            never = lag::sample(origin, &handle, &mut lag, || local.flush_when_due()) => match never {},
        };
        let cut_short = cut_short || local.has_left_turns();
        let health = before.health(&ThreadAccount::now());
        let Ok(collector) = Rc::try_unwrap(local).map(Local::end) else {
            return Err(io::Error::other("a request outlived its stage"));
        };
        // Only a supervisor that has given up does not listen.
        let _ = order.done.send(Part {
            collector,
            lag,
            health,
            cut_short,
        });
    }
    Ok(())
}

/// When the stage begins nothing more, in nanoseconds from the run's origin.
pub(super) fn end_ns(order: &Order) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds are at least 0; `as` saturates"
    )]
    let lasts = order
        .plan
        .spec
        .duration()
        .map(|seconds| (seconds * 1e9) as u64);
    lasts.map_or(u64::MAX, |ns| order.place.origin_ns.saturating_add(ns))
}

/// Sends this worker's requests of a stage, and waits until the last has ended. Says whether the run was asked to stop
/// before all were sent.
async fn stage(duty: &mut Duty, order: &Order, local: &Rc<Local>) -> bool {
    let left = match &order.supply {
        Supply::Own(bodies) => send(duty, order, bodies, local).await,
        Supply::Shared(permits) => lanes::send(duty, order, permits, local).await,
    };
    drain(duty, &local.handle).await;
    let cut_short = left.is_some();
    for planned in left.into_iter().flatten() {
        local.never_sent(&planned, Outcome::NotSent, ASKED_TO_STOP.to_owned());
    }
    cut_short
}

/// Starts each request of this worker when it is due, never asking whether earlier ones have ended. Returns those that are
/// left when it ends because the run is asked to stop.
async fn send<'a>(
    duty: &mut Duty,
    order: &'a Order,
    bodies: &Bodies,
    local: &Rc<Local>,
) -> Option<Left<'a>> {
    let origin = duty.shared.origin;
    let plan = &order.plan;
    let cap = plan.spec.max_in_flight;
    let mut share = plan.share(duty.worker, duty.workers).peekable();
    let mut stop = duty.stop.clone();
    let mut stopped = pin!(asked(&mut stop, Stop::Drain));
    while let Some(&index) = share.peek() {
        let due = origin.at(order.place.origin_ns + plan.due_ns(index));
        if Instant::now() >= due {
            // Let sockets be read all the same: what is late is our own affair, and must not become the server's.
            tokio::task::yield_now().await;
        } else {
            tokio::select! {
                biased;
                () = local.handle.until(due) => {}
                () = &mut stopped => {}
            }
        }
        if *duty.stop.borrow() != Stop::No {
            return Some(Box::new(share.map(|index| plan.planned(index))));
        }
        let held_back = cap.filter(|&cap| duty.shared.counters.in_flight() >= cap.into());
        match (held_back, bodies.take(index)) {
            (None, Ok(body)) => launch(local, body),
            (Some(cap), _) => {
                let reason = format!(
                    "{cap} requests were in flight, the most that load.max_in_flight allows"
                );
                local.never_sent(&plan.planned(index), Outcome::NotSent, reason);
            }
            (None, Err(reason)) => {
                local.never_sent(&plan.planned(index), Outcome::GeneratorError, reason);
            }
        }
        share.next();
    }
    None
}

/// Waits until every request has ended: each by its own time limit, all by the drain limit once the run is asked to stop.
async fn drain(duty: &mut Duty, handle: &Handle) {
    let mut stop = duty.stop.clone();
    let mut limit = pin!(async {
        asked(&mut stop, Stop::Drain).await;
        handle.sleep(DRAIN_LIMIT).await;
    });
    while handle.tasks() > 0 {
        tokio::select! {
            biased;
            () = handle.task_ended() => {}
            () = asked(&mut duty.stop, Stop::Now) => break,
            () = &mut limit => break,
        }
    }
    handle.abort_tasks();
}
