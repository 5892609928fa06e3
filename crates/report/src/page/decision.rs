//! The verdict in words: what was decided, on which limit, what was measured, and what to do next.

use bench_contract::{
    Check, CheckVerdict, Metric, Outcome, Place, Report, SloMetric, StageReport, ValidityState,
};

use super::objective::{measured, percentile_in_words};
use crate::format::count;
use crate::headline::Headline;
use crate::interval::least_samples;
use crate::slo::allowed_share;
use crate::whole::left_open;

/// Statements of each kind that are shown; the tables below have the rest.
const MOST: usize = 4;

/// A verdict in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// In one sentence.
    pub(crate) decided: String,
    /// On what: limit, value, interval; or why it is void.
    pub(crate) because: Vec<String>,
    /// What to do next.
    pub(crate) next: Vec<String>,
}

/// The verdict of a report in words.
pub(crate) fn decision(report: &Report) -> Decision {
    let headline = Headline::of(report);
    let (decided, mut because, next) = match headline {
        Headline::Interrupted => (
            "The run was ended early: its figures are of the part that ran.".to_owned(),
            report.run.partial_because.clone(),
            vec!["Run it again to the end before you decide anything on it.".to_owned()],
        ),
        Headline::NoneSucceeded => none_succeeded(report),
        Headline::Invalid => invalid(report),
        Headline::Fail => failed(report),
        Headline::Inconclusive => inconclusive(report),
        Headline::Error => (
            "The measurement is complete, but something beside it failed.".to_owned(),
            report.verdict.reasons.clone(),
            vec![
                "Put right what failed; the figures below are whole, so nothing has to be measured again for them."
                    .to_owned(),
            ],
        ),
        Headline::Pass => passed(report),
        Headline::Done => done(report),
    };
    let suspect = report
        .stages
        .iter()
        .filter(|stage| stage.validity.state == ValidityState::Suspect);
    if headline != Headline::Invalid {
        because.extend(suspect.flat_map(|stage| {
            let reasons = stage.validity.reasons.iter();
            reasons.map(|reason| format!("Stage {} is suspect: {reason}.", stage.stage))
        }));
    }
    let rest = because.len().saturating_sub(MOST);
    because.truncate(MOST);
    let mut because: Vec<String> = because.iter().map(|text| sentence(text)).collect();
    if rest > 0 {
        because.push(format!(
            "And {} more, in the tables below.",
            count(rest as u64)
        ));
    }
    Decision {
        decided,
        because,
        next,
    }
}

