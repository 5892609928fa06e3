//! The table for a terminal, as text: what a person wants to see first stands last, nearest to the prompt.

mod overview;
mod server;
mod stage;
mod text;

pub(crate) use stage::interval_of_p99;

use std::collections::BTreeMap;

use bench_contract::{
    Check, CheckVerdict, ErrorSample, MergeKind, Outcome, Place, Report, RunStatus,
};

use crate::format::count;
use crate::headline::{Headline, outcome};
use crate::whole::left_open;

use text::{Page, Tone, cut};

/// Stages up to which each has a block of its own; more are shown one a row.
const MOST_BLOCKS: usize = 3;

/// Kinds of failures that are shown.
const MOST_ERRORS: usize = 10;

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether verdicts are coloured with ANSI sequences.
    pub color: bool,
    /// Columns to fit into, where words are short enough; 100 suits the layout.
    pub width: usize,
}

impl Style {
    /// What suits the standard output: colour on a terminal unless `NO_COLOR` is set, 100 columns. The one function of
    /// this crate that looks at the process.
    #[must_use]
    pub fn for_stdout() -> Self {
        use std::io::IsTerminal;
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            color: std::io::stdout().is_terminal() && !plain,
            width: 100,
        }
    }
}

/// Rows as aligned columns, two blanks apart; the first `left` columns start at the left, the others end at the right.
#[must_use]
pub fn columns(rows: &[Vec<String>], left: usize) -> String {
    let mut page = Page::new(Style {
        color: false,
        width: usize::MAX,
    });
    page.table(rows, left, "");
    page.finish()
}

/// A report as a table: the run, each stage, errors with a sample message, objectives, and last the verdict with its exit
/// code.
#[must_use]
pub fn report(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, report);
    if report.run.status == RunStatus::Unfinished {
        page.gap();
        begun(&mut page, report);
    } else if report.stages.len() <= MOST_BLOCKS {
        for stage in &report.stages {
            page.gap();
            stage::block(&mut page, stage);
            server::line(&mut page, report, stage);
        }
    } else {
        page.gap();
        overview::rows(&mut page, &report.stages);
        server::rows(&mut page, report);
    }
    server::problems(&mut page, report);
    errors(&mut page, report, style.width);
    objectives(&mut page, report);
    page.gap();
    verdict(&mut page, report);
    page.finish()
}

/// What is known of a run that has not ended: its stages and their requests. Figures are in its records alone.
fn begun(page: &mut Page, report: &Report) {
    for stage in &report.stages {
        let counts = &stage.counts;
        let of = match (counts.sent, counts.planned) {
            (0, 0) => "going on".to_owned(),
            (0, planned) => format!("going on, {} requests planned", count(planned)),
            (sent, _) => format!(
                "ended, {} requests sent, {} ok, {} not sent",
                count(sent),
                count(counts.ok()),
                count(counts.not_sent)
            ),
        };
        page.labelled(
            &format!("stage {}", stage.stage),
            &format!("{}: {of}", stage.load),
        );
    }
    for stage in &report.not_begun {
        let text = format!("{}: not begun", stage.load);
        page.labelled(&format!("stage {}", stage.stage), &text);
    }
    let text = "not known: they are in the records (requests.jsonl.zst), which are not here";
    page.labelled("figures", text);
}

/// The judgement of a report alone: each objective with its reason, and last the verdict with its exit code.
#[must_use]
pub fn judgement(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    let title = format!("run {}", report.run.id);
    let title = page.paint(&title, Tone::Heading);
    page.line(&title);
    partial(&mut page, report);
    objectives(&mut page, report);
    page.gap();
    verdict(&mut page, report);
    page.finish()
}

fn head(page: &mut Page, report: &Report) {
    let title = format!(
        "{} {}, run {}",
        report.tool.name, report.tool.version, report.run.id
    );
    let title = page.paint(&title, Tone::Heading);
    page.line(&title);
    let target = &report.target;
    let streamed = if target.streaming {
        "streamed"
    } else {
        "not streamed"
    };
    page.labelled(
        "target",
        &format!(
            "{} at {} ({}, {}, {streamed}); seed {}",
            target.model, target.base_url, target.server_type, target.api, report.run.seed
        ),
    );
    if let Some(merged) = &report.run.merged {
        let what = match merged.kind {
            MergeKind::Shards => "shards",
            MergeKind::Repeats => "repeats",
        };
        let text = format!("{} {what}: {}", merged.of.len(), merged.of.join(", "));
        page.labelled("merged", &text);
        for doubt in &merged.doubts {
            page.labelled("in doubt", doubt);
        }
    }
    partial(page, report);
    if let Some(step) = report.run.wall_clock_step_s {
        let text = format!(
            "the wall clock was set by {step:+.1} s while the run went on: no latency knows of it, times in the server's log do"
        );
        page.labelled("note", &text);
    }
    if let Some(warmup) = &report.warmup {
        page.labelled(
            "warm-up",
            &format!(
                "{} requests, {} ok; in no other figure",
                count(warmup.planned),
                count(warmup.ok())
            ),
        );
    }
}

fn partial(page: &mut Page, report: &Report) {
    if report.run.status != RunStatus::Complete {
        let because = report.run.partial_because.join("; ");
        page.labelled_in(
            "partial",
            Some(Tone::Doubtful),
            if because.is_empty() {
                "not every request ended by itself"
            } else {
                &because
            },
        );
    }
}

