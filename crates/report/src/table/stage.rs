//! The block of one stage.

use bench_contract::{Interval, Metric, MetricSummary, StageReport, ValidityState};

use super::text::{Page, Tone};
use crate::format::{Latency, amount, count, latency_value, percent};
use crate::lengths::cached_share;

/// Percentiles of the table.
const SHOWN: [f64; 3] = [50.0, 95.0, 99.0];

/// Effective samples below which the 95 % interval of P99 has no upper end: `0.99^n <= 0.025`.
const LEAST_FOR_P99: f64 = 368.0;

/// Rows: from the send, and from the schedule where it differs.
const ROWS: [(&str, Metric, Option<Metric>); 5] = [
    ("TTFT", Metric::Ttft, Some(Metric::TtftScheduled)),
    ("TPOT", Metric::Tpot, None),
    ("TPOT chunk-aware", Metric::TpotChunkAware, None),
    ("ITL", Metric::Itl, None),
    ("E2E", Metric::E2e, Some(Metric::E2eScheduled)),
];

pub(super) fn block(page: &mut Page, stage: &StageReport) {
    let title = format!("stage {}: {}", stage.stage, stage.load);
    let title = page.paint(&title, Tone::Heading);
    page.line(&title);
    let counts = &stage.counts;
    let cancelled = stage.cancel.map_or(0, |cancel| cancel.cancelled);
    let mut text = stage
        .offered_rate
        .map_or_else(String::new, |rate| format!("offered {}/s, ", amount(rate)));
    text.push_str(&format!(
        "achieved {}/s; {} sent, {} ok, {} failed, {} not sent",
        amount(stage.achieved_rate),
        count(counts.sent),
        count(counts.ok()),
        count(counts.sent - counts.ok() - cancelled),
        count(counts.not_sent)
    ));
    if let Some(cancel) = stage.cancel {
        text.push_str(&format!(
            "; {} of {} drawn were given up, and latencies are those of the others",
            count(cancel.cancelled),
            count(cancel.drawn)
        ));
    }
    page.labelled("requests", &text);
    generator(page, stage);
    page.labelled("arrivals", &stage.arrivals.verdict);

    page.gap();
    latencies(page, stage);
    page.gap();

    let throughput = &stage.throughput;
    page.labelled(
        "throughput",
        &format!(
            "{} requests/s, {} input tokens/s, {} output tokens/s over {}",
            amount(throughput.requests_per_s),
            amount(throughput.input_tokens_per_s),
            amount(throughput.output_tokens_per_s),
            Latency(throughput.window_s)
        ),
    );
    if let Some(steady) = throughput.steady.filter(|steady| {
        let (steady, whole) = (steady.output_tokens_per_s, throughput.output_tokens_per_s);
        (steady - whole).abs() > 0.02 * whole
    }) {
        page.labelled(
            "",
            &format!(
                "{} requests/s, {} output tokens/s while requests were due, from {} on",
                amount(steady.requests_per_s),
                amount(steady.output_tokens_per_s),
                Latency(steady.after_s)
            ),
        );
    }
    if let Some(talks) = stage.conversations {
        page.labelled(
            "talks",
            &format!(
                "{} conversations begun: {} held to their end, {} ended by a failure, {} cut by the end of the stage",
                count(talks.begun),
                count(talks.completed),
                count(talks.failed),
                count(talks.cut)
            ),
        );
    }
    lengths(page, stage);
    if !stage.adapters.is_empty() {
        let all: u64 = stage.adapters.values().sum();
        let share = |n: u64| percent(n as f64 / all.max(1) as f64);
        let adapters = stage.adapters.iter();
        let parts: Vec<String> = adapters
            .map(|(name, n)| format!("{name} {} ({})", count(*n), share(*n)))
            .collect();
        page.labelled("adapters", &parts.join(", "));
    }
    if let Some(goodput) = &stage.goodput {
        let parts: Vec<String> = goodput
            .attainment
            .iter()
            .map(|(name, share)| format!("{name} met by {}", percent(*share)))
            .collect();
        page.labelled(
            "goodput",
            &format!(
                "{} ({} of {} offered), {} requests/s; {}",
                percent(goodput.ratio),
                count(goodput.good),
                count(goodput.offered),
                amount(goodput.good_per_s),
                parts.join(", ")
            ),
        );
    }
}

