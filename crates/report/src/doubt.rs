//! What can be said of objectives where planned requests left no record: those that take longest are the first to be missing.

use bench_contract::{Check, CheckVerdict, Metric, SloMetric};

use crate::format::count;
use crate::slo::{Evidence, allowed_share};

/// Planned requests that left no record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// All of them; at least so many where `due` is not known.
    pub(crate) planned: u64,
    /// Those that were due before the records end, at most; none where that is not known.
    pub(crate) due: Option<u64>,
}

impl Missing {
    /// Of requests that may all have been due.
    pub(crate) fn all_due(planned: u64) -> Self {
        Self {
            planned,
            due: Some(planned),
        }
    }

    /// The same of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            planned: self.planned + other.planned,
            due: self.due.zip(other.due).map(|(one, other)| one + other),
        }
    }

    fn is_nothing(self) -> bool {
        self.planned == 0 && self.due == Some(0)
    }
}

/// Takes back what does not hold whatever became of the requests that are missing. What passes without them passes only
/// perhaps. A share that is too large stays so only if it would be with all that were due counted as good. A rate is one of
/// the part that is known, and says neither.
pub(crate) fn doubt(check: &mut Check, missing: Missing) {
    let is_decided = matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::Fail);
    if missing.is_nothing() || !is_decided {
        return;
    }
    if check.verdict == CheckVerdict::Fail && fails_all_the_same(check, missing) {
        if missing.due > Some(0) {
            check
                .reason
                .push_str("; it fails whatever became of the requests that left no record");
        }
        return;
    }
    check.verdict = CheckVerdict::Inconclusive;
    let what = match missing.planned {
        0 => "but not all of the plan is here".to_owned(),
        1 => "but 1 planned request left no record".to_owned(),
        planned => format!("but {} planned requests left no record", count(planned)),
    };
    check.reason.push_str(&format!("; {what}"));
}

/// Whether an objective that fails would do so with every missing request that was due counted as good.
fn fails_all_the_same(check: &Check, missing: Missing) -> bool {
    let (Some(due), Some(share), Some(allowed)) =
        (missing.due, check.share_above, allowed_share(&check.slo))
    else {
        return false;
    };
    if due == 0 {
        return true;
    }
    // How many gaps a request has that is missing, nobody knows.
    let is_pooled = check.slo.metric.latency().is_some_and(Metric::is_pooled);
    if is_pooled || check.slo.metric == SloMetric::Throughput || check.count == 0 {
        return false;
    }
    let more = (check.count + due) as f64 / check.count as f64;
    Evidence::new(share / more, check.n_eff * more).verdict(allowed) == CheckVerdict::Fail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::rate;
    use crate::slo_shares::share_of;
    use bench_contract::Slo;

    fn slo(text: &str) -> Slo {
        serde_json::from_str(text).unwrap()
    }

    fn errors(bad: u64, of: u64) -> Check {
        let slo = slo(r#"{"metric":"error_rate","max":0.3}"#);
        share_of(&slo, (bad, of), of as f64, 0.3, "failed")
    }

    fn doubted(mut check: Check, planned: u64, due: Option<u64>) -> Check {
        doubt(&mut check, Missing { planned, due });
        check
    }

    #[test]
    fn failures_that_came_first_do_not_fail_a_run() {
        // A fifth is refused at once, and the rest takes longer than the run lived.
        let check = errors(60, 60);
        assert_eq!(check.verdict, CheckVerdict::Fail);
        let check = doubted(check, 540, Some(240));
        assert_eq!(check.verdict, CheckVerdict::Inconclusive);
        assert!(
            check
                .reason
                .ends_with("; but 540 planned requests left no record"),
            "{}",
            check.reason
        );
    }

    #[test]
    fn what_fails_whatever_became_of_the_others_has_failed() {
        let check = doubted(errors(400, 500), 600, Some(100));
        assert_eq!(check.verdict, CheckVerdict::Fail);
        assert!(check.reason.contains("whatever became"), "{}", check.reason);
        // What was not due yet changes nothing of what was.
        let before = errors(400, 500);
        assert_eq!(doubted(before.clone(), 600, Some(0)), before);
        let check = doubted(errors(400, 500), 0, None);
        assert_eq!(check.verdict, CheckVerdict::Inconclusive);
    }

    #[test]
    fn a_rate_of_a_part_decides_nothing() {
        let slo = slo(r#"{"metric":"throughput","min":100}"#);
        for observed in [50.0, 150.0] {
            let check = doubted(rate(&slo, 10, 100.0, observed), 5, Some(5));
            assert_eq!(check.verdict, CheckVerdict::Inconclusive);
        }
    }

    #[test]
    fn with_every_request_there_nothing_changes() {
        for check in [errors(0, 100), errors(400, 500)] {
            assert_eq!(doubted(check.clone(), 0, Some(0)), check);
        }
    }
}