/// The failures of all stages by kind, the most frequent first.
pub(crate) fn errors_of(report: &Report) -> Vec<ErrorSample> {
    let mut all: BTreeMap<(Outcome, Option<u16>), ErrorSample> = BTreeMap::new();
    for sample in report.stages.iter().flat_map(|stage| &stage.errors) {
        let entry = all
            .entry((sample.outcome, sample.status))
            .or_insert_with(|| ErrorSample {
                count: 0,
                ..sample.clone()
            });
        entry.count += sample.count;
    }
    let mut all: Vec<ErrorSample> = all.into_values().collect();
    all.sort_by_key(|sample| std::cmp::Reverse(sample.count));
    all
}

fn errors(page: &mut Page, report: &Report, width: usize) {
    let all = errors_of(report);
    if all.is_empty() {
        return;
    }
    page.gap();
    let mut rows = vec![["errors", "requests", ""].map(str::to_owned).to_vec()];
    rows.extend(all.iter().take(MOST_ERRORS).map(|sample| {
        let status = sample
            .status
            .map_or_else(String::new, |status| format!(" {status}"));
        vec![
            format!("{}{status}", sample.outcome.as_str()),
            count(sample.count),
            String::new(),
        ]
    }));
    let used: usize = (0..2)
        .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0) + 2)
        .sum();
    for (row, sample) in rows[1..].iter_mut().zip(&all) {
        row[2] = cut(&sample.message, width.saturating_sub(used + 2).max(20));
    }
    rows[0][2] = "first message".to_owned();
    // The last column is text and starts at the left.
    let widest = rows
        .iter()
        .map(|row| row[2].chars().count())
        .max()
        .unwrap_or(0);
    rows.iter_mut()
        .for_each(|row| row[2] = format!("{:<widest$}", row[2]));
    page.table(&rows, 1, "  ");
    if all.len() > MOST_ERRORS {
        page.labelled(
            "",
            &format!("and {} more kinds in report.json", all.len() - MOST_ERRORS),
        );
    }
}

/// One line an objective; of many stages, only the objectives that did not pass. Those of stages that did not begin are
/// told together.
fn objectives(page: &mut Page, report: &Report) {
    let many = report.stages.len() > MOST_BLOCKS;
    let begun = || {
        let all = report.judged();
        all.filter(|(place, _)| !matches!(place, Place::NotBegun(_)))
    };
    if report.run.status == RunStatus::Unfinished {
        return;
    }
    let open = left_open(&report.not_begun);
    if begun().next().is_none() && open.is_none() {
        return;
    }
    page.gap();
    let mut passed = 0;
    for (place, check) in begun() {
        if many && check.verdict == CheckVerdict::Pass {
            passed += 1;
            continue;
        }
        let place = if is_one_stage(report) {
            String::new()
        } else {
            format!("{place}, ")
        };
        let (word, tone) = word(check.verdict);
        page.labelled_in(
            word,
            Some(tone),
            &format!("{place}{}: {}", check.slo.describe(), check.reason),
        );
    }
    if let Some(open) = open {
        let (word, tone) = word(CheckVerdict::Inconclusive);
        page.labelled_in(word, Some(tone), &open);
    }
    if passed > 0 {
        page.labelled_in(
            "PASS",
            Some(Tone::Good),
            &format!("{passed} more objectives"),
        );
    }
}

/// Whether there is no more than one place that an objective can be judged at.
pub(crate) fn is_one_stage(report: &Report) -> bool {
    report.stages.len() <= 1 && report.not_begun.is_empty() && report.checks.is_empty()
}

fn word(verdict: CheckVerdict) -> (&'static str, Tone) {
    match verdict {
        CheckVerdict::Pass => ("PASS", Tone::Good),
        CheckVerdict::Inconclusive => ("UNDECIDED", Tone::Doubtful),
        CheckVerdict::Fail => ("FAIL", Tone::Bad),
        CheckVerdict::Invalid => ("INVALID", Tone::Bad),
    }
}

fn verdict(page: &mut Page, report: &Report) {
    let verdict = &report.verdict;
    let headline = Headline::of(report);
    let tone = match headline {
        Headline::Pass | Headline::Done => Tone::Good,
        Headline::Inconclusive => Tone::Doubtful,
        Headline::Interrupted
        | Headline::NoneSucceeded
        | Headline::Invalid
        | Headline::Fail
        | Headline::Error => Tone::Bad,
    };
    // Objectives have their own lines; what is left says what else there is.
    let others: Vec<&String> = verdict
        .reasons
        .iter()
        .filter(|reason| !is_about_an_objective(reason, report))
        .collect();
    let is_quiet = verdict.exit_code == 0 && verdict.reasons.len() == 1 && tone == Tone::Good;
    if !is_quiet {
        for (place, reason) in others.iter().enumerate() {
            page.labelled(if place == 0 { "because" } else { "" }, reason);
        }
    }
    let outcome = outcome(report);
    let word = headline.word();
    let rest = outcome.strip_prefix(word).unwrap_or_default();
    page.labelled("verdict", &format!("{}{rest}", page.paint(word, tone)));
}

fn is_about_an_objective(reason: &str, report: &Report) -> bool {
    let about = |(place, check): (Place<'_>, &Check)| {
        reason.starts_with(&format!("{place}: {} ", check.slo.describe()))
    };
    report.judged().any(about) || left_open(&report.not_begun).as_deref() == Some(reason)
}
