//! From the instants of a request to its metrics: the formulas of the contract's section 5.

use bench_contract::{Metric, Outcome};

use crate::sample::Sample;
use crate::settings::Settings;

/// Seconds from one instant to another, at least 0.
pub(crate) fn seconds_between(from: u64, to: u64) -> f64 {
    to.saturating_sub(from) as f64 / 1e9
}

impl Sample {
    /// The value of a request metric in seconds: `+inf` where the request never got there and the metric keeps failures,
    /// `None` where it has none. Pooled metrics have none here, except for `itl`, whose mean over the request is given
    /// since that is what a limit on a single request means.
    pub(crate) fn value(&self, metric: Metric, streaming: bool) -> Option<f64> {
        if !streaming && needs_stream(metric) {
            return None;
        }
        match metric {
            Metric::ScheduleDelay => {
                Some(seconds_between(self.scheduled_ns, self.dispatched.get()?))
            }
            Metric::Connect => Some(seconds_between(self.dispatched.get()?, self.sent.get()?)),
            Metric::Ttft => Some(seconds_between(self.sent.get()?, self.first_token.get()?)),
            Metric::TtftScheduled => Some(
                self.first_token
                    .get()
                    .map_or(f64::INFINITY, |at| seconds_between(self.scheduled_ns, at)),
            ),
            Metric::Ttfo => Some(seconds_between(self.sent.get()?, self.first_visible.get()?)),
            Metric::ChunkGap => None,
            Metric::Itl => self.mean_itl(),
            Metric::Tpot => self.per_token_after(1),
            Metric::TpotChunkAware => {
                self.per_token_after(self.first_event_tokens.get().filter(|&k1| k1 > 0)?)
            }
            Metric::Ntpot => {
                let tokens = self.output.get().filter(|&n| n > 0)?;
                Some(self.e2e(self.sent.get()?).filter(|e2e| e2e.is_finite())? / f64::from(tokens))
            }
            // Whoever was tried stays in, also where nothing could be sent; whoever was not has no origin.
            Metric::E2e if self.outcome == Outcome::NotSent => None,
            Metric::E2e => self
                .sent
                .get()
                .map_or(Some(f64::INFINITY), |sent| self.e2e(sent)),
            Metric::E2eScheduled => self.e2e(self.scheduled_ns),
        }
    }

    /// From `origin` to the last token of a reply that is complete; `+inf` for any other. A reply that held no token event,
    /// as replies that are not streamed, ends at its end.
    fn e2e(&self, origin: u64) -> Option<f64> {
        if !self.is_ok() {
            return Some(f64::INFINITY);
        }
        let reached = self.last_token.get().or(self.end.get());
        Some(reached.map_or(f64::INFINITY, |at| seconds_between(origin, at)))
    }

    /// `(last_token - token[1]) / (n - before)` of a complete reply with `n >= before + 1` tokens.
    fn per_token_after(&self, before: u32) -> Option<f64> {
        let rest = self
            .output
            .get()?
            .checked_sub(before)
            .filter(|&rest| rest > 0)?;
        if !self.is_ok() {
            return None;
        }
        Some(seconds_between(self.first_token.get()?, self.last_token.get()?) / f64::from(rest))
    }

    /// Mean gap per token after the first event.
    fn mean_itl(&self) -> Option<f64> {
        let even = self.output.get() == Some(self.events);
        self.per_token_after(if even {
            1
        } else {
            self.first_event_tokens.get().filter(|&k1| k1 > 0)?
        })
    }

    /// Whether the request has no value of `metric` because its reply was too short to have one.
    pub(crate) fn is_too_short_for(&self, metric: Metric) -> bool {
        let Some(n) = self.output.get().filter(|&n| self.is_ok() && n > 0) else {
            return false;
        };
        match metric {
            Metric::Tpot => n < 2,
            Metric::TpotChunkAware | Metric::Itl => {
                n < 2 || self.first_event_tokens.get().is_some_and(|k1| n <= k1)
            }
            _ => false,
        }
    }
}

/// Whether a metric exists only on streams.
pub(crate) fn needs_stream(metric: Metric) -> bool {
    match metric {
        Metric::ScheduleDelay
        | Metric::Connect
        | Metric::Ntpot
        | Metric::E2e
        | Metric::E2eScheduled => false,
        Metric::Ttft
        | Metric::TtftScheduled
        | Metric::Ttfo
        | Metric::ChunkGap
        | Metric::Itl
        | Metric::Tpot
        | Metric::TpotChunkAware => true,
    }
}

