//! The verdict over all stages, and the exit code.

use bench_contract::{
    Check, CheckVerdict, ExitCode, FailOn, NotBegun, Report, StageReport, ValidityState, Verdict,
};

use crate::binomial::at_least;
use crate::interval::TAIL;
use crate::slo::allowed_share;
use crate::whole::left_open;

/// What decides the verdict of a run beside the stages that ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunEnd {
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// What failed outside the measurement: uploads, files.
    pub failed: Vec<String>,
    /// Stages that did not begin.
    pub not_begun: Vec<NotBegun>,
    /// The objectives of the whole run.
    pub whole: Vec<Check>,
}

impl RunEnd {
    /// How the run of a report ended.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self {
            interrupted: report.run.interrupted,
            failed: report.run.failed.clone(),
            not_begun: report.not_begun.clone(),
            whole: report.checks.clone(),
        }
    }
}

/// Corrects the failures of all stages for the number of objectives that were judged (Holm, 1979): what fails on its own
/// and not after the correction becomes inconclusive, with the reason. All must pass for a pass, which needs no
/// correction. Calling it twice changes nothing.
pub fn correct(stages: &mut [StageReport]) {
    correct_all(stages, &mut []);
}

/// The same of all stages and of the whole run.
pub(crate) fn correct_all(stages: &mut [StageReport], whole: &mut [Check]) {
    let of_stages = stages.iter_mut().flat_map(|stage| &mut stage.checks);
    correct_checks(&mut of_stages.chain(whole).collect::<Vec<_>>());
}

/// What is said of a failure that the correction takes back, before the number of objectives.
pub(crate) const NOT_AMONG: &str = "; fails on its own, but not among ";

pub(crate) fn correct_checks(checks: &mut [&mut Check]) {
    let tested = checks
        .iter()
        .filter(|check| p_value(check).is_some())
        .count();
    let survives = holm(
        &checks
            .iter()
            .map(|check| p_value(check))
            .collect::<Vec<_>>(),
        TAIL,
    );
    for (check, survives) in checks.iter_mut().zip(survives) {
        if check.verdict == CheckVerdict::Fail && !survives {
            check.verdict = CheckVerdict::Inconclusive;
            check
                .reason
                .push_str(&format!("{NOT_AMONG}{tested} objectives (Holm)"));
        }
    }
}

/// The probability of a share at least as bad as the one seen, if the objective were just met; `None` for an objective
/// that is compared as it is, or was not judged.
fn p_value(check: &Check) -> Option<f64> {
    let judged = matches!(
        check.verdict,
        CheckVerdict::Pass | CheckVerdict::Fail | CheckVerdict::Inconclusive
    );
    let (share, allowed) = (check.share_above?, allowed_share(&check.slo)?);
    (judged && check.n_eff > 0.0).then(|| at_least(share * check.n_eff, check.n_eff, allowed))
}

