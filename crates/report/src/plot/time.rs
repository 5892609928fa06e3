//! What happened over time.

use bench_contract::{SloMetric, StageReport, TimeSeries};

use super::chart::{Axis, Chart, Mark, Tone, have_room};
use super::scale::{Scale, latency, plain, time_ticks};
use super::{MOST_MARKED, Plot, limits, names, per_second};
use crate::format::{Latency, amount, count};

/// Points of a line of counts: of more bins, neighbours are added, or noise would hide everything.
const MOST_POINTS: usize = 120;

/// Pictures over the time of a run.
pub(super) fn plots(series: &TimeSeries, stages: &[StageReport]) -> Vec<Plot> {
    let time = Time::new(series, stages);
    if series.scheduled.is_empty() || !time.is_drawn() {
        return Vec::new();
    }
    let mut plots = vec![
        requests(series, stages, &time),
        in_flight(series, &time),
        tokens(series, stages, &time),
    ];
    plots.extend(latencies(
        &time,
        "ttft-over-time",
        "Did waiting for the first token grow?",
        "time to first token, from the schedule",
        "By the second in which a request was due; a gap is where none got a token, or too few did.",
        [("P95", &series.ttft_scheduled_p95), ("P50", &series.ttft_scheduled_p50)],
        &limits(stages, &[SloMetric::TtftScheduled, SloMetric::Ttft]),
    ));
    plots.extend(latencies(
        &time,
        "chunk-gap-over-time",
        "Did tokens come evenly?",
        "gap between token events",
        "By the second in which a gap ended.",
        [
            ("P99", &series.chunk_gap_p99),
            ("P50", &series.chunk_gap_p50),
        ],
        &limits(stages, &[SloMetric::ChunkGap, SloMetric::Itl]),
    ));
    plots
}

/// The axis of time, and what lies on it.
pub(super) struct Time {
    pub(super) from: f64,
    pub(super) to: f64,
    start: f64,
    width: f64,
    boundaries: Vec<Mark>,
}

impl Time {
    pub(super) fn new(series: &TimeSeries, stages: &[StageReport]) -> Self {
        let width = series.width_s.max(1) as f64;
        let start = series.start_s as f64;
        let end = start + width * series.scheduled.len() as f64;
        let began = stages.iter().map(|stage| stage.origin_s);
        let ended = stages.iter().map(|stage| stage.origin_s + stage.duration_s);
        let from = began.fold(f64::INFINITY, f64::min);
        let to = ended.fold(0.0, f64::max).min(end);
        let names = names(stages);
        let letters = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        // Names only where they do not run into each other; the lines say enough by themselves.
        let are_named = have_room(stages.len(), letters);
        let boundaries = stages
            .iter()
            .zip(names)
            .filter(|_| (2..=MOST_MARKED).contains(&stages.len()))
            .map(|(stage, name)| Mark::Boundary {
                x: stage.origin_s,
                name: if are_named { name } else { String::new() },
            });
        Self {
            from: if from.is_finite() { from } else { start },
            to,
            start,
            width,
            boundaries: boundaries.collect(),
        }
    }

    /// Whether there is anything to draw on.
    pub(super) fn is_drawn(&self) -> bool {
        self.from < self.to
    }

    /// Requests in flight: a mean over bins; what the run does not cover of the first and the last held nothing.
    pub(super) fn in_flight(&self, series: &TimeSeries) -> Vec<(f64, f64)> {
        self.rate(series.in_flight.iter().map(|mean| mean * self.width))
    }

    fn axis(&self) -> Axis {
        Axis {
            scale: Scale::Linear {
                from: self.from,
                to: self.to,
            },
            ticks: time_ticks(self.from, self.to, 6),
            label: "since the start of the run".to_owned(),
        }
    }

    pub(super) fn chart(&self, y: Axis, mut marks: Vec<Mark>) -> Chart {
        marks.extend(self.boundaries.iter().cloned());
        Chart {
            x: self.axis(),
            y,
            marks,
        }
    }

    /// A point in the middle of what the run covers of `count` bins from `place` on, and how long that is in seconds. What is
    /// covered by less than a quarter counts for a quarter: two requests in a hundredth of a second are no 200 a second.
    fn bin(&self, place: usize, count: usize) -> (f64, f64) {
        let from = (self.start + self.width * place as f64).max(self.from);
        let whole = self.width * count as f64;
        let to = (self.start + self.width * (place + count) as f64).min(self.to);
        ((from + to) / 2.0, (to - from).max(whole / 4.0))
    }

    /// A sum over bins as a rate.
    fn rate(&self, values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
        let values: Vec<f64> = values.collect();
        let together = values.len().div_ceil(MOST_POINTS).max(1);
        let bins = values.chunks(together).enumerate();
        bins.map(|(place, values)| {
            let (at, covered) = self.bin(place * together, values.len());
            (at, values.iter().sum::<f64>() / covered)
        })
        .collect()
    }
}

fn counts(list: &[u64]) -> impl Iterator<Item = f64> {
    list.iter().map(|n| *n as f64)
}

pub(super) fn line(points: Vec<(f64, f64)>, name: &str, tone: Tone) -> Mark {
    Mark::Line {
        points: points.into_iter().map(Some).collect(),
        name: name.to_owned(),
        tone,
    }
}

