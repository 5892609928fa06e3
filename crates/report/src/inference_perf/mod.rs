//! inference-perf's files, in a layout that holds both its old and its new names, by its own definitions.
//!
//! They differ from ours: latency starts at the send and ends at the end of the reply, only successes count (S), rates are
//! over the time from the first start to the last end of all requests that were tried (A), and failures carry no tokens.

mod entry;
mod goodput;
pub(crate) mod labels;
mod stat;

pub use entry::per_request_entry;

use bench_contract::config::LoadType;
use bench_contract::{Metric, Outcome};
use serde_json::{Map, Value, json};

use crate::derive::seconds_between;
use crate::gaps::Gaps;
use crate::sample::Sample;
use crate::{StageCollector, StageFacts};

use goodput::goodput;
use stat::{fields, stat, stat_of_gaps};

/// `stage_<N>_lifecycle_metrics.json`.
#[must_use]
pub fn stage(collector: &StageCollector, facts: &StageFacts) -> Value {
    lifecycle(&[collector], Some(facts))
}

/// `summary_lifecycle_metrics.json`: the requests of all stages together, pauses included.
#[must_use]
pub fn summary(collectors: &[&StageCollector]) -> Value {
    lifecycle(collectors, None)
}

/// Whether a stage holds gaps between tokens of successful requests: where it does not, there is no `inter_token_latency`.
#[must_use]
pub fn has_gaps(collector: &StageCollector) -> bool {
    Gaps::of_successes(&[collector]).count() > 0
}

/// A request that was tried, with what inference-perf calls its start and end.
struct Tried<'a> {
    sample: &'a Sample,
    start: u64,
    end: u64,
}

impl Tried<'_> {
    fn latency(&self) -> f64 {
        seconds_between(self.start, self.end)
    }

    /// Output tokens; 0 where they are not known.
    fn output(&self) -> f64 {
        f64::from(self.sample.output.get().unwrap_or(0))
    }

    /// Of requests with more than one stamp: single tokens are dropped.
    fn ttft(&self) -> Option<f64> {
        let first = self
            .sample
            .first_token
            .get()
            .filter(|_| self.sample.events > 1)?;
        Some(seconds_between(self.start, first))
    }

    fn tpot(&self) -> Option<f64> {
        let (first, last) = (
            self.sample.first_token.get()?,
            self.sample.last_token.get()?,
        );
        let is_long = self.sample.events > 1 && self.output() > 1.0;
        is_long.then(|| seconds_between(first, last) / (self.output() - 1.0))
    }

    fn ntpot(&self) -> f64 {
        if self.output() > 0.0 {
            self.latency() / self.output()
        } else {
            0.0
        }
    }

    /// Mean gap between stamps.
    fn itl(&self) -> Option<f64> {
        let (first, last) = (
            self.sample.first_token.get()?,
            self.sample.last_token.get()?,
        );
        (self.sample.events > 1)
            .then(|| seconds_between(first, last) / f64::from(self.sample.events - 1))
    }
}