fn generator(page: &mut Page, stage: &StageReport) {
    let (word, tone) = state(stage.validity.state);
    let delay = stage
        .metrics
        .get(&Metric::ScheduleDelay)
        .and_then(|summary| summary.percentile(99.0));
    let mut found: Vec<String> = Vec::new();
    found.extend(delay.map(|p99| format!("schedule_delay p99 {}", Latency(p99))));
    let lag = stage.health.event_loop_lag.as_ref();
    found.extend(lag.map(|lag| format!("event-loop lag p99 {}", Latency(lag.p99_s))));
    let busiest = stage.health.workers.iter().map(|worker| worker.busy);
    found.extend(
        busiest
            .max_by(f64::total_cmp)
            .map(|busy| format!("busiest worker {} of a CPU", percent(busy))),
    );
    let because = match stage.validity.reasons.as_slice() {
        [] if found.is_empty() => String::new(),
        [] => format!(", {}", found.join(", ")),
        reasons => format!(": {}", reasons.join("; ")),
    };
    page.labelled_in("generator", tone, &format!("{word}{because}"));
}

/// The word and colour of a validity.
pub(super) fn state(state: ValidityState) -> (&'static str, Option<Tone>) {
    match state {
        ValidityState::Valid => ("valid", None),
        ValidityState::Suspect => ("suspect", Some(Tone::Doubtful)),
        ValidityState::Invalid => ("INVALID", Some(Tone::Bad)),
    }
}

fn latencies(page: &mut Page, stage: &StageReport) {
    let mut shown: Vec<(String, &str, &MetricSummary)> = Vec::new();
    for (name, metric, from_schedule) in ROWS {
        let Some(summary) = stage.metrics.get(&metric) else {
            continue;
        };
        shown.push((name.to_owned(), name, summary));
        let scheduled = from_schedule.and_then(|metric| stage.metrics.get(&metric));
        if let Some(scheduled) = scheduled.filter(|scheduled| differ(summary, scheduled)) {
            shown.push((
                format!("{name} from schedule"),
                "  from schedule",
                scheduled,
            ));
        }
    }
    if !stage.metrics.contains_key(&Metric::Itl)
        && let Some(summary) = stage.metrics.get(&Metric::ChunkGap)
    {
        shown.push(("chunk gap".to_owned(), "chunk gap", summary));
    }
    if shown.is_empty() {
        page.labelled("latency", "no request has any");
        return;
    }
    let mut head = vec!["", "P50", "P95", "P99", "interval of P99", "samples"];
    let some_unreached = shown.iter().any(|(.., summary)| summary.censored > 0);
    if some_unreached {
        head.push("unreached");
    }
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(shown.iter().map(|(_, label, summary)| {
        let mut cells = vec![(*label).to_owned()];
        cells.extend(SHOWN.map(|p| cell(summary, p)));
        cells.push(interval_of_p99(summary).map_or_else(String::new, enclosure));
        cells.push(count(summary.count));
        if some_unreached {
            cells.push(count(summary.censored));
        }
        cells
    }));
    page.table(&rows, 1, "  ");
    let short: Vec<String> = shown
        .iter()
        .filter_map(|(name, _, summary)| Some((name, interval_of_p99(summary)?)))
        .filter(|(_, interval)| interval.upper.is_none() && interval.n_eff.floor() < LEAST_FOR_P99)
        .map(|(name, interval)| format!("{name} {:.0}", interval.n_eff.floor()))
        .collect();
    if !short.is_empty() {
        let text = format!(
            "P99 has no upper end with fewer than {LEAST_FOR_P99} effective samples: {}",
            short.join(", ")
        );
        page.labelled("note", &text);
    }
}

