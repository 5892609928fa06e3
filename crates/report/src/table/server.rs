//! What the server says of itself.

use bench_contract::{Gauge, Report, ServerStage, StageReport};

use super::text::{Page, Tone};
use crate::format::{amount, count, level, percent};

/// What the server says of a stage that has a block of its own.
pub(super) fn line(page: &mut Page, report: &Report, stage: &StageReport) {
    let metrics = report.server_metrics.as_ref();
    let Some(found) = metrics.and_then(|metrics| metrics.stage(stage.stage)) else {
        return;
    };
    let gauge = |name: &str, gauge: Option<Gauge>| {
        let gauge = gauge?;
        Some(format!(
            "{name} {} (max {})",
            level(gauge.mean),
            level(gauge.max)
        ))
    };
    let mut parts: Vec<String> = Vec::new();
    parts.extend(gauge("running", found.running));
    parts.extend(gauge("waiting", found.waiting));
    parts.extend(
        found
            .kv_usage
            .map(|usage| format!("KV cache {} at most", percent(usage.max))),
    );
    parts.extend(found.preemptions.filter(|n| *n > 0).map(|n| match n {
        1 => "1 preemption".to_owned(),
        n => format!("{} preemptions", count(n)),
    }));
    parts.extend(
        found
            .prefix_hit_rate
            .map(|rate| format!("prefix hits {}", percent(rate))),
    );
    parts.extend(
        found
            .generation_tokens_per_s
            .map(|rate| format!("{} output tokens/s by its own count", amount(rate))),
    );
    if !parts.is_empty() {
        page.labelled("server", &parts.join(", "));
    }
    if let Some(remark) = &found.remark {
        page.labelled_in("note", Some(Tone::Doubtful), remark);
    }
}

/// The same of many stages, one a row.
pub(super) fn rows(page: &mut Page, report: &Report) {
    let metrics = report.server_metrics.as_ref();
    let Some(metrics) = metrics.filter(|metrics| !metrics.stages.is_empty()) else {
        return;
    };
    let top = [
        "", "running", "running", "waiting", "waiting", "KV", "preemp-", "prefix", "tokens",
    ];
    let bottom = [
        "server", "mean", "max", "mean", "max", "max", "tions", "hits", "out/s",
    ];
    let mut rows = vec![
        top.map(str::to_owned).to_vec(),
        bottom.map(str::to_owned).to_vec(),
    ];
    rows.extend(metrics.stages.iter().map(row));
    page.gap();
    page.table(&rows, 1, "");
    for stage in &metrics.stages {
        if let Some(remark) = &stage.remark {
            let text = format!("stage {}: {remark}", stage.stage);
            page.labelled_in("note", Some(Tone::Doubtful), &text);
        }
    }
}

fn row(stage: &ServerStage) -> Vec<String> {
    let shown = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        stage.stage.to_string(),
        shown(stage.running.map(|gauge| level(gauge.mean))),
        shown(stage.running.map(|gauge| level(gauge.max))),
        shown(stage.waiting.map(|gauge| level(gauge.mean))),
        shown(stage.waiting.map(|gauge| level(gauge.max))),
        shown(stage.kv_usage.map(|gauge| percent(gauge.max))),
        shown(stage.preemptions.map(count)),
        shown(stage.prefix_hit_rate.map(percent)),
        shown(stage.generation_tokens_per_s.map(amount)),
    ]
}

/// What could not be read.
pub(super) fn problems(page: &mut Page, report: &Report) {
    let metrics = report.server_metrics.iter();
    for problem in metrics.flat_map(|metrics| &metrics.problems) {
        page.labelled("server", problem);
    }
}
