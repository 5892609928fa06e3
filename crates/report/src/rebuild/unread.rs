//! What records do not hold of token gaps.

use bench_contract::{Absent, Metric, StageReport};

use crate::derive::reason_in_streams;

/// Why there are no token gaps, and no objective on them can be judged.
const NO_READS: &str = "the records do not hold when tokens came, because report.request_lifecycle.per_request was off";

/// Why there is no `itl`, though there are reads.
const NO_TOKENS: &str = "the records hold when tokens came, but not how many each read brought (records of older versions do not), and not every report holds its token gaps";

/// Whether a metric is absent only because records do not hold it.
pub(crate) fn is_unread(absent: &Absent) -> bool {
    [NO_READS, NO_TOKENS].contains(&absent.reason.as_str())
}

/// Says why there are no token gaps, unless the run itself had none: `had` are the metrics that it had, where that is known.
pub(crate) fn say_why_no_gaps(report: &mut StageReport, had: Option<&[Metric]>, has_reads: bool) {
    for metric in [Metric::ChunkGap, Metric::Itl] {
        let reason = match (has_reads, had) {
            (_, Some(had)) if !had.contains(&metric) => continue,
            (true, None) => continue,
            (true, Some(_)) => NO_TOKENS,
            (false, _) => NO_READS,
        };
        // What is absent for another reason, for example without streams, would be absent with them too.
        let unexplained = reason_in_streams(metric);
        if let Some(absent) = report.absent.get_mut(&metric)
            && absent.reason == unexplained
        {
            absent.reason = reason.to_owned();
        }
        for check in &mut report.checks {
            if check.slo.metric.latency() == Some(metric) && check.reason == unexplained {
                check.reason = reason.to_owned();
            }
        }
    }
}