/// Why no request of a stage has `metric`.
pub(crate) fn reason_for_absence(metric: Metric, settings: &Settings) -> &'static str {
    if !settings.generates && (needs_stream(metric) || metric == Metric::Ntpot) {
        return "embeddings have no generated tokens: a reply comes as a whole";
    }
    if !settings.streaming && needs_stream(metric) {
        return "replies were not streamed (api.streaming is false)";
    }
    reason_in_streams(metric)
}

/// The same where replies are generated and streamed.
pub(crate) fn reason_in_streams(metric: Metric) -> &'static str {
    match metric {
        Metric::ScheduleDelay => "no request was dispatched",
        Metric::Connect => "no request was sent",
        Metric::Ttft => "no request received a token",
        Metric::TtftScheduled | Metric::E2eScheduled => "no request was planned",
        Metric::Ttfo => "no request received visible text",
        Metric::ChunkGap => "no request received two token events",
        Metric::Itl => "events hold more than one token, and how many each holds is not known",
        Metric::Tpot => "no complete reply has two tokens and a known count of them",
        Metric::TpotChunkAware => {
            "no first event is known to hold more than one token: it would equal tpot"
        }
        Metric::Ntpot => "no complete reply has a known count of tokens",
        Metric::E2e => "no request was tried",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    fn values(sample: &Sample) -> Vec<(Metric, Option<f64>)> {
        Metric::ALL
            .into_iter()
            .map(|metric| (metric, sample.value(metric, true)))
            .collect()
    }

    #[test]
    fn formulas_are_those_of_the_contract() {
        let mut record = record(0);
        record.scheduled_ns = 1_000_000_000;
        record.dispatched_ns = Some(1_001_000_000);
        record.sent_ns = Some(1_003_000_000);
        record.first_token_ns = Some(1_103_000_000);
        record.first_visible_ns = Some(1_203_000_000);
        record.last_token_ns = Some(2_003_000_000);
        record.end_ns = Some(2_004_000_000);
        record.output_tokens = Some(11);
        record.first_event_tokens = Some(3);
        record.events = 5;
        let truth = [
            0.001,
            0.002,
            0.1,
            0.103,
            0.2,
            f64::NAN,
            0.9 / 8.0,
            0.09,
            0.9 / 8.0,
            1.0 / 11.0,
            1.0,
            1.003,
        ];
        for ((metric, value), truth) in values(&Sample::new(&record)).into_iter().zip(truth) {
            match value {
                Some(value) => assert!(
                    (value - truth).abs() < 1e-12,
                    "{metric:?}: {value}, not {truth}"
                ),
                None => assert!(truth.is_nan(), "{metric:?}"),
            }
        }
    }

    #[test]
    fn failures_are_infinite_where_they_have_an_origin() {
        let mut record = record(0);
        record.outcome = Outcome::NotSent;
        for stamp in [
            &mut record.dispatched_ns,
            &mut record.sent_ns,
            &mut record.first_token_ns,
            &mut record.last_token_ns,
        ] {
            *stamp = None;
        }
        let sample = Sample::new(&record);
        assert_eq!(sample.value(Metric::E2e, true), None);
        assert_eq!(sample.value(Metric::Ttft, true), None);
        assert_eq!(sample.value(Metric::ScheduleDelay, true), None);
        assert_eq!(
            sample.value(Metric::TtftScheduled, true),
            Some(f64::INFINITY)
        );
        assert_eq!(
            sample.value(Metric::E2eScheduled, true),
            Some(f64::INFINITY)
        );

        record.outcome = Outcome::ConnectError;
        record.dispatched_ns = Some(record.scheduled_ns);
        let sample = Sample::new(&record);
        assert_eq!(sample.value(Metric::E2e, true), Some(f64::INFINITY));
        assert_eq!(sample.value(Metric::Connect, true), None);

        record.outcome = Outcome::Truncated;
        record.sent_ns = record.dispatched_ns;
        record.first_token_ns = record.sent_ns.map(|at| at + 5);
        record.last_token_ns = record.first_token_ns;
        let sample = Sample::new(&record);
        assert_eq!(sample.value(Metric::Ttft, true), Some(5e-9));
        assert_eq!(sample.value(Metric::E2e, true), Some(f64::INFINITY));
        assert_eq!(sample.value(Metric::Tpot, true), None);
    }

    #[test]
    fn one_token_has_no_tpot_and_an_unstreamed_reply_no_ttft() {
        let mut record = record(0);
        record.output_tokens = Some(1);
        record.events = 1;
        let sample = Sample::new(&record);
        assert_eq!(sample.value(Metric::Tpot, true), None);
        assert!(sample.is_too_short_for(Metric::Tpot) && sample.is_too_short_for(Metric::Itl));
        assert_eq!(sample.value(Metric::TtftScheduled, false), None);
        assert!(sample.value(Metric::E2e, false).is_some());
    }
}