fn lifecycle(collectors: &[&StageCollector], facts: Option<&StageFacts>) -> Value {
    let (streaming, percentiles) = collectors.first().map_or((true, &[][..]), |first| {
        (
            first.settings().streaming,
            &first.settings().percentiles[..],
        )
    });
    let tried: Vec<Tried<'_>> = collectors
        .iter()
        .flat_map(|collector| collector.samples())
        .filter(|sample| sample.outcome != Outcome::NotSent)
        .filter_map(|sample| {
            let start = sample.sent.get().or(sample.dispatched.get())?;
            Some(Tried {
                sample,
                start,
                end: sample.end.get().unwrap_or(start),
            })
        })
        .collect();
    let (ok, failed): (Vec<_>, Vec<_>) = tried
        .iter()
        .partition::<Vec<&Tried<'_>>, _>(|one| one.sample.is_ok());
    let span = span(tried.iter());
    let of = |values: Vec<f64>| stat(values, percentiles);
    let streamed = |value: Value| if streaming { value } else { Value::Null };
    let per_second = |amount: f64| if span > 0.0 { amount / span } else { 0.0 };

    let delays = tried
        .iter()
        .map(|one| seconds_between(one.sample.scheduled_ns, one.start))
        .collect();
    let mut load = Map::new();
    load.insert("count".to_owned(), tried.len().into());
    load.insert("schedule_delay".to_owned(), of(delays));
    if let Some(facts) = facts {
        let starts = || tried.iter().map(|one| one.start);
        let duration = starts()
            .min()
            .zip(starts().max())
            .map_or(0.0, |(min, max)| seconds_between(min, max));
        let achieved = if duration > 0.0 {
            tried.len() as f64 / duration
        } else {
            0.0
        };
        load.insert("send_duration".to_owned(), duration.into());
        load.insert("requested_rate".to_owned(), requested(facts).into());
        load.insert("achieved_rate".to_owned(), achieved.into());
        if let Some(concurrency) = facts.load.concurrency {
            load.insert("concurrency".to_owned(), concurrency.into());
        }
    }

    let input: Vec<f64> = ok
        .iter()
        .map(|one| f64::from(one.sample.prompt_tokens()))
        .collect();
    let output: Vec<f64> = ok.iter().map(|one| one.output()).collect();
    let (input_sum, output_sum): (f64, f64) = (input.iter().sum(), output.iter().sum());
    let cached: f64 = ok
        .iter()
        .filter_map(|one| one.sample.input_cached.get())
        .map(f64::from)
        .sum();
    // inference-perf compares the server's count with its own tokenizer's; here it is compared with what was asked for.
    let is_other = |one: &&&Tried<'_>| {
        let sample = one.sample;
        sample
            .output
            .get()
            .is_some_and(|n| n != sample.output_asked)
    };
    let mismatches = ok.iter().filter(is_other).count();
    let none = || vec![0.0; ok.len()];
    let mut successes = json!({
        "count": ok.len(),
        "latency": {
            "request_latency": of(ok.iter().map(|one| one.latency()).collect()),
            "normalized_time_per_output_token": of(ok.iter().map(|one| one.ntpot()).collect()),
            "time_per_output_token": streamed(of(ok.iter().filter_map(|one| one.tpot()).collect())),
            "time_to_first_token": streamed(of(ok.iter().filter_map(|one| one.ttft()).collect())),
            "inter_token_latency": streamed(stat_of_gaps(&Gaps::of_successes(collectors), percentiles)),
        },
        "throughput": {
            "input_tokens_per_sec": per_second(input_sum),
            "output_tokens_per_sec": per_second(output_sum),
            "total_tokens_per_sec": per_second(input_sum + output_sum),
            "requests_per_sec": per_second(ok.len() as f64),
            "images_per_sec": 0.0,
            "videos_per_sec": 0.0,
            "audios_per_sec": 0.0,
        },
        "request_size_bytes": of(ok.iter().map(|one| f64::from(one.sample.request_bytes)).collect()),
        "image": {"count": of(none()), "pixels": null, "bytes": null, "aspect_ratio": null},
        "video": {"count": of(none()), "frames": null, "pixels": null, "bytes": null, "aspect_ratio": null},
        "audio": {"count": of(none()), "seconds": null, "bytes": null},
        "prompt_len": of(input.clone()),
        "prompt_tokens": prompt_tokens(input, cached, percentiles),
        "output_len": of(output.clone()),
        "output_tokens": with_total(output_sum, output, percentiles),
        "token_count_mismatches": mismatches,
    });
    if let (Some(goodput), Some(map)) = (goodput(collectors, &ok), successes.as_object_mut()) {
        map.insert("goodput_metrics".to_owned(), goodput);
    }
    let unknown = vec![0.0; failed.len()];
    json!({
        "benchmark_time_seconds": span,
        "load_summary": load,
        "successes": successes,
        "failures": {
            "count": failed.len(),
            "request_latency": of(failed.iter().map(|one| one.latency()).collect()),
            "prompt_len": of(unknown.clone()),
            "prompt_tokens": prompt_tokens(unknown, 0.0, percentiles),
            "by_label": by_label(collectors),
        },
    })
}

/// What inference-perf calls the requested rate: of a closed loop the number of its requests, which it asks for within a
/// second; of a trace the mean.
fn requested(facts: &StageFacts) -> Option<f64> {
    let load = &facts.load;
    let count = load.requests.map(|count| count as f64);
    load.rate.or(match load.duration_s {
        Some(seconds) if load.kind == LoadType::TraceReplay && seconds > 0.0 => {
            count.map(|count| count / seconds)
        }
        _ => count,
    })
}

/// From the first start to the last end, in seconds.
fn span<'a>(requests: impl Iterator<Item = &'a Tried<'a>>) -> f64 {
    let bounds = requests
        .map(|one| (one.start, one.end))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    bounds.map_or(0.0, |(start, end)| seconds_between(start, end))
}

fn with_total(total: f64, values: Vec<f64>, percentiles: &[f64]) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("total".to_owned(), total.into());
    map.extend(fields(values, percentiles).unwrap_or_default());
    map
}

fn prompt_tokens(values: Vec<f64>, cached: f64, percentiles: &[f64]) -> Map<String, Value> {
    let total: f64 = values.iter().sum();
    let mut map = Map::new();
    map.insert("total".to_owned(), total.into());
    map.insert("cached".to_owned(), cached.into());
    map.insert("uncached".to_owned(), (total - cached).max(0.0).into());
    map.extend(fields(values, percentiles).unwrap_or_default());
    map
}

/// Failures by label, the most frequent first, each with its distinct messages. Requests that were never tried are not
/// among them, as they are in no file of inference-perf's.
fn by_label(collectors: &[&StageCollector]) -> Map<String, Value> {
    let most = collectors
        .first()
        .map_or(0, |first| first.settings().max_error_messages);
    let mut labels: Vec<(&str, u64, Vec<&str>)> = Vec::new();
    for (kind, group) in collectors
        .iter()
        .flat_map(|collector| collector.errors().groups())
    {
        if kind.outcome == Outcome::NotSent {
            continue;
        }
        let place = labels
            .iter()
            .position(|(label, ..)| *label == kind.label)
            .unwrap_or_else(|| {
                labels.push((&kind.label, 0, Vec::new()));
                labels.len() - 1
            });
        let (_, count, messages) = &mut labels[place];
        *count += group.count;
        for message in group.messages() {
            if messages.len() < most && !messages.contains(&message) {
                messages.push(message);
            }
        }
    }
    labels.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let entry = |(label, count, messages): (&str, u64, Vec<&str>)| {
        let messages: Vec<Value> = messages
            .into_iter()
            .map(|message| json!({"message": message}))
            .collect();
        (
            label.to_owned(),
            json!({"count": count, "messages": messages}),
        )
    };
    labels.into_iter().map(entry).collect()
}

/// The name of a limit in `goodput_metrics`.
fn limit_name(metric: Metric) -> &'static str {
    if metric == Metric::E2e {
        "request_latency"
    } else {
        metric.as_str()
    }
}