/// A statement with a capital at its start, unless that is a name, and a full stop at its end.
fn sentence(text: &str) -> String {
    let is_name = text
        .split(' ')
        .next()
        .is_some_and(|word| word.contains('_'));
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(|first| {
        let capital = first.to_uppercase().filter(|_| !is_name);
        capital.chain(std::iter::once(first).filter(|_| is_name))
    });
    let mut sentence: String = first.chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// A verdict's three parts.
type Parts = (String, Vec<String>, Vec<String>);

fn none_succeeded(report: &Report) -> Parts {
    let most = report
        .stages
        .iter()
        .flat_map(|stage| &stage.errors)
        .max_by_key(|error| error.count);
    let because = match most {
        Some(error) => {
            let status = error
                .status
                .map_or_else(String::new, |status| format!(" {status}"));
            vec![format!(
                "Most often: {}{status}, {} times: {}",
                error.outcome.as_str(),
                count(error.count),
                error.message
            )]
        }
        None => report.verdict.reasons.clone(),
    };
    let remedy = match most.map(|error| (error.outcome, error.status)) {
        Some((Outcome::ConnectError, _)) => {
            "Look whether the server listens at this address and can be reached from where the generator ran."
        }
        Some((Outcome::HttpError, Some(401 | 403))) => {
            "Look whether the key is the right one (benchmark.target.apiKeySecret, or OPENAI_API_KEY)."
        }
        Some((Outcome::HttpError, Some(404))) => {
            "Look whether the model is served under this name, and the API (completion or chat) at this address."
        }
        Some((Outcome::HttpError, Some(400 | 422))) => {
            "The server refuses the requests: its words are in the errors below, often a length that the model cannot take."
        }
        Some((Outcome::HttpError, _)) => {
            "The server answers with errors: look at its log, then start with a lower rate."
        }
        Some((Outcome::Timeout, _)) => {
            "Start with a lower rate: one request alone has to end within the time limit."
        }
        Some(_) => "Look at the errors below and at the server's log.",
        None => "Look at the log of the run: it did not come to sending.",
    };
    (
        "Not one request succeeded, so nothing was measured.".to_owned(),
        because,
        vec![remedy.to_owned()],
    )
}

fn invalid(report: &Report) -> Parts {
    let invalid = || {
        let stages = report.stages.iter();
        stages.filter(|stage| stage.validity.state == ValidityState::Invalid)
    };
    let because = invalid().flat_map(|stage| {
        let reasons = stage.validity.reasons.iter();
        reasons.map(|reason| format!("Stage {}: {reason}.", stage.stage))
    });
    let is_capped =
        invalid().any(|stage| stage.load.max_in_flight.is_some() && stage.counts.not_sent > 0);
    let mut next = Vec::new();
    if is_capped {
        next.push("Raise load.maxInFlight, or take it away: what it holds back is load that the server never saw.".to_owned());
    } else {
        next.push("Give the generator more CPU or a quieter machine, or spread the load over more of them, and run it again.".to_owned());
        next.push("`loadgen selftest` on that machine says which rate it can hold.".to_owned());
    }
    let all = invalid().count() == report.stages.len();
    let decided = if all {
        "Nothing was decided: the generator could not keep its schedule, so the figures are its own and not the server's."
    } else {
        "Nothing was decided on the whole: in some stages the generator could not keep its schedule. The other stages count."
    };
    (decided.to_owned(), because.collect(), next)
}

fn failed(report: &Report) -> Parts {
    let failed = with(report, CheckVerdict::Fail);
    let open = report
        .judged()
        .filter(|(_, check)| check.verdict == CheckVerdict::Inconclusive)
        .count();
    let mut decided = match failed.len() {
        1 => "The server misses an objective.".to_owned(),
        n => format!(
            "The server misses objectives: {n} of {} were missed.",
            report.judged().count()
        ),
    };
    if open > 0 {
        decided.push_str(&format!(" {open} more could not be decided."));
    }
    let because = failed
        .iter()
        .map(|(place, check)| measured(report, *place, check));
    let mut next = Vec::new();
    if failed
        .iter()
        .any(|(_, check)| check.slo.metric == SloMetric::ErrorRate)
        || report.counts.ok() * 20 < report.counts.sent * 19
    {
        next.push(
            "Look at the errors below first: requests that fail count as above every limit."
                .to_owned(),
        );
    }
    if report.stages.len() > 1 {
        next.push(match greatest_that_passes(report) {
            Some(stage) => format!(
                "The highest load at which every objective was met: {} (stage {}).",
                stage.load, stage.stage
            ),
            None => "No stage met every objective: start lower.".to_owned(),
        });
    } else {
        next.push("Lower the rate or add replicas, and run it again; the scenario `saturation` finds the rate that holds.".to_owned());
    }
    (decided, because.collect(), next)
}

fn inconclusive(report: &Report) -> Parts {
    let open = with(report, CheckVerdict::Inconclusive);
    let because = open
        .iter()
        .map(|(place, check)| measured(report, *place, check))
        .chain(left_open(&report.not_begun));
    if open.is_empty() {
        return (
            "Not everything was decided: some stages did not begin.".to_owned(),
            because.collect(),
            vec!["Look at the log for why the run ended before them, and run it again.".to_owned()],
        );
    }
    let factors: Option<Vec<f64>> = open.iter().map(|(_, check)| times_more(check)).collect();
    let most = factors.and_then(|factors| factors.into_iter().max_by(f64::total_cmp));
    let next = match most {
        Some(factor) if factor <= 50.0 => format!(
            "Run it about {:.1} times as long (load.stages[].duration): then the same figures would decide it.",
            (factor.max(1.2) * 10.0).ceil() / 10.0
        ),
        Some(_) => "What was measured is so near the limit that no reasonable run decides it: treat it as missed, or set the limit where you need it.".to_owned(),
        None => "Run it longer: the samples depend on each other too much to count each of them.".to_owned(),
    };
    (
        "Nothing was decided: the requests are too few for the objectives, which were neither met nor missed for certain.".to_owned(),
        because.collect(),
        vec![next, "`benchctl plan` warns beforehand when a run is too short for its objectives.".to_owned()],
    )
}

fn passed(report: &Report) -> Parts {
    let mut all: Vec<_> = report.judged().collect();
    // The one that came nearest to its limit first.
    all.sort_by(|a, b| used(b.1).total_cmp(&used(a.1)));
    let decided = match all.len() {
        1 => "The objective was met.".to_owned(),
        n => format!("All {n} objectives were met; nearest to its limit is the first."),
    };
    let because = all
        .iter()
        .map(|(place, check)| measured(report, *place, check));
    let mut next = vec![
        "It holds for this load, these lengths and this time: repeat it before you rely on it."
            .to_owned(),
    ];
    if report.stages.len() == 1 {
        next.push("The scenario `saturation` shows how much more the server can take.".to_owned());
    }
    (decided, because.collect(), next)
}

fn done(report: &Report) -> Parts {
    let mut because = Vec::new();
    if let [stage] = report.stages.as_slice()
        && let Some(text) = percentile_in_words(stage, Metric::TtftScheduled, 95.0)
    {
        because.push(format!("Measured: P95 of ttft_scheduled {text}."));
    }
    (
        "No objective was set, so nothing was decided.".to_owned(),
        because,
        vec!["Say what is good enough in `benchmark.slo` (`slo` in config.yml), for example {metric: ttft_scheduled, percentile: 95, max: 1200ms}.".to_owned()],
    )
}

/// The objectives of a verdict, each with its place.
fn with(report: &Report, verdict: CheckVerdict) -> Vec<(Place<'_>, &Check)> {
    let begun = report
        .judged()
        .filter(|(place, _)| !matches!(place, Place::NotBegun(_)));
    begun
        .filter(|(_, check)| check.verdict == verdict)
        .collect()
}

/// The share of what is allowed that may be used, by the upper end of the interval.
fn used(check: &Check) -> f64 {
    match (check.share_upper, allowed_share(&check.slo)) {
        (Some(upper), Some(allowed)) if allowed > 0.0 => upper / allowed,
        _ => 0.0,
    }
}

/// The last stage in order of load up to which every objective passed.
fn greatest_that_passes(report: &Report) -> Option<&StageReport> {
    let passes = |stage: &&StageReport| {
        !stage.checks.is_empty()
            && stage
                .checks
                .iter()
                .all(|check| check.verdict == CheckVerdict::Pass)
    };
    let load = |stage: &&StageReport| stage.offered_rate.unwrap_or(stage.achieved_rate);
    let passing = report.stages.iter().filter(passes);
    passing.max_by(|a, b| load(a).total_cmp(&load(b)))
}

/// How many times as many requests would decide an objective if they were like these: the interval shrinks with the root of
/// their number. `None` where that says nothing, infinite where the share is the limit itself.
fn times_more(check: &Check) -> Option<f64> {
    let (share, allowed) = (check.share_above?, allowed_share(&check.slo)?);
    let (lower, upper) = (check.share_lower?, check.share_upper?);
    if check.n_eff < 1.0 || allowed <= 0.0 {
        return None;
    }
    if share == 0.0 {
        return Some((least_samples(1.0 - allowed) + 1.0) / check.n_eff);
    }
    let half = if share < allowed {
        upper - share
    } else {
        share - lower
    };
    let distance = (share - allowed).abs();
    (distance < half).then(|| (half / distance).powi(2))
}
