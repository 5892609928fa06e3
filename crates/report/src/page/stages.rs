//! What was asked and what happened: objectives, stages, latencies, errors.

use bench_contract::{
    Check, CheckVerdict, Metric, MetricSummary, Place, Report, RunStatus, SloMetric, StageLoad,
    StageReport, ValidityState,
};

use super::LONGEST_MESSAGE;
use super::objective::interval_in_words;
use super::table::{Cell, table};
use crate::format::{Latency, amount, count, latency_value, percent};
use crate::markup::{Markup, shortened};
use crate::stage::{INVALID, INVALID_PART};
use crate::table::{errors_of, interval_of_p99, is_one_stage};

/// Rows of a table; a page has room for more, its readers have not.
const MOST_ROWS: usize = 60;

/// Stages that have a table of latencies of their own.
const MOST_DETAILED: usize = 4;

/// Adds the sections.
pub(super) fn asked_and_happened(page: &mut Markup, report: &Report) {
    page.raw("<section>\n<h2>What was asked, and what happened</h2>\n");
    if report.run.status == RunStatus::Unfinished {
        unfinished(page, report);
        page.raw("</section>\n");
        return;
    }
    objectives(page, report);
    if report.stages.is_empty() {
        page.raw("<p>No stage was run.</p>\n");
    } else {
        stages(page, report);
        errors(page, report);
        if report.stages.len() == 1 {
            latencies(page, report);
        }
    }
    page.raw("</section>\n");
}

/// What is known of a run that has not ended.
fn unfinished(page: &mut Markup, report: &Report) {
    page.raw("<p>Figures are in the records (<code>requests.jsonl.zst</code>), which are not here.</p>\n");
    let of = |number: u32, asked: &StageLoad, requests: [Cell; 3]| {
        let mut row = vec![
            Cell::number(number.to_string()),
            Cell::word(asked.to_string()),
        ];
        row.extend(requests);
        row
    };
    let begun = report.stages.iter().map(|stage| {
        let counts = &stage.counts;
        let requests = match counts.sent {
            0 => [Cell::word("goes on"), Cell::number(""), Cell::number("")],
            sent => [
                Cell::word("ended"),
                Cell::number(count(sent)),
                Cell::number(count(counts.ok())),
            ],
        };
        of(stage.stage, &stage.load, requests)
    });
    let not_begun = report.not_begun.iter().map(|stage| {
        let requests = [Cell::word("not begun"), Cell::number(""), Cell::number("")];
        of(stage.stage, &stage.load, requests)
    });
    let rows: Vec<Vec<Cell>> = begun.chain(not_begun).take(MOST_ROWS).collect();
    table(page, &["stage", "asked", "", "sent", "ok"], &rows);
}

/// Adds the latencies of several stages in full, which are too many to stand before the pictures.
pub(super) fn in_full(page: &mut Markup, report: &Report) {
    if report.stages.len() > 1 && report.run.status != RunStatus::Unfinished {
        page.raw("<section>\n<h2>Latencies in full</h2>\n");
        latencies(page, report);
        page.raw("</section>\n");
    }
}

