//! Latency and throughput against the load, over the stages.

use bench_contract::{Metric, SloMetric, StageReport, ValidityState};

use super::chart::{Axis, Chart, Dot, Mark, Tone};
use super::scale::{Scale, latency, plain};
use super::{MOST_MARKED, Plot, finite, limits, per_second};
use crate::format::{Latency, amount};

/// The load of stages, as numbers that can be compared.
struct Load<'a> {
    /// Stages in order of their load.
    stages: Vec<(f64, &'a StageReport)>,
    /// What the numbers are.
    label: &'static str,
    write: fn(f64) -> String,
}

/// Pictures of stages that differ in their load; none where they do not.
pub(super) fn plots(stages: &[StageReport]) -> Vec<Plot> {
    let Some(load) = load(stages) else {
        return Vec::new();
    };
    let latencies = [
        (
            "ttft-by-load",
            "TTFT",
            Metric::TtftScheduled,
            [SloMetric::TtftScheduled, SloMetric::Ttft],
        ),
        (
            "e2e-by-load",
            "E2E",
            Metric::E2eScheduled,
            [SloMetric::E2eScheduled, SloMetric::E2e],
        ),
    ];
    let mut plots: Vec<Plot> = latencies
        .into_iter()
        .filter_map(|(name, word, metric, slos)| {
            by_load(&load, name, word, metric, &limits(stages, &slos))
        })
        .collect();
    plots.push(throughput(&load));
    plots
}

fn load(stages: &[StageReport]) -> Option<Load<'_>> {
    let of = |value: &dyn Fn(&StageReport) -> Option<f64>| {
        let values: Option<Vec<(f64, &StageReport)>> = stages
            .iter()
            .map(|stage| Some((value(stage)?, stage)))
            .collect();
        let mut values = values?;
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (first, last) = (values.first()?.0, values.last()?.0);
        (first * 1.05 < last).then_some(values)
    };
    let rates = of(&|stage| stage.offered_rate);
    let levels = of(&|stage| stage.load.concurrency.map(f64::from));
    let (stages, label, write): (_, _, fn(f64) -> String) = match (rates, levels) {
        (Some(stages), _) => (stages, "requests offered per second", per_second),
        (None, Some(stages)) => (stages, "requests at once", at_once),
        (None, None) => return None,
    };
    Some(Load {
        stages,
        label,
        write,
    })
}

fn at_once(level: f64) -> String {
    format!("{level} at once")
}

impl Load<'_> {
    fn axis(&self) -> Axis {
        let loads = self.stages.iter().map(|(load, _)| *load);
        // One load has one tick, as long as there is room.
        let mut axis = Axis::new(Scale::suited(loads.clone()), 6, plain, self.label);
        if self.stages.len() <= 8 {
            axis.ticks = loads.map(|load| (load, amount(load))).collect();
        }
        axis
    }

    fn doubtful(&self) -> String {
        let doubtful = self
            .stages
            .iter()
            .filter(|(_, stage)| stage.validity.state == ValidityState::Invalid);
        match doubtful.count() {
            0 => String::new(),
            1 => " The hollow stage is invalid: there, the generator is what was measured."
                .to_owned(),
            _ => {
                " Hollow stages are invalid: there, the generator is what was measured.".to_owned()
            }
        }
    }
}

