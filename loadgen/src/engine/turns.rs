//! How a conversation goes on: the turn after a reply, on the worker that got it.

use std::rc::Rc;
use std::sync::Arc;

use bench_contract::Outcome;

use super::composer::{Body, Recipe};
use super::exchange::launch;
use super::flight::{Flight, Local};
use super::stop::{Stop, StopReceiver, asked};
use crate::plan::script::Talk;
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
    flight.stamp_end();
    let local = flight.local.clone();
    let Some((mut talk, scheduled_ns)) = next(&mut flight, &local) else {
        return;
    };
    let answer = flight.trace.text.take().unwrap_or_default();
    // The record of this turn is written, and its connection counted as idle, before the next one is made.
    drop(flight);
    let Some(turns) = &local.turns else { return };
    talk.go_on(answer);
    let place = talk.place();
    let planned = Planned {
        due_ns: scheduled_ns.saturating_sub(local.origin_ns()),
        ..turns.plan.turn(place.session, place.turn)
    };
    let body = turns.recipe.turn(&turns.plan, planned, talk);
    local.handle.spawn(go_on(local.clone(), body));
}

/// The conversation, if it has another turn, and when that is due, in nanoseconds from the run's origin.
fn next(flight: &mut Flight, local: &Local) -> Option<(Box<Talk>, u64)> {
    let turns = local.turns.as_ref()?;
    let end = flight.end.as_ref();
    if end.is_none_or(|end| end.outcome != Outcome::Ok) {
        return None;
    }
    let thinks_ns = flight.thinks_ns()?;
    if *turns.stop.borrow() != Stop::No {
        local.leave_turn();
        return None;
    }
    // Whether the next turn is due in time or not: its user is there, and nobody takes the place.
    flight.keep_lane();
    let scheduled_ns = local.now().saturating_add(thinks_ns);
    if scheduled_ns >= turns.end_ns {
        return None;
    }
    Some((flight.take_talk()?, scheduled_ns))
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
        local.leave_turn();
    }
}
