//! Whether a stage says anything about the server, or only about the generator.
//!
//! What decides is the generator's own lateness: that of its sends (`schedule_delay`) and that of its reads (the lag of its
//! event loops). A server that is slow to accept or to answer never makes a stage invalid. Requests that were not sent because the run was asked to stop make it partial, not invalid.

use bench_contract::{Health, Outcome, Validity, ValidityState};

use crate::derive::seconds_between;
use crate::format::{Latency, count, percent};
use crate::percentile::Sorted;
use crate::view::View;

/// p99 of `schedule_delay`, and of the event loops' lag, above which a stage is invalid, unless TTFT is so long that it does
/// not matter.
const LATEST_S: f64 = 0.010;
/// Share of the median TTFT that either p99 may always be.
const SHARE_OF_TTFT: f64 = 0.02;
/// A single stall of an event loop from which a stage is suspect: it may hide in a p99.
const LONGEST_STALL_S: f64 = 0.100;
/// Share of a stage that a worker may use its CPU before the stage is suspect: beyond it, requests queue in the generator.
const BUSIEST: f64 = 0.9;
/// Part of either bound from which a stage is suspect.
const SUSPECT: f64 = 0.2;
/// Share of requests lost by the generator's own faults above which a stage is invalid; one makes it suspect.
const MOST_FAULTS: f64 = 0.01;
/// Sent over offered rate below which a stage is suspect, and invalid.
const LEAST_ACHIEVED: (f64, f64) = (0.99, 0.95);
/// Share of the time that the CPU limit held the process back, from which a stage is suspect.
const MOST_THROTTLED: f64 = 0.01;
/// Share of the time that a worker was ready and had no CPU, from which it is named as a cause.
const MOST_RUN_DELAY: f64 = 0.01;

/// What validity needs to know beside the requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace<'a> {
    /// Requests that were due, per second.
    pub(crate) offered: f64,
    /// Requests that were dispatched, per second.
    pub(crate) achieved: f64,
    /// How the generator did.
    pub(crate) health: &'a Health,
    /// From the stage's time zero to its end, in seconds.
    pub(crate) duration_s: f64,
}

/// Judges a stage; `ttft_median` is that from the send, where there is one.
pub(crate) fn validity(view: &View<'_>, ttft_median: Option<f64>, pace: Pace<'_>) -> Validity {
    let mut found = Findings::default();
    let delays: Vec<f64> = view
        .samples()
        .filter_map(|sample| {
            Some(seconds_between(
                sample.scheduled_ns,
                sample.dispatched.get()?,
            ))
        })
        .collect();
    if delays.is_empty() && view.counts.planned > 0 {
        found.suspect("no request was dispatched".to_owned());
    }
    let ttft = ttft_median.filter(|ttft| ttft.is_finite()).unwrap_or(0.0);
    let bound = LATEST_S.max(ttft * SHARE_OF_TTFT);
    if let Some(p99) = Sorted::new(delays).percentile(99.0) {
        found.late("schedule_delay p99", p99, bound, "requests left late");
    }
    if let Some(lag) = &pace.health.event_loop_lag {
        let bound_of_stall = bound.max(LONGEST_STALL_S);
        if lag.p99_s > bound * SUSPECT {
            let what = "event-loop lag p99";
            found.late(what, lag.p99_s, bound, "replies were stamped late");
        } else if lag.max_s > bound_of_stall {
            found.suspect(format!(
                "an event loop stood still for {}: replies in that time were stamped late",
                Latency(lag.max_s)
            ));
        }
    }
    let held_back = view
        .samples()
        .filter(|sample| sample.outcome == Outcome::NotSent && !sample.stopped)
        .count() as u64;
    if held_back > 0 {
        found.invalid(format!(
            "{} requests were held back by a limit of the generator",
            count(held_back)
        ));
    }
    let faults = view
        .counts
        .outcomes
        .get(&Outcome::GeneratorError)
        .copied()
        .unwrap_or(0);
    if faults > 0 {
        let share = faults as f64 / view.counts.planned.max(1) as f64;
        let text = format!(
            "{} requests ({}) were lost by faults of the generator",
            count(faults),
            percent(share)
        );
        if share > MOST_FAULTS {
            found.invalid(text);
        } else {
            found.suspect(text);
        }
    }
    let ratio = pace.achieved / pace.offered;
    if ratio < LEAST_ACHIEVED.0 {
        let text = format!(
            "sent {:.2}/s of {:.2}/s offered",
            pace.achieved, pace.offered
        );
        if ratio < LEAST_ACHIEVED.1 {
            found.invalid(text);
        } else {
            found.suspect(text);
        }
    }
    let busiest = pace.health.workers.iter().map(|worker| worker.busy);
    if let Some(busy) = busiest
        .max_by(f64::total_cmp)
        .filter(|&busy| busy > BUSIEST)
    {
        found.suspect(format!("a worker used {} of its CPU", percent(busy)));
    }
    if let Some(throttled) = pace
        .health
        .throttled_s
        .filter(|&s| s > MOST_THROTTLED * pace.duration_s && pace.duration_s > 0.0)
    {
        let share = percent(throttled / pace.duration_s);
        found.suspect(format!(
            "the CPU limit held the generator back for {} ({share} of the stage)",
            Latency(throttled)
        ));
    }
    let run_delays = pace.health.workers.iter().filter_map(|w| w.run_delay_s);
    if let Some(waited) = run_delays.max_by(f64::total_cmp)
        && pace.duration_s > 0.0
        && waited > MOST_RUN_DELAY * pace.duration_s
        && !found.0.is_empty()
    {
        // No finding of its own: what it has led to is.
        let share = percent(waited / pace.duration_s);
        found.suspect(format!(
            "a worker was ready and had no CPU for {} ({share} of the stage): something else runs on its CPUs",
            Latency(waited)
        ));
    }
    found.validity()
}

#[derive(Default)]
struct Findings(Vec<(ValidityState, String)>);

impl Findings {
    fn suspect(&mut self, reason: String) {
        self.0.push((ValidityState::Suspect, reason));
    }

    fn invalid(&mut self, reason: String) {
        self.0.push((ValidityState::Invalid, reason));
    }

    /// A lateness beyond `bound` makes a stage invalid, beyond a part of it suspect.
    fn late(&mut self, what: &str, p99: f64, bound: f64, consequence: &str) {
        let (seen, suspect) = (Latency(p99), Latency(bound * SUSPECT));
        if p99 > bound {
            let bound = Latency(bound);
            self.invalid(format!(
                "{what} is {seen}, more than {bound}: {consequence}"
            ));
        } else if p99 > bound * SUSPECT {
            self.suspect(format!("{what} is {seen}, more than {suspect}"));
        }
    }

    fn validity(mut self) -> Validity {
        self.0.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
        let state = self
            .0
            .first()
            .map_or(ValidityState::Valid, |(state, _)| *state);
        Validity {
            state,
            reasons: self.0.into_iter().map(|(_, reason)| reason).collect(),
        }
    }
}
