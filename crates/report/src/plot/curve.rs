//! Percentile curves: who waits how long.

use bench_contract::{Metric, MetricSummary, SloMetric, StageReport};

use super::chart::{Axis, Chart, Dot, Mark, Tone};
use super::scale::{Scale, latency};
use super::{Plot, chosen, finite, in_words, limits, names};
use crate::format::percent;
use crate::summary::CURVE_STEPS;

/// A metric, and what its samples are called.
struct Subject {
    name: &'static str,
    word: &'static str,
    /// From where it is measured, for the axis.
    axis: &'static str,
    samples: &'static str,
    metric: Metric,
    slos: &'static [SloMetric],
}

const SUBJECTS: [Subject; 3] = [
    Subject {
        name: "ttft-curve",
        word: "TTFT",
        axis: "time to first token, from the schedule",
        samples: "requests",
        metric: Metric::TtftScheduled,
        slos: &[SloMetric::TtftScheduled, SloMetric::Ttft],
    },
    Subject {
        name: "e2e-curve",
        word: "E2E",
        axis: "time to last token, from the schedule",
        samples: "requests",
        metric: Metric::E2eScheduled,
        slos: &[SloMetric::E2eScheduled, SloMetric::E2e],
    },
    Subject {
        name: "chunk-gap-curve",
        word: "Gap between token events",
        axis: "time since the event before",
        samples: "gaps",
        metric: Metric::ChunkGap,
        slos: &[SloMetric::ChunkGap, SloMetric::Itl],
    },
];

/// A picture for each metric that some stage has.
pub(super) fn plots(stages: &[StageReport]) -> Vec<Plot> {
    SUBJECTS
        .iter()
        .filter_map(|subject| plot(subject, stages))
        .collect()
}

fn plot(subject: &Subject, stages: &[StageReport]) -> Option<Plot> {
    let names = names(stages);
    let with_curve: Vec<(&StageReport, &MetricSummary, &String)> = stages
        .iter()
        .zip(&names)
        .filter_map(|(stage, name)| {
            let summary = stage.metrics.get(&subject.metric)?;
            (!summary.curve.is_empty()).then_some((stage, summary, name))
        })
        .collect();
    let shown: Vec<_> = chosen(with_curve.len())
        .into_iter()
        .map(|place| with_curve[place])
        .collect();
    let (first, last) = (shown.first()?, shown.last()?);
    let is_single = shown.len() == 1;
    let limits = limits(stages, subject.slos);

    let mut marks = Vec::new();
    for (hue, (_, summary, name)) in shown.iter().enumerate() {
        let points = summary.curve.iter().enumerate();
        marks.push(Mark::Line {
            points: points.map(|(k, value)| Some((nines(k), *value))).collect(),
            name: if is_single {
                String::new()
            } else {
                (*name).clone()
            },
            tone: Tone::Hue(hue),
        });
    }
    let mut ends = Vec::new();
    if is_single {
        let end = nines(first.1.curve.len().saturating_sub(1));
        let dots = first.1.percentiles.iter().filter_map(dot);
        // Beyond the last sample there is nothing to be seen.
        let dots: Vec<Dot> = dots.filter(|dot| dot.x <= end + 0.05).collect();
        ends.extend(dots.iter().flat_map(|dot| [dot.low, dot.high]).flatten());
        marks.push(Mark::Dots {
            dots,
            tone: Tone::Hue(0),
        });
    }
    marks.extend(limits.iter().map(|(y, name)| Mark::Limit {
        y: *y,
        name: name.clone(),
    }));

    // The fastest few would stretch a logarithmic axis over what nobody asks for.
    let bulk = shown.iter().flat_map(|(_, summary, _)| {
        let from = usize::from(summary.curve.len() > 1);
        summary.curve[from..].iter().copied()
    });
    let values: Vec<f64> = bulk
        .chain(limits.iter().map(|(limit, _)| *limit))
        .chain(ends)
        .collect();
    let p = |stage: &StageReport, p: f64| in_words(finite(stage, subject.metric, p));
    let title = if is_single {
        match finite(first.0, subject.metric, 99.0) {
            Some(_) => format!(
                "{}: half of the {} within {}, 99 in 100 within {}",
                subject.word,
                subject.samples,
                p(first.0, 50.0),
                p(first.0, 99.0)
            ),
            None => format!(
                "{}: half of the {} within {}; more than 1 in 100 never got there",
                subject.word,
                subject.samples,
                p(first.0, 50.0)
            ),
        }
    } else {
        format!(
            "{}: P99 is {} at {} and {} at {}",
            subject.word,
            p(first.0, 99.0),
            first.2,
            p(last.0, 99.0),
            last.2
        )
    };
    Some(Plot {
        name: subject.name,
        title,
        note: note(&shown, with_curve.len(), is_single),
        chart: Chart {
            x: axis(&shown),
            y: Axis::new(Scale::suited(values.into_iter()), 5, latency, subject.axis),
            marks,
        },
    })
}

