//! How a stage went as a whole: how long it took, at which rates, whether the arrivals were what they should be, and whether
//! all of it says anything about the server.

use bench_contract::config::LoadType;
use bench_contract::{ArrivalTest, Throughput, Validity};

use crate::arrivals::arrivals;
use crate::collector::StageFacts;
use crate::derive::seconds_between;
use crate::sample::Sample;
use crate::steady::steady;
use crate::validity::{Pace, validity};
use crate::view::View;

/// How a stage went as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// From its time zero to the end of its last request.
    pub(crate) duration_s: f64,
    /// Requests of the plan per second; none for a closed loop.
    pub(crate) offered_rate: Option<f64>,
    /// Requests sent per second.
    pub(crate) achieved_rate: f64,
    pub(crate) throughput: Throughput,
    pub(crate) arrivals: ArrivalTest,
    pub(crate) validity: Validity,
}

impl Course {
    /// Of the requests of one run; `ttft_median` is that from the send, where there is one.
    pub(crate) fn of(view: &View<'_>, facts: &StageFacts, ttft_median: Option<f64>) -> Self {
        // Beyond, some requests left a record and some did not.
        let is_known = |sample: &&Sample| {
            facts
                .known_until_ns
                .is_none_or(|until| sample.scheduled_ns <= until)
        };
        let mut dispatched: Vec<u64> = view
            .samples()
            .filter(is_known)
            .filter_map(|sample| sample.dispatched.get())
            .collect();
        dispatched.sort_unstable();
        let first_turns = view.samples().filter(is_known);
        let first_turns = first_turns.filter(|sample| !sample.follows);
        let mut arrived: Vec<u64> = first_turns
            .filter_map(|sample| sample.dispatched.get())
            .collect();
        arrived.sort_unstable();
        let end = view
            .samples()
            .filter_map(|sample| sample.end.get().or(sample.dispatched.get()))
            .max();
        let duration_s = end.map_or(0.0, |at| seconds_between(facts.origin_ns, at));
        // A closed loop offers what the server takes: its rate is what came of it, ramp-down included.
        let is_closed = facts.load.kind == LoadType::Concurrent;
        let covered_s = if is_closed {
            duration_s
        } else {
            covered(view, facts)
        };
        let last = dispatched
            .last()
            .map_or(0.0, |&at| seconds_between(facts.origin_ns, at));
        let achieved_rate = match facts.known_until_ns.filter(|_| is_closed) {
            Some(_) => closed_rate(view, facts).unwrap_or(0.0),
            None => per_second(dispatched.len() as f64, covered_s.max(last)),
        };
        let due = view
            .samples()
            .filter(is_known)
            .filter(|sample| !sample.stopped)
            .count();
        let offered = match facts.known_until_ns {
            Some(_) => per_second(due as f64, covered_s),
            None => per_second(
                view.counts.planned as f64,
                facts.load.duration_s.unwrap_or(duration_s),
            ),
        };

        let pace = Pace {
            offered: if is_closed {
                achieved_rate
            } else {
                per_second(due as f64, covered_s)
            },
            achieved: achieved_rate,
            health: &facts.health,
            duration_s,
        };
        Self {
            duration_s,
            offered_rate: (!is_closed).then_some(offered),
            achieved_rate,
            throughput: throughput(view, facts.known_until_ns),
            arrivals: arrivals(&arrived, &facts.load, facts.origin_ns, covered_s),
            validity: validity(view, ttft_median, pace),
        }
    }
}

/// Requests that a closed loop sent per second, of which some left no record: it sends them in the order of their numbers, so
/// that the last one tells how many there were, and when. None where that is at its time zero.
fn closed_rate(view: &View<'_>, facts: &StageFacts) -> Option<f64> {
    let sent = view
        .samples()
        .filter(|sample| sample.dispatched.get().is_some());
    let last = sent.max_by_key(|sample| sample.index)?;
    let seconds = seconds_between(facts.origin_ns, last.dispatched.get()?);
    let count = last.index.saturating_add(1) as f64;
    (seconds > 0.0).then(|| count / seconds)
}

/// Seconds of the plan that took place and are known of: its duration, or up to the first request that was not sent because
/// the run was asked to stop, or up to where records are missing.
fn covered(view: &View<'_>, facts: &StageFacts) -> f64 {
    let stopped = view.samples().find(|sample| sample.stopped);
    let stopped = stopped.map(|sample| sample.scheduled_ns);
    let until = stopped.into_iter().chain(facts.known_until_ns).min();
    let until = until.map(|at| seconds_between(facts.origin_ns, at));
    until
        .unwrap_or(f64::INFINITY)
        .min(facts.load.duration_s.unwrap_or(f64::INFINITY))
}

/// Requests and tokens of successes, from the first send to the end of the last request.
fn throughput(view: &View<'_>, known_until_ns: Option<u64>) -> Throughput {
    let first = view.samples().filter_map(|sample| sample.sent.get()).min();
    let last = view
        .samples()
        .filter(|sample| sample.sent.get().is_some())
        .filter_map(|sample| sample.end.get())
        .max();
    let window_s = first
        .zip(last)
        .map_or(0.0, |(first, last)| seconds_between(first, last));
    let ok = || view.samples().filter(|sample| sample.is_ok());
    let input: u64 = ok().map(|sample| u64::from(sample.prompt_tokens())).sum();
    let output: u64 = ok()
        .map(|sample| u64::from(sample.output.get().unwrap_or(0)))
        .sum();
    Throughput {
        window_s,
        requests_per_s: per_second(ok().count() as f64, window_s),
        input_tokens_per_s: per_second(input as f64, window_s),
        output_tokens_per_s: per_second(output as f64, window_s),
        steady: steady(view, known_until_ns),
    }
}

fn per_second(amount: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { amount / seconds } else { 0.0 }
}
