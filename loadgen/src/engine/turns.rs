//! How a conversation goes on: the turn after a reply, on the worker that got it.

use std::rc::Rc;
use std::sync::Arc;

use bench_contract::Outcome;

use super::composer::{Body, Recipe};
use super::exchange::launch;
use super::flight::{Flight, Local};
use super::stop::{Stop, StopReceiver, asked};
use crate::plan::{Planned, StagePlan};

/// What the conversations of a stage go on with.
pub(super) struct Turns {
    /// What bodies are made from.
    pub recipe: Arc<Recipe>,
    /// The stage's plan.
    pub plan: Arc<StagePlan>,
    /// When no turn is begun any more, in nanoseconds from the run's origin.
    pub end_ns: u64,
    /// How it is told to stop.
    pub stop: StopReceiver,
}

/// Ends a flight, and goes on with the conversation that it was a turn of, if that has another one: after a good reply, and
/// as long as the stage lasts. A user whose turn has failed does not say the next one.
pub(super) fn land(mut flight: Flight) {
    let local = flight.local.clone();
    if let Some(next) = next(&mut flight, &local) {
        // The record of this turn is written before the next one begins.
        drop(flight);
        local.handle.spawn(go_on(local.clone(), next));
    }
}

/// The next turn, ready to be sent, with its instant as its due time.
fn next(flight: &mut Flight, local: &Local) -> Option<Body> {
    let turns = local.turns.as_ref()?;
    let is_good = flight
        .end
        .as_ref()
        .is_some_and(|end| end.outcome == Outcome::Ok);
    if !is_good || *turns.stop.borrow() != Stop::No {
        return None;
    }
    let thinks_ns = flight.thinks_ns()?;
    let scheduled_ns = local.now().saturating_add(thinks_ns);
    if scheduled_ns >= turns.end_ns {
        return None;
    }
    let mut talk = flight.take_talk()?;
    let trace = &mut flight.trace;
    let tokens = trace.usage.and_then(|usage| usage.completion_tokens);
    talk.go_on(trace.text.take().unwrap_or_default(), tokens);
    let planned = Planned {
        due_ns: scheduled_ns.saturating_sub(local.origin_ns()),
        ..turns.plan.turn(talk.session, talk.turn())
    };
    Some(turns.recipe.turn(&turns.plan, planned, talk))
}

/// Sends a turn when it is due, unless the run is asked to stop before that: then it was never planned.
async fn go_on(local: Rc<Local>, body: Body) {
    let Some(turns) = &local.turns else { return };
    let due = local
        .shared
        .origin
        .at(local.origin_ns() + body.planned.due_ns);
    let mut stop = turns.stop.clone();
    let is_due = tokio::select! {
        biased;
        () = asked(&mut stop, Stop::Drain) => false,
        () = local.handle.until(due) => true,
    };
    if is_due {
        launch(&local, body);
    } else {
        local.free(local.now());
    }
}