fn by_load(
    load: &Load<'_>,
    name: &'static str,
    word: &str,
    metric: Metric,
    limits: &[(f64, String)],
) -> Option<Plot> {
    const SHOWN: [f64; 3] = [99.0, 95.0, 50.0];
    let mut marks = Vec::new();
    let mut values: Vec<f64> = limits.iter().map(|(limit, _)| *limit).collect();
    for (hue, p) in SHOWN.into_iter().enumerate() {
        let dots: Vec<Dot> = load
            .stages
            .iter()
            .filter_map(|(x, stage)| {
                let summary = stage.metrics.get(&metric)?;
                let entry = summary.percentiles.iter().find(|entry| entry.p == p)?;
                let interval = entry.interval.as_ref();
                Some(Dot {
                    x: *x,
                    y: entry.value.finite()?,
                    low: interval.and_then(|interval| interval.lower),
                    high: interval.and_then(|interval| interval.upper),
                    is_doubtful: stage.validity.state == ValidityState::Invalid,
                })
            })
            .collect();
        values.extend(
            dots.iter()
                .flat_map(|dot| [Some(dot.y), dot.low, dot.high])
                .flatten(),
        );
        let points = load
            .stages
            .iter()
            .map(|(x, stage)| Some((*x, finite(stage, metric, p)?)));
        marks.push(Mark::Line {
            points: points.collect(),
            name: format!("P{p}"),
            tone: Tone::Hue(hue),
        });
        if load.stages.len() <= MOST_MARKED {
            marks.push(Mark::Dots {
                dots,
                tone: Tone::Hue(hue),
            });
        }
    }
    let (first, last) = (load.stages.first()?, load.stages.last()?);
    let title = match (finite(first.1, metric, 99.0), finite(last.1, metric, 99.0)) {
        (Some(low), Some(high)) => {
            let verb = if high > 1.1 * low {
                "rises from"
            } else if high < low / 1.1 {
                "falls from"
            } else {
                "hardly moves:"
            };
            format!(
                "P99 of {word} {verb} {} at {} to {} at {}",
                Latency(low),
                (load.write)(first.0),
                Latency(high),
                (load.write)(last.0)
            )
        }
        (Some(low), None) => format!(
            "P99 of {word} is {} at {}, and out of reach at {}: too many requests fail",
            Latency(low),
            (load.write)(first.0),
            (load.write)(last.0)
        ),
        (None, _) => format!("How {word} depends on the load"),
    };
    if values.is_empty() {
        return None;
    }
    marks.extend(limits.iter().map(|(y, name)| Mark::Limit {
        y: *y,
        name: name.clone(),
    }));
    Some(Plot {
        name,
        title,
        note: format!(
            "From the schedule, so that waiting counts; bars are 95 % intervals, open where the samples do not bound them.{}",
            load.doubtful()
        ),
        chart: Chart {
            x: load.axis(),
            y: Axis::new(
                Scale::suited(values.into_iter()),
                5,
                latency,
                format!("{word} from the schedule"),
            ),
            marks,
        },
    })
}

/// Part of the greatest output from which it counts as reached.
const LEVEL: f64 = 0.95;

fn throughput(load: &Load<'_>) -> Plot {
    let of = |stage: &StageReport| stage.throughput.output_tokens_per_s;
    let dots: Vec<Dot> = load
        .stages
        .iter()
        .map(|(x, stage)| Dot {
            x: *x,
            y: of(stage),
            low: None,
            high: None,
            is_doubtful: stage.validity.state == ValidityState::Invalid,
        })
        .collect();
    let most = load.stages.iter().map(|(_, stage)| of(stage));
    let most = most.fold(0.0, f64::max);
    // Where it first comes near the greatest: beyond that, more load brings next to nothing.
    let enough = load
        .stages
        .iter()
        .find(|(_, stage)| of(stage) >= LEVEL * most);
    let title = match (enough, load.stages.last()) {
        (Some(enough), Some(last)) if enough.0 < last.0 => format!(
            "Output levels off at {}: {} tokens/s, and more load brings at most {}",
            (load.write)(enough.0),
            amount(of(enough.1)),
            amount(most)
        ),
        (Some(_), Some(last)) => format!(
            "Output grows up to the greatest load: {} tokens/s at {}",
            amount(of(last.1)),
            (load.write)(last.0)
        ),
        _ => "How much the server puts out".to_owned(),
    };
    let scale = Scale::from_zero(dots.iter().map(|dot| dot.y));
    let mut marks = vec![Mark::Line {
        points: dots.iter().map(|dot| Some((dot.x, dot.y))).collect(),
        name: String::new(),
        tone: Tone::Hue(0),
    }];
    if dots.len() <= MOST_MARKED {
        marks.push(Mark::Dots {
            dots,
            tone: Tone::Hue(0),
        });
    }
    Plot {
        name: "output-by-load",
        title,
        note: format!(
            "Output tokens of successful requests per second, from the first send to the last end.{}",
            load.doubtful()
        ),
        chart: Chart {
            x: load.axis(),
            y: Axis::new(scale, 5, plain, "output tokens per second"),
            marks,
        },
    }
}
