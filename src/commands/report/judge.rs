//! `benchctl report judge`.

use std::path::Path;

use bench_contract::{
    Check, CheckVerdict, Config, ExitCode, FailOn, Place, Report, RunStatus, ValidityState,
};
use bench_report::{Rebuild, Settings, junit, outcome, rejudged, table};
use bench_yaml::{Diagnostic, Source, Span};
use serde_json::json;

use super::super::files::write_all;
use super::objectives::apply;
use super::read::{Found, find};
use super::records::{COPY_RECORDS, fill, refused};
use super::show::style;
use super::{BAD_RECORDS, OBJECTIVES};
use crate::messages;
use crate::output::{Failure, MessageFormat, Output};
use crate::values::read_text;

/// What did not happen.
const CONSEQUENCE: &str = "nothing was judged";

/// Judges the run at `path` by the objectives of `slo`, or by its own.
pub(super) fn run(
    path: &str,
    slo: Option<&str>,
    fail_on: Option<&[FailOn]>,
    xml: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    if path == "-" && slo == Some("-") {
        return Err(Failure::usage(
            "report and objectives cannot both come from standard input",
            "name a file for one of them",
        ));
    }
    let found = find(path, CONSEQUENCE)?;
    let settings = settings(&found, slo, output)?;
    let judged = judge(&found, &settings, fail_on.unwrap_or(&FailOn::ALL), output)?;
    if let Some(file) = xml {
        write_all(&[(file.to_owned(), junit::xml(&judged))])?;
        output.note(&format!("wrote {}", file.display()));
    }
    output.data(&match output.format() {
        MessageFormat::Human => table::judgement(&judged, style(output)),
        MessageFormat::Json => lines(&judged),
        MessageFormat::Github => annotations(&judged),
    })?;
    match ExitCode::from_code(judged.verdict.exit_code) {
        Some(ExitCode::Done) => Ok(()),
        code => Err(Failure::Verdict(code.unwrap_or(ExitCode::Failed))),
    }
}

/// What the run is judged by.
fn settings(found: &Found, slo: Option<&str>, output: &Output) -> Result<Settings, Failure> {
    let config = serde_json::from_value(found.report.config.clone());
    let mut config: Config = config.map_err(|error| {
        let error = bench_report::RebuildError::Config(error.to_string());
        Failure::of(vec![refused(&found.name, &error)], CONSEQUENCE)
    })?;
    match slo {
        Some(file) => {
            let source = read_text(file, "objectives");
            let source = source.map_err(|problem| Failure::of(vec![*problem], CONSEQUENCE))?;
            let warnings = apply(&source, &mut config)
                .map_err(|problems| Failure::of(problems, CONSEQUENCE))?;
            output.warn(&warnings);
        }
        None if config.slo.is_empty() => {
            let problem = Diagnostic::error(OBJECTIVES, "the run has no objectives of its own")
                .at(&Source::unread(&found.name), Span::default())
                .help("name a file that has some: --slo slo.yaml");
            return Err(Failure::of(vec![problem], CONSEQUENCE));
        }
        None => {}
    }
    Ok(Settings::from_config(&config))
}

/// From the records where they are there, else from what the report holds.
fn judge(
    found: &Found,
    settings: &Settings,
    fail_on: &[FailOn],
    output: &Output,
) -> Result<Report, Failure> {
    let is_unfinished = found.report.run.status == RunStatus::Unfinished;
    if let Some(records) = found.records(CONSEQUENCE)? {
        // Whether it can be computed here at all is asked first.
        Rebuild::new(found.report.clone())
            .map_err(|error| Failure::of(vec![refused(&found.name, &error)], CONSEQUENCE))?;
        let rebuild = Rebuild::with(found.report.clone(), settings.clone());
        let rebuilt = fill(rebuild, &found.name, records, fail_on, CONSEQUENCE)?;
        if is_unfinished || rebuilt.missing.is_empty() {
            return Ok(rebuilt.report);
        }
        output.note(&format!(
            "{}: {}; judged by report.json alone",
            found.records_name(),
            rebuilt.missing.join("; ")
        ));
    } else if is_unfinished {
        let problem = Diagnostic::error(
            BAD_RECORDS,
            "the run has not ended, and there are no records beside this report: it holds no figures",
        );
        let problem = problem
            .at(&Source::unread(&found.name), Span::default())
            .help(COPY_RECORDS);
        return Err(Failure::of(vec![problem], CONSEQUENCE));
    }
    rejudged(found.report.clone(), settings, fail_on)
        .map_err(|error| Failure::of(vec![refused(&found.name, &error)], CONSEQUENCE))
}

/// One object a verdict, and one for all of them. The stage of what was judged on the whole run is null.
fn lines(report: &Report) -> String {
    let mut lines = String::new();
    for (place, check) in report.judged() {
        let line = json!({"run": report.run.id, "stage": place.stage(), "objective": check.slo.describe(), "check": check});
        lines.push_str(&format!("{line}\n"));
    }
    let line = json!({"run": report.run.id, "verdict": report.verdict});
    lines + &format!("{line}\n")
}

