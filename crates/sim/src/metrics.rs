//! `/metrics`: the Prometheus text format, under vLLM's names.

use std::fmt::Write;

use crate::histogram::FixedHistogram;
use crate::shared::Shared;
use crate::stats::{Counters, total};

/// Tokens that the KV cache is said to hold. Nothing depends on it: a full one puts no request back.
const KV_TOKENS: f64 = 65_536.0;

/// The whole page.
pub(crate) fn page(shared: &Shared) -> String {
    let model = label(&shared.args.model);
    let labels = format!("engine=\"0\",model_name=\"{model}\"");
    let mut page = String::with_capacity(8 << 10);
    let running = shared.queue.running();
    let waiting = shared.queue.waiting();
    let workers = &shared.counters;
    let held = total(workers, |w| &w.cache_queries) + total(workers, |w| &w.tokens);
    let held = held.saturating_sub(total(workers, |w| &w.released));
    let usage = (held as f64 / KV_TOKENS).min(1.0);
    let gauges = [
        (
            "num_requests_running",
            "Number of requests in model execution batches.",
            running as f64,
        ),
        (
            "num_requests_waiting",
            "Number of requests waiting to be processed.",
            waiting as f64,
        ),
        (
            "kv_cache_usage_perc",
            "KV-cache usage. 1 means 100 percent usage: here 65536 tokens of prompts and replies in service.",
            usage,
        ),
    ];
    for (name, help, value) in gauges {
        head(&mut page, name, help, "gauge");
        line(&mut page, name, &labels, value);
    }
    let counters = [
        (
            "prefix_cache_queries_total",
            "Prefix cache queries, in terms of number of queried tokens.",
            total(workers, |w| &w.cache_queries),
        ),
        (
            "prefix_cache_hits_total",
            "Prefix cache hits, in terms of number of cached tokens.",
            total(workers, |w| &w.cache_hits),
        ),
        (
            "num_preemptions_total",
            "Cumulative number of preemption from the engine.",
            0,
        ),
        (
            "prompt_tokens_total",
            "Number of prefill tokens processed.",
            total(workers, |w| &w.prompt_tokens),
        ),
        (
            "generation_tokens_total",
            "Number of generation tokens processed.",
            total(workers, |w| &w.tokens),
        ),
    ];
    for (name, help, value) in counters {
        head(&mut page, name, help, "counter");
        line(&mut page, name, &labels, value as f64);
    }
    let name = "request_success_total";
    head(
        &mut page,
        name,
        "Count of successfully processed requests.",
        "counter",
    );
    for (reason, value) in [
        ("length", total(workers, |w| &w.finished_length)),
        ("stop", total(workers, |w| &w.finished_stop)),
        ("abort", total(workers, |w| &w.aborted)),
    ] {
        let labels = format!("{labels},finished_reason=\"{reason}\"");
        line(&mut page, name, &labels, value as f64);
    }
    histogram(
        &mut page,
        "time_to_first_token_seconds",
        "Histogram of time to first token in seconds.",
        &labels,
        workers,
        |w| &w.ttft,
    );
    histogram(
        &mut page,
        "e2e_request_latency_seconds",
        "Histogram of e2e request latency in seconds.",
        &labels,
        workers,
        |w| &w.e2e,
    );
    histogram(
        &mut page,
        "request_queue_time_seconds",
        "Histogram of time spent in WAITING phase for request.",
        &labels,
        workers,
        |w| &w.queue,
    );
    page
}

fn head(page: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(page, "# HELP vllm:{name} {help}\n# TYPE vllm:{name} {kind}");
}

fn line(page: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(page, "vllm:{name}{{{labels}}} {value:?}");
}

fn histogram(
    page: &mut String,
    name: &str,
    help: &str,
    labels: &str,
    workers: &[Counters],
    of: impl Fn(&Counters) -> &FixedHistogram,
) {
    head(page, name, help, "histogram");
    let mut counts = Vec::new();
    let mut bounds: &[f64] = &[];
    let mut sum_ns = 0;
    for worker in workers {
        bounds = of(worker).bounds();
        sum_ns += of(worker).add_to(&mut counts);
    }
    let mut upto = 0;
    for (at, count) in counts.iter().enumerate() {
        upto += count;
        let le = bounds
            .get(at)
            .map_or_else(|| "+Inf".to_owned(), |b| format!("{b:?}"));
        let _ = writeln!(
            page,
            "vllm:{name}_bucket{{{labels},le=\"{le}\"}} {:?}",
            upto as f64
        );
    }
    let _ = writeln!(page, "vllm:{name}_count{{{labels}}} {:?}", upto as f64);
    let _ = writeln!(
        page,
        "vllm:{name}_sum{{{labels}}} {:?}",
        sum_ns as f64 / 1e9
    );
}

/// A label's value, escaped.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
