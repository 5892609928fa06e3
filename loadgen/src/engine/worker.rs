//! A worker: one thread, one current-thread runtime, its share of every stage.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use bench_contract::{Outcome, WorkerHealth};
use bench_report::{ASKED_TO_STOP, DurationHistogram, Settings, StageCollector};
use tokio::runtime::{LocalOptions, LocalRuntime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::composer::{Bodies, Supply};
use super::exchange::{DRAIN_LIMIT, launch};
use super::flight::{Local, Shared, StagePlace};
use super::lag;
use super::lanes;
use super::stop::{Stop, StopReceiver, asked};
use crate::clock::Instant;
use crate::health::ThreadAccount;
use crate::http::pool::Pool;
use crate::pacer::Pacer;
use crate::plan::{Planned, StagePlan};
use crate::record::journal::JournalSender;

/// Bytes that one read can bring.
const SCRATCH: usize = 64 * 1024;

/// One stage, for one worker.
pub(super) struct Order {
    /// The plan of all workers.
    pub plan: Arc<StagePlan>,
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

/// Starts a worker's thread. It answers each order with a collector, and ends when no more orders can come.
///
/// # Errors
/// When no thread or event loop can be started, before anything is sent.
pub(super) fn start(
    duty: Duty,
    orders: UnboundedReceiver<Order>,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(format!("worker-{}", duty.worker))
        .spawn(move || match begin() {
            Ok((runtime, pacers)) => {
                let _ = begun.send(Ok(()));
                runtime.block_on(work(duty, &pacers, orders))
            }
            Err(error) => {
                let _ = begun.send(Err(error));
                Ok(())
            }
        })?;
    // A thread that has died without a word is joined like any other.
    has_begun.recv().unwrap_or(Ok(()))?;
    Ok(thread)
}

/// The current thread's event loop and timers. Tasks are the loop's own: a `LocalSet` would be a second scheduler in the first,
/// through which every wake-up of a read has to go.
fn begin() -> io::Result<(LocalRuntime, Pacers)> {
    crate::pacer::sharpen()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let pacers = {
        let _inside = runtime.enter();
        Pacers {
            sends: Pacer::new()?,
            lag: Pacer::new()?,
        }
    };
    Ok((runtime, pacers))
}

/// A worker's timers.
struct Pacers {
    sends: Pacer,
    lag: Pacer,
}

async fn work(
    mut duty: Duty,
    pacers: &Pacers,
    mut orders: UnboundedReceiver<Order>,
) -> io::Result<()> {
    let pool = Rc::new(Pool::default());
    let scratch = Rc::new(RefCell::new(vec![0; SCRATCH]));
    while let Some(order) = orders.recv().await {
        let collector = StageCollector::new(duty.settings.clone());
        let local = Rc::new(Local::new(
            duty.shared.clone(),
            pool.clone(),
            scratch.clone(),
            order.place,
            collector,
            order.journal.clone(),
        ));
        let before = ThreadAccount::now();
        let origin = duty.shared.origin.at(order.place.origin_ns);
        let mut lag = DurationHistogram::new();
        let stage = stage(&mut duty, &order, &pacers.sends, &local);
        let cut_short = tokio::select! {
            biased;
            ended = stage => ended?,
            Err(error) = lag::sample(origin, &pacers.lag, &mut lag) => return Err(error),
        };
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

/// Sends this worker's requests of a stage, and waits until the last has ended. Says whether the run was asked to stop
/// before all were sent.
async fn stage(
    duty: &mut Duty,
    order: &Order,
    pacer: &Pacer,
    local: &Rc<Local>,
) -> io::Result<bool> {
    let mut flights = JoinSet::new();
    let left = match &order.supply {
        Supply::Own(bodies) => send(duty, order, bodies, pacer, local, &mut flights).await?,
        Supply::Shared(permits) => {
            lanes::send(duty, order, permits, pacer, local, &mut flights).await?
        }
    };
    drain(duty, &mut flights).await;
    let cut_short = left.is_some();
    for planned in left.into_iter().flatten() {
        local.never_sent(&planned, Outcome::NotSent, ASKED_TO_STOP.to_owned());
    }
    Ok(cut_short)
}

/// Starts each request of this worker when it is due, never asking whether earlier ones have ended. Returns those that are
/// left when it ends because the run is asked to stop.
async fn send<'a>(
    duty: &mut Duty,
    order: &'a Order,
    bodies: &Bodies,
    pacer: &Pacer,
    local: &Rc<Local>,
    flights: &mut JoinSet<()>,
) -> io::Result<Option<Left<'a>>> {
    let origin = duty.shared.origin;
    let plan = &order.plan;
    let cap = plan.spec.max_in_flight;
    let mut share = plan.share(duty.worker, duty.workers).peekable();
    while let Some(&index) = share.peek() {
        let due = origin.at(order.place.origin_ns + plan.due_ns(index));
        if Instant::now() >= due {
            // Let sockets be read all the same: what is late is our own affair, and must not become the server's.
            tokio::task::yield_now().await;
        } else {
            tokio::select! {
                biased;
                waited = pacer.until(due) => waited?,
                () = asked(&mut duty.stop, Stop::Drain) => {}
            }
        }
        if *duty.stop.borrow() != Stop::No {
            return Ok(Some(Box::new(share.map(|index| plan.planned(index)))));
        }
        let held_back = cap.filter(|&cap| duty.shared.counters.in_flight() >= cap.into());
        match (held_back, bodies.take(index)) {
            (None, Ok(body)) => launch(local, body, flights),
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
        // Tasks that have ended, panicked ones among them: their records are written when they are dropped.
        while flights.try_join_next().is_some() {}
    }
    Ok(None)
}

/// Waits until every request has ended: each by its own time limit, all by the drain limit once the run is asked to stop.
async fn drain(duty: &mut Duty, flights: &mut JoinSet<()>) {
    let mut stop = duty.stop.clone();
    let limit = async {
        asked(&mut stop, Stop::Drain).await;
        tokio::time::sleep(DRAIN_LIMIT).await;
    };
    tokio::pin!(limit);
    loop {
        tokio::select! {
            biased;
            ended = flights.join_next() => if ended.is_none() { return },
            () = asked(&mut duty.stop, Stop::Now) => break,
            () = &mut limit => break,
        }
    }
    flights.shutdown().await;
}
