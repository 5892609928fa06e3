//! What the server says of one stage.

use bench_contract::{Gauge, ServerStage, StageReport};

use super::gauges::{Bins, Of, gauge};
use super::line::{GRACE_NS, Line, Span};
use super::{Counter, SECOND, ServerReads};
use crate::format::{count, digits, percent};

/// Bins of a stage, at most.
const MOST_BINS: f64 = 600.0;

/// By so much the server's count of output tokens may differ from the client's before it is said.
const TOLERANCE: f64 = 0.02;

/// Each stage, with what the client knows of it. `all_read` is whether every address was read at all.
pub(super) fn stages(
    lines: &[Line<'_>],
    reads: &ServerReads,
    stages: &[(&StageReport, u64)],
    all_read: bool,
) -> Vec<ServerStage> {
    let origin = |stage: &StageReport| ns(stage.origin_s);
    let end = |stage: &StageReport| ns(stage.origin_s + stage.duration_s);
    let mut quiet_from_ns = reads.warmed_up_ns;
    let mut found = Vec::with_capacity(stages.len());
    for (place, (report, client_tokens)) in stages.iter().enumerate() {
        let next = stages.get(place + 1);
        let span = Span {
            quiet_from_ns,
            origin_ns: origin(report),
            end_ns: end(report),
            quiet_to_ns: next.map_or(u64::MAX, |(next, _)| origin(next) + GRACE_NS),
        };
        quiet_from_ns = span.end_ns;
        found.push(stage(
            lines,
            reads.interval_s,
            span,
            report,
            *client_tokens,
            all_read,
        ));
    }
    found
}

fn ns(seconds: f64) -> u64 {
    // To the microsecond: a float in seconds may lie a nanosecond beside.
    (seconds * 1e6).round() as u64 * 1000
}

fn stage(
    lines: &[Line<'_>],
    interval_s: f64,
    span: Span,
    report: &StageReport,
    client_tokens: u64,
    all_read: bool,
) -> ServerStage {
    let (from, to) = (span.origin_ns as f64, span.end_ns as f64);
    let wanted = (to - from) / (interval_s.max(0.001) * SECOND);
    let bins = wanted.floor().clamp(1.0, MOST_BINS);
    let bins = Bins {
        from_ns: from,
        width_ns: (to - from).max(1.0) / bins,
        count: bins as usize,
    };
    let over = |of: Of| over_stage(&gauge(lines, of, bins, interval_s));

    let there: Vec<(&Line<'_>, _)> = lines
        .iter()
        .filter(|line| line.was_there(from, to))
        .map(|line| (line, line.edges(span)))
        .collect();
    let is_covered = all_read
        && !there.is_empty()
        && there
            .iter()
            .all(|(line, (start, end))| !line.is_mixed && start.is_known() && end.is_known());
    let increase = |counter: Counter| {
        let parts = there.iter().filter_map(|(line, (start, end))| {
            let (start, end) = (
                line.grown_to(counter, *start)?,
                line.grown_to(counter, *end)?,
            );
            Some(f64::max(end - start, 0.0))
        });
        parts.reduce(|a, b| a + b)
    };
    let whole = |counter: Counter| increase(counter).map(|value| value.round() as u64);
    let queries = increase(Counter::CacheQueries).filter(|queries| *queries > 0.0);
    let hits = increase(Counter::CacheHits);
    let counted = hits
        .zip(queries)
        .map(|(hits, queries)| (hits / queries).min(1.0));
    let generation_tokens = whole(Counter::GenerationTokens);
    let window_s = report.throughput.window_s;
    let mut found = ServerStage {
        stage: report.stage,
        running: over(Of::Running),
        waiting: over(Of::Waiting),
        kv_usage: over(Of::KvUsage),
        preemptions: whole(Counter::Preemptions),
        prefix_hit_rate: match hits {
            Some(_) => counted.map(digits),
            None => over(Of::HitRate).map(|rate| rate.mean),
        },
        prompt_tokens: whole(Counter::PromptTokens),
        generation_tokens,
        generation_tokens_per_s: generation_tokens
            .filter(|_| window_s > 0.0)
            .map(|tokens| digits(tokens as f64 / window_s)),
        client_tokens,
        is_covered,
        remark: None,
    };
    found.remark = remark(&found, report.counts.sent - report.counts.ok());
    found
}

fn over_stage(bins: &[Option<super::Combined>]) -> Option<Gauge> {
    let known = || bins.iter().flatten();
    let count = known().count();
    (count > 0).then(|| Gauge {
        mean: digits(known().map(|bin| bin.mean).sum::<f64>() / count as f64),
        max: digits(known().map(|bin| bin.max).fold(f64::NEG_INFINITY, f64::max)),
    })
}

/// What differs between the two counts of output tokens; `unsuccessful` requests were sent and did not succeed.
pub(super) fn remark(stage: &ServerStage, unsuccessful: u64) -> Option<String> {
    let server = stage.generation_tokens.filter(|_| stage.is_covered)?;
    let client = stage.client_tokens;
    let greater = server.max(client) as f64;
    let share = server.abs_diff(client) as f64 / greater.max(1.0);
    if share <= TOLERANCE {
        return None;
    }
    let counts = format!("{} beside {}", count(server), count(client));
    if server < client {
        return Some(format!(
            "the server counts {} fewer output tokens than came ({counts}): not every server that answered was read, or it counts otherwise",
            percent(share)
        ));
    }
    let of_failures = match unsuccessful {
        0 => String::new(),
        n => format!(
            ", or these are tokens of the {} requests that did not succeed",
            count(n)
        ),
    };
    Some(format!(
        "{} of the output tokens that the server counts did not come here ({counts}): somebody else loads it, or requests are sent twice on their way{of_failures}",
        percent(share)
    ))
}