pub(super) fn greatest(marks: &[Mark]) -> Scale {
    let points = marks.iter().filter_map(|mark| match mark {
        Mark::Line { points, .. } => Some(points),
        Mark::Dots { .. } | Mark::Bars { .. } | Mark::Limit { .. } | Mark::Boundary { .. } => None,
    });
    Scale::from_zero(points.flatten().flatten().map(|point| point.1))
}

fn requests(series: &TimeSeries, stages: &[StageReport], time: &Time) -> Plot {
    let mut marks = Vec::new();
    let late = series.scheduled.iter().zip(&series.sent);
    let differ: u64 = late.map(|(due, sent)| due.abs_diff(*sent)).sum();
    let planned: u64 = series.scheduled.iter().sum();
    let is_sent_as_due = differ as f64 <= 0.01 * planned as f64;
    marks.push(line(
        time.rate(counts(&series.scheduled)),
        "due",
        Tone::Muted,
    ));
    if !is_sent_as_due {
        marks.push(line(time.rate(counts(&series.sent)), "sent", Tone::Hue(1)));
    }
    marks.push(line(
        time.rate(counts(&series.ok)),
        "succeeded",
        Tone::Hue(0),
    ));
    if !series.failed.is_empty() {
        marks.push(line(time.rate(counts(&series.failed)), "failed", Tone::Bad));
    }
    if !series.cancelled.is_empty() {
        marks.push(line(
            time.rate(counts(&series.cancelled)),
            "given up",
            Tone::Hue(3),
        ));
    }
    let failed: u64 = series.failed.iter().sum();
    let note = match stages {
        [stage] => format!(
            "Offered {}, succeeded {} from first send to last end; {} failed.",
            stage
                .offered_rate
                .map_or_else(|| "as the server took them".to_owned(), per_second),
            per_second(stage.throughput.requests_per_s),
            count(failed)
        ),
        _ => format!("{} of {} requests failed.", count(failed), count(planned)),
    };
    let note = if is_sent_as_due {
        format!("{note} Requests were sent as they were due.")
    } else {
        note
    };
    let scale = greatest(&marks);
    Plot {
        name: "requests-over-time",
        title: "Did replies come as fast as requests?".to_owned(),
        note,
        chart: time.chart(Axis::new(scale, 5, plain, "requests per second"), marks),
    }
}

fn in_flight(series: &TimeSeries, time: &Time) -> Plot {
    let points = time.in_flight(series);
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let marks = vec![line(points, "", Tone::Hue(0))];
    let scale = greatest(&marks);
    Plot {
        name: "in-flight-over-time",
        title: "Did requests pile up?".to_owned(),
        note: format!(
            "Requests between dispatch and end, {} at most. A line that climbs within a stage means that more came than the server could do.",
            amount(most)
        ),
        chart: time.chart(Axis::new(scale, 5, plain, "requests in flight"), marks),
    }
}

fn tokens(series: &TimeSeries, stages: &[StageReport], time: &Time) -> Plot {
    let marks = vec![line(
        time.rate(counts(&series.output_tokens)),
        "",
        Tone::Hue(0),
    )];
    let scale = greatest(&marks);
    let best = stages
        .iter()
        .map(|stage| stage.throughput.output_tokens_per_s)
        .fold(0.0, f64::max);
    let over = if stages.len() == 1 {
        "over the stage"
    } else {
        "over the best stage"
    };
    Plot {
        name: "tokens-over-time",
        title: "How much did the server put out?".to_owned(),
        note: format!(
            "Output tokens as they arrived; {} tokens/s {over}.",
            amount(best)
        ),
        chart: time.chart(
            Axis::new(scale, 5, plain, "output tokens per second"),
            marks,
        ),
    }
}

fn latencies(
    time: &Time,
    name: &'static str,
    title: &str,
    label: &str,
    note: &str,
    lists: [(&str, &Vec<Option<f64>>); 2],
    limits: &[(f64, String)],
) -> Option<Plot> {
    let values = || {
        lists
            .iter()
            .flat_map(|(_, list)| list.iter().flatten().copied())
    };
    let greatest = values().max_by(f64::total_cmp)?;
    let mut marks: Vec<Mark> = lists
        .iter()
        .zip([1, 0])
        .map(|((name, list), hue)| Mark::Line {
            points: list
                .iter()
                .enumerate()
                .map(|(place, value)| Some((time.bin(place, 1).0, (*value)?)))
                .collect(),
            name: (*name).to_owned(),
            tone: Tone::Hue(hue),
        })
        .collect();
    marks.extend(limits.iter().map(|(y, name)| Mark::Limit {
        y: *y,
        name: name.clone(),
    }));
    let limits = limits.iter().map(|(limit, _)| *limit);
    let all: Vec<f64> = values().chain(limits).collect();
    let width = match time.width {
        width if width > 1.0 => note.replace("second", &format!("{width} seconds")),
        _ => note.to_owned(),
    };
    Some(Plot {
        name,
        title: title.to_owned(),
        note: format!("{width} {} at most.", Latency(greatest)),
        chart: time.chart(
            Axis::new(Scale::suited(all.into_iter()), 5, latency, label),
            marks,
        ),
    })
}
