//! One rate: what the instrument said, beside what the simulator did.

use std::collections::BTreeMap;

use bench_contract::{Metric, Report, ValidityState};
use bench_report::percentile;
use serde::Serialize;

use super::truth::Truth;

/// How far the mean of a latency may be from the truth where both are small, in seconds.
const ABSOLUTE_S: f64 = 0.001;

/// How far it may be as a share of the truth.
const RELATIVE: f64 = 0.01;

/// How late the simulator's own writes may be (p99, in seconds) before it is the simulator that is at its limit.
const SIMULATOR_LATE_S: f64 = 0.005;

/// What one rate has shown. Latencies are in seconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Level {
    /// Requests per second, Poisson.
    pub(super) rate: f64,
    /// Requests of the plan.
    pub(super) planned: u64,
    /// Those that succeeded.
    pub(super) ok: u64,
    /// Whether the instrument kept its schedule.
    pub(super) state: ValidityState,
    /// Why not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<String>,
    /// Median lateness of the sends.
    pub(super) schedule_delay_p50_s: f64,
    /// Its 99th percentile.
    pub(super) schedule_delay_p99_s: f64,
    /// How late event loops were, 99th percentile.
    pub(super) event_loop_lag_p99_s: f64,
    /// Reported less true, for each latency.
    pub(super) errors: BTreeMap<Metric, InstrumentError>,
    /// How late the simulator's writes were, 99th percentile over replies.
    pub(super) simulator_late_p99_s: f64,
    /// CPU time of this process for each request.
    pub(super) cpu_per_request_s: f64,
    /// CPU use of the busiest worker, in `[0, 1]`.
    pub(super) busiest_worker: f64,
}

/// Reported less true: the way through the kernel and this instrument.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct InstrumentError {
    /// The true mean.
    pub(super) true_mean_s: f64,
    /// Of the mean.
    pub(super) mean_s: f64,
    /// Of the 99th percentile, where the truth has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) p99_s: Option<f64>,
}

impl InstrumentError {
    /// Whether it is within what is promised: 1 % of the truth or 1 ms from the send, 1 % between tokens.
    fn is_kept(&self, metric: Metric) -> bool {
        let relative = RELATIVE * self.true_mean_s;
        let allowed = match metric {
            Metric::Tpot | Metric::Itl => relative,
            _ => relative.max(ABSOLUTE_S),
        };
        self.mean_s.abs() <= allowed
    }
}

/// Who cannot do more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    /// The simulator was late with its replies.
    Simulator,
    /// The instrument was late, lost requests, or was not exact.
    Instrument,
}

impl Level {
    /// Puts a report of one stage beside the truth; `None` where the run has no stage to show.
    pub(super) fn new(rate: f64, report: &Report, truth: &Truth) -> Option<Self> {
        let stage = report.stages.first()?;
        let reported = |metric: Metric| stage.metrics.get(&metric);
        let delay = |p: f64| reported(Metric::ScheduleDelay).and_then(|delay| delay.percentile(p));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let truths = [
            (Metric::Ttft, mean(&truth.ttft), Some(&truth.ttft)),
            (Metric::Tpot, mean(&truth.tpot), Some(&truth.tpot)),
            (Metric::Itl, truth.itl_mean, None),
            (Metric::E2e, mean(&truth.e2e), Some(&truth.e2e)),
        ];
        let errors = truths
            .into_iter()
            .filter_map(|(metric, true_mean_s, values)| {
                let summary = reported(metric)?;
                let true_p99 = values.and_then(|values| percentile(values.clone(), 99.0));
                let error = InstrumentError {
                    true_mean_s,
                    mean_s: summary.mean? - true_mean_s,
                    p99_s: true_p99
                        .zip(summary.percentile(99.0))
                        .map(|(truth, seen)| seen - truth),
                };
                Some((metric, error))
            });
        let health = &stage.health;
        Some(Self {
            rate,
            planned: stage.counts.planned,
            ok: stage.counts.ok(),
            state: stage.validity.state,
            reasons: stage.validity.reasons.clone(),
            schedule_delay_p50_s: delay(50.0)?,
            schedule_delay_p99_s: delay(99.0)?,
            event_loop_lag_p99_s: health.event_loop_lag.as_ref().map_or(0.0, |lag| lag.p99_s),
            errors: errors.collect(),
            simulator_late_p99_s: percentile(truth.late.clone(), 99.0)?,
            cpu_per_request_s: health.cpu_s / stage.counts.planned.max(1) as f64,
            busiest_worker: health
                .workers
                .iter()
                .map(|worker| worker.busy)
                .fold(0.0, f64::max),
        })
    }

    /// Who was at its limit; `None` where the rate was held.
    pub(super) fn limit(&self) -> Option<Limit> {
        let exact = self.errors.len() == 4
            && self
                .errors
                .iter()
                .all(|(metric, error)| error.is_kept(*metric));
        if self.state == ValidityState::Valid && self.ok == self.planned && exact {
            None
        } else if self.simulator_late_p99_s > SIMULATOR_LATE_S {
            Some(Limit::Simulator)
        } else {
            Some(Limit::Instrument)
        }
    }
}