fn objectives(page: &mut Markup, report: &Report) {
    let mut checks: Vec<(Place<'_>, &Check)> = report.judged().collect();
    if checks.is_empty() {
        return;
    }
    // What did not pass must not be among those that are left out.
    checks.sort_by_key(|(_, check)| check.verdict == CheckVerdict::Pass);
    let is_one = is_one_stage(report);
    let rows: Vec<Vec<Cell>> = checks
        .iter()
        .take(MOST_ROWS)
        .map(|(place, check)| {
            let share = |share: Option<f64>| share.map_or_else(String::new, percent);
            let interval = check
                .share_lower
                .zip(check.share_upper)
                .map_or_else(String::new, |(low, high)| {
                    format!("{} to {}", percent(low), percent(high))
                });
            vec![
                verdict(check.verdict),
                Cell::number(if is_one {
                    String::new()
                } else {
                    place
                        .stage()
                        .map_or_else(|| "whole".to_owned(), |number| number.to_string())
                }),
                Cell::word(check.slo.describe()),
                Cell::number(observed(check)),
                Cell::number(share(check.share_above)),
                Cell::number(interval),
                Cell::number(share(crate::slo::allowed_share(&check.slo))),
                Cell::number(count(check.count)),
                Cell::number(if check.share_above.is_some() {
                    count(check.n_eff as u64)
                } else {
                    String::new()
                }),
                Cell::word(shortened(remark(check), LONGEST_MESSAGE)),
            ]
        })
        .collect();
    page.raw("<h3>Objectives</h3>\n");
    let head = [
        "verdict",
        "stage",
        "objective",
        "measured",
        "beyond it",
        "95 % interval",
        "allowed",
        "requests",
        "effective",
        "remark",
    ];
    table(page, &head, &rows);
    rest(page, checks.len());
    page.raw("<p class=\"small\">Requests depend on each other; “effective” is how many independent ones they are worth.</p>\n");
}

/// The value that was observed, in the unit of the objective.
fn observed(check: &Check) -> String {
    let Some(value) = check.observed else {
        return String::new();
    };
    match check.slo.metric {
        SloMetric::ErrorRate | SloMetric::Goodput => percent(value),
        SloMetric::Throughput => format!("{} tokens/s", amount(value)),
        _ => Latency(value).to_string(),
    }
}

/// What a reason says beyond the numbers that have columns of their own.
fn remark(check: &Check) -> &str {
    if check.verdict == CheckVerdict::Invalid {
        let invalid = [INVALID, INVALID_PART].into_iter();
        let why = { invalid }.find(|why| check.reason.starts_with(why));
        return why.map_or("the stage is invalid", |why| {
            why.split(';').next().unwrap_or(why)
        });
    }
    match check.reason.rsplit_once(" allowed") {
        Some((_, rest)) => rest.trim_start_matches("; "),
        None => &check.reason,
    }
}

fn verdict(verdict: CheckVerdict) -> Cell {
    match verdict {
        CheckVerdict::Pass => Cell::good("pass"),
        CheckVerdict::Inconclusive => Cell::doubtful("inconclusive"),
        CheckVerdict::Fail => Cell::bad("fail"),
        CheckVerdict::Invalid => Cell::bad("invalid"),
    }
}

fn rest(page: &mut Markup, all: usize) {
    if all > MOST_ROWS {
        let text = format!(
            "{} more are in report.json.",
            count((all - MOST_ROWS) as u64)
        );
        page.element("<p class=\"small\">", &text, "</p>\n");
    }
}

fn stages(page: &mut Markup, report: &Report) {
    let rows: Vec<Vec<Cell>> = report
        .stages
        .iter()
        .take(MOST_ROWS)
        .map(|stage| {
            let value = |metric: Metric, p: f64| {
                let summary = stage.metrics.get(&metric);
                let shown = summary.and_then(|summary| summary.at(p)).map(latency_value);
                Cell::number(shown.unwrap_or_default())
            };
            let cancelled = stage.cancel.map_or(0, |cancel| cancel.cancelled);
            let unless_none = |n: u64| if n == 0 { String::new() } else { count(n) };
            vec![
                Cell::number(stage.stage.to_string()),
                Cell::word(stage.load.to_string()),
                Cell::number(stage.offered_rate.map_or_else(String::new, amount)),
                Cell::number(amount(stage.achieved_rate)),
                Cell::number(count(stage.counts.sent)),
                Cell::number(count(stage.counts.ok())),
                Cell::number(count(stage.counts.sent - stage.counts.ok() - cancelled)),
                Cell::number(unless_none(stage.counts.not_sent)),
                Cell::number(unless_none(cancelled)),
                Cell::word(conversations(stage)),
                value(Metric::TtftScheduled, 50.0),
                value(Metric::TtftScheduled, 95.0),
                value(Metric::TtftScheduled, 99.0),
                value(Metric::Tpot, 50.0),
                value(Metric::E2eScheduled, 50.0),
                value(Metric::E2eScheduled, 99.0),
                Cell::number(tokens_out(stage)),
                Cell::number(reasoning(stage)),
                Cell::word(shortened(&adapters(stage), LONGEST_MESSAGE)),
                Cell::number(
                    stage
                        .goodput
                        .as_ref()
                        .map_or_else(String::new, |goodput| percent(goodput.ratio)),
                ),
                objective(stage),
                state(stage),
            ]
        })
        .collect();
    page.raw("<h3>Stages</h3>\n");
    let head = [
        "stage",
        "asked",
        "offered/s",
        "sent/s",
        "sent",
        "ok",
        "failed",
        "not sent",
        "given up",
        "conversations",
        "TTFT P50",
        "TTFT P95",
        "TTFT P99",
        "TPOT P50",
        "E2E P50",
        "E2E P99",
        "tokens out/s",
        "reasoning",
        "adapters",
        "goodput",
        "objectives",
        "generator",
    ];
    table(page, &head, &rows);
    rest(page, report.stages.len());
    page.raw("<p class=\"small\">TTFT and E2E count from the instant at which a request was due, so that waiting is part of them.");
    if let Some(warmup) = &report.warmup {
        page.text(&format!(
            " Before, {} requests warmed the server up ({} ok); they are in no figure.",
            count(warmup.planned),
            count(warmup.ok())
        ));
    }
    page.raw("</p>\n");
}

/// Output tokens a second, where anything is generated.
fn tokens_out(stage: &StageReport) -> String {
    match (&stage.lengths.output, stage.counts.ok()) {
        (None, 1..) => String::new(),
        _ => amount(stage.throughput.output_tokens_per_s),
    }
}

/// The share of the output tokens that were reasoning, where there were such.
fn reasoning(stage: &StageReport) -> String {
    let lengths = &stage.lengths;
    let of = lengths.reasoning.zip(lengths.output.as_ref());
    of.filter(|(reasoning, output)| *reasoning > 0 && output.total > 0)
        .map_or_else(String::new, |(reasoning, output)| {
            percent(reasoning as f64 / output.total as f64)
        })
}

/// How the conversations went, where requests are turns of such.
fn conversations(stage: &StageReport) -> String {
    stage.conversations.map_or_else(String::new, |talks| {
        format!(
            "{} begun, {} held to their end, {} failed, {} cut",
            count(talks.begun),
            count(talks.completed),
            count(talks.failed),
            count(talks.cut)
        )
    })
}

/// The requests of each adapter, where load is split.
fn adapters(stage: &StageReport) -> String {
    let adapters = stage.adapters.iter();
    let parts: Vec<String> = adapters
        .map(|(name, n)| format!("{name}: {}", count(*n)))
        .collect();
    parts.join(", ")
}

fn objective(stage: &StageReport) -> Cell {
    let worst = stage.checks.iter().map(|check| check.verdict).max();
    worst.map_or_else(|| Cell::word(""), verdict)
}

fn state(stage: &StageReport) -> Cell {
    match stage.validity.state {
        ValidityState::Valid => Cell::good("valid"),
        ValidityState::Suspect => Cell::doubtful("suspect"),
        ValidityState::Invalid => Cell::bad("invalid"),
    }
}

fn errors(page: &mut Markup, report: &Report) {
    let errors = errors_of(report);
    if errors.is_empty() {
        return;
    }
    let rows: Vec<Vec<Cell>> = errors
        .iter()
        .take(MOST_ROWS)
        .map(|error| {
            vec![
                Cell::bad(error.outcome.as_str()),
                Cell::number(
                    error
                        .status
                        .map_or_else(String::new, |status| status.to_string()),
                ),
                Cell::number(count(error.count)),
                Cell::word(shortened(&error.message, LONGEST_MESSAGE)),
            ]
        })
        .collect();
    page.raw("<h3>What failed</h3>\n");
    table(
        page,
        &["outcome", "status", "requests", "first message"],
        &rows,
    );
    rest(page, errors.len());
}

fn latencies(page: &mut Markup, report: &Report) {
    for stage in report.stages.iter().take(MOST_DETAILED) {
        let rows: Vec<Vec<Cell>> = Metric::ALL
            .into_iter()
            .filter_map(|metric| Some(latency_row(metric, stage.metrics.get(&metric)?)))
            .collect();
        if rows.is_empty() {
            continue;
        }
        if report.stages.len() > 1 {
            page.element(
                "<h3>",
                &format!("Stage {}: {}", stage.stage, stage.load),
                "</h3>\n",
            );
        } else {
            page.raw("<h3>Latencies</h3>\n");
        }
        let head = [
            "metric",
            "P50",
            "P95",
            "P99",
            "95 % interval of P99",
            "mean",
            "samples",
            "effective",
            "unreached",
        ];
        table(page, &head, &rows);
    }
    if report.stages.len() > MOST_DETAILED {
        page.raw("<p class=\"small\">Latencies of the other stages are in report.json.</p>\n");
    }
}

fn latency_row(metric: Metric, summary: &MetricSummary) -> Vec<Cell> {
    let interval = interval_of_p99(summary);
    let shown = |p: f64| Cell::number(summary.at(p).map_or_else(String::new, latency_value));
    let unreached = match summary.censored {
        0 => String::new(),
        n => count(n),
    };
    vec![
        Cell::word(metric.as_str()),
        shown(50.0),
        shown(95.0),
        shown(99.0),
        Cell::number(interval.map_or_else(String::new, |interval| {
            interval_in_words(interval).unwrap_or_else(|| "none".to_owned())
        })),
        Cell::number(
            summary
                .mean
                .map_or_else(String::new, |mean| Latency(mean).to_string()),
        ),
        Cell::number(count(summary.count)),
        Cell::number(interval.map_or_else(String::new, |interval| count(interval.n_eff as u64))),
        Cell::number(unreached),
    ]
}
