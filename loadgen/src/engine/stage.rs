//! The engine: workers that live as long as the run, and one stage after the other.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use bench_contract::{Health, Outcome, RequestRecord};
use bench_report::{DurationHistogram, Settings, Stage, StageCollector, StageFacts};
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::composer::{Recipe, Supply, compose};
use super::counters::Counters;
use super::flight::Shared;
use super::lag;
use super::place::{StagePlace, blank};
use super::stop::{Stop, StopSender};
use super::worker::{Duty, Order, start};
use crate::clock::{cpu_ns, seconds};
use crate::health::throttled_s;
use crate::plan::{Schedule, StageSpec};
use crate::record::journal::JournalSender;

/// From giving the orders to the stage's time zero: long enough for every worker to be waiting.
const LEAD_NS: u64 = 20_000_000;

/// Workers, ready for stages.
pub struct Engine {
    shared: Arc<Shared>,
    settings: Arc<Settings>,
    recipe: Arc<Recipe>,
    journal: Option<JournalSender>,
    stop: StopSender,
    orders: Vec<UnboundedSender<Order>>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

/// A stage that has ended.
pub struct StageEnd {
    /// Its requests, and what else the report needs to know.
    pub stage: Stage,
    /// Workers that died; their requests are `generator_error`.
    pub dead_workers: usize,
    /// Whether less was sent than would have been because the run was asked to stop.
    pub cut_short: bool,
}

impl Engine {
    /// Starts `workers` workers. Has to be called inside the supervisor's runtime, whose threads resolve names for them.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(
        workers: usize,
        shared: Arc<Shared>,
        settings: Arc<Settings>,
        recipe: Recipe,
        journal: Option<JournalSender>,
        stop: &StopSender,
    ) -> anyhow::Result<Self> {
        let mut engine = Self {
            shared,
            settings,
            recipe: Arc::new(recipe),
            journal,
            stop: stop.clone(),
            orders: Vec::new(),
            threads: Vec::new(),
        };
        let runtime = Runtime::current();
        for worker in 0..workers {
            let (sender, orders) = unbounded_channel();
            let duty = Duty {
                worker,
                workers,
                shared: engine.shared.clone(),
                settings: engine.settings.clone(),
                stop: stop.subscribe(),
            };
            engine.threads.push(
                start(duty, orders, runtime.clone()).context("cannot start a worker thread")?,
            );
            engine.orders.push(sender);
        }
        Ok(engine)
    }

    /// Plans a stage, sends it, and waits until its last request has ended. When a worker dies, the others are stopped: what
    /// they have sent counts, and the dead one's share is a fault of the generator. `begun` is told when its time zero is
    /// fixed and the workers have their orders; what is not known before the end is left out.
    ///
    /// # Errors
    /// When the stage cannot begin.
    pub async fn run_stage(
        &mut self,
        spec: &StageSpec,
        seed: u64,
        begun: impl FnOnce(&StageFacts),
    ) -> anyhow::Result<StageEnd> {
        let (spec, recipe, workers) = (spec.clone(), self.recipe.clone(), self.orders.len());
        let prepared = tokio::task::spawn_blocking(move || {
            let plan = Arc::new(spec.plan(seed));
            compose(&recipe, &plan, workers).map(|(supplies, composer)| (plan, supplies, composer))
        });
        let (plan, supplies, composer) = prepared
            .await?
            .context("cannot start the thread that makes request bodies")?;

        let counters = &self.shared.counters;
        let (cpu, throttled) = (cpu_ns(), throttled_s());
        let begun_ns = self.shared.origin.elapsed();
        let opened = Counters::read(&counters.connections);
        let refused = Counters::read(&counters.socket_errors);
        let _ = counters.take_in_flight_max();
        let place = StagePlace {
            stage: plan.spec.number,
            warmup: plan.spec.warmup,
            origin_ns: self.shared.origin.elapsed() + LEAD_NS,
            is_closed: matches!(plan.spec.schedule, Schedule::Closed { .. }),
            has_turns: plan.spec.has_turns,
        };
        let permits = supplies.iter().find_map(|supply| match supply {
            Supply::Own(_) => None,
            Supply::Shared(permits) => Some(permits.clone()),
        });
        let mut parts = Vec::new();
        for (sender, supply) in self.orders.iter().zip(supplies) {
            let (done, part) = oneshot::channel();
            let order = Order {
                plan: plan.clone(),
                recipe: self.recipe.clone(),
                place,
                supply,
                journal: self.journal.clone(),
                done,
            };
            // A worker that has died takes no order; its part says so below.
            let _ = sender.send(order);
            parts.push(part);
        }
        let mut facts = StageFacts {
            stage: place.stage,
            load: plan.spec.load(),
            origin_ns: place.origin_ns,
            health: Health::default(),
            known_until_ns: None,
            earlier: None,
            repeats: Vec::new(),
        };
        begun(&facts);
        let mut collector = StageCollector::new(self.settings.clone());
        let (mut event_loop_lag, mut healths) = (DurationHistogram::new(), Vec::new());
        let (mut dead_workers, mut cut_short, mut lost) = (0, false, Vec::new());
        for (worker, part) in parts.into_iter().enumerate() {
            if let Ok(part) = part.await {
                collector.merge(part.collector);
                event_loop_lag.add(&part.lag);
                healths.push(part.health);
                cut_short |= part.cut_short;
                continue;
            }
            dead_workers += 1;
            self.stop.ask(Stop::Now);
            match &permits {
                None => lost.extend(plan.share(worker, workers)),
                Some(permits) => lost.extend(permits.taken_by(worker)),
            }
        }
        // Where no worker is left, nobody has taken the rest.
        lost.extend(permits.iter().flat_map(|permits| permits.rest()));
        for index in lost {
            let record = RequestRecord {
                outcome: Outcome::GeneratorError,
                error: Some("the worker of this request died".to_owned()),
                ..blank(place, &plan.planned(index), plan.spec.adapters.as_ref())
            };
            collector.add(&record, &[]);
        }
        drop(permits);
        composer
            .join()
            .map_err(|_| anyhow!("the thread that makes request bodies panicked"))?;

        // A worker without requests is done at once; what it took of the stage counts, not of its own part.
        let lasted = seconds((self.shared.origin.elapsed() - begun_ns).max(1));
        for health in &mut healths {
            health.busy = (health.cpu_s / lasted).min(1.0);
        }
        facts.health = Health {
            cpu_s: seconds(cpu_ns() - cpu),
            throttled_s: throttled_s()
                .zip(throttled)
                .map(|(now, before)| now - before),
            in_flight_max: counters.take_in_flight_max(),
            connections_opened: Counters::read(&counters.connections) - opened,
            socket_errors: Counters::read(&counters.socket_errors) - refused,
            event_loop_lag: lag::summary(&event_loop_lag),
            workers: healths,
        };
        Ok(StageEnd {
            stage: Stage { facts, collector },
            dead_workers,
            cut_short,
        })
    }

    /// Ends the workers, and returns why each of them that had failed did.
    #[must_use]
    pub fn finish(mut self) -> Vec<String> {
        self.orders.clear();
        let mut failures = Vec::new();
        for thread in self.threads.drain(..) {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failures.push(format!("a worker failed: {error}")),
                Err(_) => failures.push("a worker panicked".to_owned()),
            }
        }
        failures
    }
}