/// Annotations of one kind that GitHub shows of a step; it drops those that come later.
const MOST_OF_A_KIND: usize = 10;

/// One annotation for the verdict, first, and one for each objective, as many as are shown.
fn annotations(report: &Report) -> String {
    let annotation = |word: &str, title: &str, text: &str| {
        let (title, text) = (messages::property(title), messages::escape(text));
        format!("::{word} title={title}::{text}\n")
    };
    let code = ExitCode::from_code(report.verdict.exit_code).unwrap_or(ExitCode::Failed);
    let overall = match (code, report.verdict.validity, report.verdict.slo) {
        (ExitCode::Done, ValidityState::Valid, None | Some(CheckVerdict::Pass)) => "notice",
        (ExitCode::Done | ExitCode::SloInconclusive, ..) => "warning",
        (..) => "error",
    };
    let title = format!("{}: {}", report.run.id, outcome(report));
    let mut text = annotation(overall, &title, &report.verdict.reasons.join("\n"));
    // What did not pass comes first, since what is too much is not shown.
    for (verdict, word, said) in [
        (CheckVerdict::Fail, "error", "failed"),
        (CheckVerdict::Invalid, "error", "invalid"),
        (CheckVerdict::Inconclusive, "warning", "inconclusive"),
        (CheckVerdict::Pass, "notice", "passed"),
    ] {
        let found: Vec<(Place<'_>, &Check)> = report
            .judged()
            .filter(|(_, check)| check.verdict == verdict)
            .collect();
        let prefix = format!("::{word} ");
        let used = text
            .lines()
            .filter(|line| line.starts_with(&prefix))
            .count();
        let room = MOST_OF_A_KIND.saturating_sub(used);
        let shown = if found.len() <= room {
            found.len()
        } else {
            room.saturating_sub(1)
        };
        for (place, check) in &found[..shown] {
            let title = format!("SLO {said}: {}", check.slo.describe());
            let reason = format!("{place} of {}: {}", report.run.id, check.reason);
            text.push_str(&annotation(word, &title, &reason));
        }
        let rest = found.len() - shown;
        if rest > 0 && room > 0 {
            let title = format!("and {rest} more SLOs {said}");
            let reason = format!(
                "GitHub shows no more than {MOST_OF_A_KIND} annotations of a kind; `benchctl report judge` without --message-format has all of {}",
                report.run.id
            );
            text.push_str(&annotation(word, &title, &reason));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use bench_contract::{NotBegun, StageLoad};

    use super::*;

    /// A report whose objectives have these verdicts.
    fn report(verdicts: &[(CheckVerdict, usize)]) -> Report {
        let text = include_str!("../../../tests/cases/report-judge/results/report.json");
        let mut report: Report = serde_json::from_str(text).unwrap();
        let check = |verdict: CheckVerdict| Check {
            slo: serde_json::from_value(json!({"metric": "error_rate", "max": 0.1})).unwrap(),
            verdict,
            observed: None,
            count: 1,
            n_eff: 1.0,
            share_above: None,
            share_lower: None,
            share_upper: None,
            reason: "because".to_owned(),
        };
        report.stages.clear();
        report.checks.clear();
        let checks = verdicts.iter().flat_map(|&(verdict, times)| {
            std::iter::repeat_with(move || check(verdict)).take(times)
        });
        report.not_begun = vec![NotBegun {
            stage: 0,
            load: StageLoad::default(),
            planned: None,
            checks: checks.collect(),
        }];
        report
    }

    #[test]
    fn no_more_annotations_are_written_than_are_shown_and_the_verdict_stands_first() {
        let mut report = report(&[
            (CheckVerdict::Pass, 30),
            (CheckVerdict::Inconclusive, 10),
            (CheckVerdict::Fail, 12),
        ]);
        report.verdict.exit_code = 4;
        report.verdict.slo = Some(CheckVerdict::Fail);
        let text = annotations(&report);
        let of = |word: &str| -> Vec<&str> {
            let start = format!("::{word} ");
            text.lines()
                .filter(|line| line.starts_with(&start))
                .collect()
        };
        let (errors, warnings, notices) = (of("error"), of("warning"), of("notice"));
        assert_eq!((errors.len(), warnings.len(), notices.len()), (10, 10, 10));
        assert!(
            text.lines().next().unwrap().contains("exit code 4"),
            "{text}"
        );
        assert!(
            errors[9].contains("and 4 more SLOs failed"),
            "{}",
            errors[9]
        );
        assert!(!text.contains("more SLOs inconclusive"), "{text}");
        assert!(
            notices[9].contains("and 21 more SLOs passed"),
            "{}",
            notices[9]
        );
    }
}
