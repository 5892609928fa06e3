//! A row a stage, metric and percentile.

use bench_contract::{LatencyValue, Metric, MetricSummary, Percentile, Report, StageReport};

use super::{Cell, RowFormat, head, row};

/// What a cell is made of.
struct Point<'a> {
    report: &'a Report,
    stage: &'a StageReport,
    metric: Metric,
    summary: &'a MetricSummary,
    percentile: &'a Percentile,
}

type Column = (&'static str, fn(&Point<'_>) -> Cell);

/// Every column, in order. New ones come last.
const COLUMNS: [Column; 23] = [
    ("run", |one| Cell::Text(one.report.run.id.clone())),
    ("stage", |one| Cell::Integer(one.stage.stage.into())),
    ("load_type", |one| {
        Cell::Text(one.stage.load.kind.as_str().to_owned())
    }),
    ("load_rate_per_s", |one| Cell::number(one.stage.load.rate)),
    ("load_end_rate_per_s", |one| {
        Cell::number(one.stage.load.end_rate)
    }),
    ("load_concurrency", |one| {
        Cell::integer(one.stage.load.concurrency)
    }),
    ("duration_s", |one| Cell::Number(one.stage.duration_s)),
    ("offered_rate_per_s", |one| {
        Cell::number(one.stage.offered_rate)
    }),
    ("achieved_rate_per_s", |one| {
        Cell::Number(one.stage.achieved_rate)
    }),
    ("planned", |one| Cell::Integer(one.stage.counts.planned)),
    ("ok", |one| Cell::Integer(one.stage.counts.ok())),
    ("output_tokens_per_s", |one| {
        Cell::Number(one.stage.throughput.output_tokens_per_s)
    }),
    ("goodput_share", |one| {
        Cell::number(one.stage.goodput.as_ref().map(|goodput| goodput.ratio))
    }),
    ("validity", |one| {
        let state = serde_json::to_value(one.stage.validity.state);
        Cell::text(state.ok().as_ref().and_then(serde_json::Value::as_str))
    }),
    ("metric", |one| Cell::Text(one.metric.as_str().to_owned())),
    ("count", |one| Cell::Integer(one.summary.count)),
    ("censored", |one| Cell::Integer(one.summary.censored)),
    ("mean_s", |one| Cell::number(one.summary.mean)),
    ("percentile", |one| Cell::Number(one.percentile.p)),
    ("value_s", |one| match one.percentile.value {
        LatencyValue::Seconds(seconds) => Cell::Number(seconds),
        LatencyValue::Censored { censored_above } => Cell::Never(censored_above),
    }),
    ("lower_s", |one| Cell::number(one.interval(|it| it.lower))),
    ("upper_s", |one| Cell::number(one.interval(|it| it.upper))),
    ("n_eff", |one| {
        Cell::number(one.interval(|it| Some(it.n_eff)))
    }),
];

impl Point<'_> {
    fn interval(&self, of: impl Fn(&bench_contract::Interval) -> Option<f64>) -> Option<f64> {
        of(self.percentile.interval.as_ref()?)
    }
}

/// The names of the columns, in order.
pub fn columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(name, _)| *name)
}

/// The latencies of a report: one row a stage, metric and percentile.
#[must_use]
pub fn stage_rows(report: &Report, format: RowFormat) -> String {
    let mut text = head(columns(), format);
    for stage in &report.stages {
        for (&metric, summary) in &stage.metrics {
            for percentile in &summary.percentiles {
                let point = Point {
                    report,
                    stage,
                    metric,
                    summary,
                    percentile,
                };
                let cells = COLUMNS.iter().map(|(name, of)| (*name, of(&point)));
                row(&mut text, cells, format);
            }
        }
    }
    text
}
