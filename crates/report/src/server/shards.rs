//! The server's metrics of a run that several shards have sent.

use bench_contract::{Report, ServerMetrics};

use super::stage::remark;

/// Each shard has read all of the server, so that the first that has is taken and nothing is added; only the tokens that came
/// are those of all shards, unless `some_are_missing`.
pub(crate) fn of_shards(reports: &[Report], some_are_missing: bool) -> Option<ServerMetrics> {
    let with_metrics = reports.iter().enumerate();
    let mut found = with_metrics.filter_map(|(place, report)| {
        let metrics = report.server_metrics.as_ref()?;
        (!metrics.stages.is_empty()).then_some((place, metrics))
    });
    let Some((place, metrics)) = found.next() else {
        // Why it could not be read is still worth knowing.
        return reports.first()?.server_metrics.clone();
    };
    let mut metrics = metrics.clone();
    if place > 0 {
        // Its instants count from another origin.
        metrics.series = None;
    }
    for stage in &mut metrics.stages {
        let number = stage.stage;
        let tokens = reports.iter().map(|report| {
            let metrics = report.server_metrics.as_ref()?;
            Some(metrics.stage(number)?.client_tokens)
        });
        let tokens: Option<u64> = tokens.sum();
        match tokens.filter(|_| !some_are_missing) {
            Some(tokens) => stage.client_tokens = tokens,
            None => stage.is_covered = false,
        }
        let stages = reports.iter().flat_map(|report| &report.stages);
        let own = stages.filter(|report| report.stage == number);
        let unsuccessful = own.map(|report| report.counts.sent - report.counts.ok());
        stage.remark = remark(stage, unsuccessful.sum());
    }
    Some(metrics)
}