/// For each p-value whether its hypothesis is rejected by Holm's procedure, all of them together at `level`; what has none
/// counts as rejected.
pub(crate) fn holm(p_values: &[Option<f64>], level: f64) -> Vec<bool> {
    let mut order: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(place, p)| Some((place, (*p)?)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut survives: Vec<bool> = p_values.iter().map(Option::is_none).collect();
    for (rank, &(place, p)) in order.iter().enumerate() {
        if p > level / (order.len() - rank) as f64 {
            break;
        }
        survives[place] = true;
    }
    survives
}

/// The verdict over `stages`, and the exit code. `fail_on` names the classes that make it other than 0; what is left
/// out is still among the reasons.
#[must_use]
pub fn verdict(stages: &[StageReport], end: &RunEnd, fail_on: &[FailOn]) -> Verdict {
    let (mut corrected, mut whole) = (stages.to_vec(), end.whole.clone());
    correct_all(&mut corrected, &mut whole);
    let mut statements = Vec::new();
    if end.interrupted {
        statements.push((
            ExitCode::Interrupted,
            "the run was interrupted: its results are partial".to_owned(),
        ));
    }
    if stages.iter().all(|stage| stage.counts.ok() == 0) {
        let planned: u64 = stages.iter().map(|stage| stage.counts.planned).sum();
        let text = if planned == 0 {
            "no request was made".to_owned()
        } else {
            format!("none of {planned} requests succeeded")
        };
        statements.push((ExitCode::NoneSucceeded, text));
    }
    for stage in &corrected {
        for reason in &stage.validity.reasons {
            match stage.validity.state {
                ValidityState::Invalid => {
                    statements.push((
                        ExitCode::MeasurementInvalid,
                        format!("stage {} is invalid: {reason}", stage.stage),
                    ));
                }
                ValidityState::Suspect => {
                    statements.push((
                        ExitCode::Done,
                        format!("stage {} is suspect: {reason}", stage.stage),
                    ));
                }
                ValidityState::Valid => {}
            }
        }
        let place = format!("stage {}", stage.stage);
        statements.extend(stage.checks.iter().filter_map(|it| statement(&place, it)));
    }
    statements.extend(
        whole
            .iter()
            .filter_map(|check| statement("whole run", check)),
    );
    let open = left_open(&end.not_begun);
    statements.extend(open.map(|text| (ExitCode::SloInconclusive, text)));
    statements.extend(
        end.failed
            .iter()
            .map(|failure| (ExitCode::Failed, failure.clone())),
    );

    let counts = |code: ExitCode| {
        matches!(code, ExitCode::Interrupted | ExitCode::NoneSucceeded)
            || fail_on.iter().any(|class| class.code() == code)
    };
    let codes: Vec<ExitCode> = statements
        .iter()
        .map(|(code, _)| *code)
        .filter(|&code| counts(code))
        .collect();
    let of_stages = corrected.iter().flat_map(|stage| &stage.checks);
    let of_rest = end.not_begun.iter().flat_map(|stage| &stage.checks);
    let slo = overall(of_stages.chain(of_rest).chain(&whole));
    let mut reasons = in_precedence(statements);
    if reasons.is_empty() {
        reasons.push(
            if slo.is_some() {
                "every SLO passed"
            } else {
                "no SLO is set"
            }
            .to_owned(),
        );
    }
    Verdict {
        slo,
        validity: stages
            .iter()
            .map(|stage| stage.validity.state)
            .max()
            .unwrap_or(ValidityState::Valid),
        exit_code: ExitCode::first_of(&codes).code(),
        reasons,
    }
}

/// What there is to say of an objective that did not pass, and the exit code that it stands for.
fn statement(place: &str, check: &Check) -> Option<(ExitCode, String)> {
    let (code, word) = match check.verdict {
        CheckVerdict::Pass | CheckVerdict::Invalid => return None,
        CheckVerdict::Fail => (ExitCode::SloFailed, "failed"),
        CheckVerdict::Inconclusive => (ExitCode::SloInconclusive, "is inconclusive"),
    };
    let text = format!("{place}: {} {word}: {}", check.slo.describe(), check.reason);
    Some((code, text))
}

/// Statements in the order in which exit codes win.
fn in_precedence(statements: Vec<(ExitCode, String)>) -> Vec<String> {
    let mut ordered = Vec::with_capacity(statements.len());
    let mut rest = statements;
    while !rest.is_empty() {
        let codes: Vec<ExitCode> = rest.iter().map(|(code, _)| *code).collect();
        let first = ExitCode::first_of(&codes);
        let (now, later): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(code, _)| *code == first);
        ordered.extend(now.into_iter().map(|(_, text)| text));
        rest = later;
    }
    ordered
}

/// A failure anywhere fails; else an invalid stage decides; else all must pass.
fn overall<'a>(checks: impl Iterator<Item = &'a Check>) -> Option<CheckVerdict> {
    let verdicts: Vec<CheckVerdict> = checks.map(|check| check.verdict).collect();
    [
        CheckVerdict::Fail,
        CheckVerdict::Invalid,
        CheckVerdict::Inconclusive,
        CheckVerdict::Pass,
    ]
    .into_iter()
    .find(|verdict| verdicts.contains(verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_is_known() {
        // Of the four, 0.001 <= 0.025/4 and 0.008 <= 0.025/3; 0.02 > 0.025/2 ends it.
        let p = [Some(0.02), Some(0.001), None, Some(0.9), Some(0.008)];
        assert_eq!(holm(&p, TAIL), [false, true, true, false, true]);
        assert_eq!(holm(&[], TAIL), [true; 0]);
    }
}