/// The interval of P99, where there is a P99.
pub(crate) fn interval_of_p99(summary: &MetricSummary) -> Option<&Interval> {
    summary
        .percentiles
        .iter()
        .find(|entry| entry.p == 99.0)?
        .interval
        .as_ref()
}

/// One percentile in words.
pub(super) fn cell(summary: &MetricSummary, p: f64) -> String {
    summary.at(p).map_or_else(|| "-".to_owned(), latency_value)
}

/// `25.1 to 27.4 ms`, with the unit once where it is the same.
fn enclosure(interval: &Interval) -> String {
    let Some(lower) = interval.lower.map(|end| Latency(end).to_string()) else {
        return interval
            .upper
            .map_or_else(|| "none".to_owned(), |end| format!("to {}", Latency(end)));
    };
    let Some(upper) = interval.upper.map(|end| Latency(end).to_string()) else {
        return format!("from {lower}");
    };
    match (lower.split_once(' '), upper.split_once(' ')) {
        (Some((low, a)), Some((_, b))) if a == b => format!("{low} to {upper}"),
        _ => format!("{lower} to {upper}"),
    }
}

/// Whether a latency from the schedule says more than that from the send: by more than 1 % of a percentile shown.
fn differ(sent: &MetricSummary, scheduled: &MetricSummary) -> bool {
    SHOWN
        .into_iter()
        .filter_map(|p| sent.percentile(p).zip(scheduled.percentile(p)))
        .any(|(sent, scheduled)| {
            sent.is_finite() != scheduled.is_finite()
                || (scheduled - sent).abs() > 0.01 * sent.abs()
        })
}

fn lengths(page: &mut Page, stage: &StageReport) {
    let lengths = &stage.lengths;
    let input = lengths
        .input_server
        .as_ref()
        .or(lengths.input_generated.as_ref())
        .unwrap_or(&lengths.input_asked);
    if lengths.output.is_none() && input.total == 0 {
        return;
    }
    let mut text = format!("mean {} tokens in", amount(input.mean));
    if let Some(output) = &lengths.output {
        text.push_str(&format!(", {} out", amount(output.mean)));
    }
    if let Some((reasoning, output)) = lengths.reasoning.zip(lengths.output.as_ref())
        && reasoning > 0
        && output.total > 0
    {
        text.push_str(&format!(
            "; {} of those out were reasoning",
            percent(reasoning as f64 / output.total as f64)
        ));
    }
    if let Some(share) = cached_share(lengths).filter(|share| *share >= 0.001) {
        let unasked = if lengths.cached_unasked {
            ", which the workload did not ask for: prompts of an earlier run (data.salt: none?)"
        } else {
            ""
        };
        text.push_str(&format!(
            "; {} of those in came from the server's cache{unasked}",
            percent(share)
        ));
    }
    if lengths.output_mismatches > 0 {
        text.push_str(&format!(
            "; {} replies not as long as asked for",
            count(lengths.output_mismatches)
        ));
    }
    if let Some(events) = lengths
        .events_per_token
        .filter(|events| (events - 1.0).abs() > 0.005)
    {
        text.push_str(&format!("; {events:.2} events a token"));
    }
    let sources: Vec<&str> = lengths
        .token_sources
        .keys()
        .filter_map(|source| match source {
            bench_contract::TokenSource::Usage => None,
            bench_contract::TokenSource::Tokenizer => Some("output counted by the tokenizer"),
            bench_contract::TokenSource::Events => {
                Some("output counted by events: the server sent no usage")
            }
        })
        .collect();
    for source in sources {
        text.push_str(&format!("; {source}"));
    }
    page.labelled("lengths", &text);
}