fn note(
    shown: &[(&StageReport, &MetricSummary, &String)],
    stages: usize,
    is_single: bool,
) -> String {
    let mut note =
        "P90, P99 and P99.9 are equally far apart, so that the slow few are seen.".to_owned();
    if is_single
        && shown
            .iter()
            .any(|(_, summary, _)| summary.percentiles.iter().any(|p| p.interval.is_some()))
    {
        note.push_str(" Bars are 95 % intervals, open where the samples do not bound them.");
    }
    if shown.len() < stages {
        note.push_str(&format!(" {} of {stages} stages are shown.", shown.len()));
    }
    let (unreached, count) = shown
        .iter()
        .fold((0, 0), |(unreached, count), (_, summary, _)| {
            (unreached + summary.censored, count + summary.count)
        });
    if unreached > 0 {
        note.push_str(&format!(
            " {} of the requests never got there; a curve ends where they begin.",
            percent(unreached as f64 / count as f64)
        ));
    }
    note
}

/// The place of point `k` of a curve: the number of nines of its percentile.
fn nines(k: usize) -> f64 {
    k as f64 / CURVE_STEPS
}

/// A percentile that is shown with its interval.
fn dot(entry: &bench_contract::Percentile) -> Option<Dot> {
    let share = 1.0 - entry.p / 100.0;
    (entry.p >= 50.0 && share > 0.0).then_some(())?;
    let interval = entry.interval.as_ref();
    Some(Dot {
        x: -share.log10(),
        y: entry.value.finite()?,
        low: interval.and_then(|interval| interval.lower),
        high: interval.and_then(|interval| interval.upper),
        is_doubtful: false,
    })
}

fn axis(shown: &[(&StageReport, &MetricSummary, &String)]) -> Axis {
    let longest = shown
        .iter()
        .map(|(_, summary, _)| summary.curve.len())
        .max();
    let to = nines(longest.unwrap_or(1).saturating_sub(1)).max(1.0);
    let named = [
        0.0, 50.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999, 99.9999, 99.99999,
    ];
    let ticks = named.into_iter().filter_map(|p: f64| {
        let at = -(1.0 - p / 100.0).log10();
        // Where there are many nines, P95 is in the way.
        let is_shown = at <= to + 1e-9 && (p != 95.0 || to < 4.0);
        is_shown.then(|| {
            (
                at,
                if p == 0.0 {
                    "least".to_owned()
                } else {
                    format!("P{p}")
                },
            )
        })
    });
    Axis {
        scale: Scale::Linear { from: 0.0, to },
        ticks: ticks.collect(),
        label: "percentile".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::curve_percentile;

    #[test]
    fn a_point_stands_at_its_percentile() {
        for (k, p) in [(0, 0.0), (10, 90.0), (20, 99.0), (30, 99.9)] {
            assert!((curve_percentile(k) - p).abs() < 1e-9);
            assert!((nines(k) - -(1.0 - p / 100.0).log10()).abs() < 1e-9);
        }
    }
}
