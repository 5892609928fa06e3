//! What the server says of itself, beside what the client sees.

use bench_contract::{ServerMetrics, StageReport, TimeSeries};

use super::Plot;
use super::chart::{Axis, Mark, Tone};
use super::scale::{Scale, plain};
use super::time::{Time, greatest, line};
use crate::format::{level, percent};

/// Pictures over the time of a run; none where nothing was read.
pub(super) fn plots(
    metrics: &ServerMetrics,
    series: &TimeSeries,
    stages: &[StageReport],
) -> Vec<Plot> {
    let time = Time::new(series, stages);
    let Some(server) = metrics.series.as_ref().filter(|_| time.is_drawn()) else {
        return Vec::new();
    };
    // Of merged shards the bins may be others than those of the requests.
    let (start, width) = (server.start_s as f64, server.width_s.max(1) as f64);
    let course = |list: &[Option<f64>], name: &str, tone: Tone| {
        let points = list.iter().enumerate().map(|(place, value)| {
            let from = (start + width * place as f64).max(time.from);
            let to = (start + width * (place + 1) as f64).min(time.to);
            // Beyond the run there is nothing to see.
            (from < to).then_some(())?;
            Some(((from + to) / 2.0, (*value)?))
        });
        Mark::Line {
            points: points.collect(),
            name: name.to_owned(),
            tone,
        }
    };
    let most = |list: &[Option<f64>]| list.iter().flatten().copied().max_by(f64::total_cmp);

    let mut plots = Vec::new();
    if most(&server.running).is_some() || most(&server.waiting).is_some() {
        let mut marks = vec![line(time.in_flight(series), "in flight here", Tone::Muted)];
        for (list, name, hue) in [
            (&server.running, "running", 0),
            (&server.waiting, "waiting", 1),
        ] {
            if !list.is_empty() {
                marks.push(course(list, name, Tone::Hue(hue)));
            }
        }
        let waiting = most(&server.waiting).map_or_else(String::new, |most| match most {
            0.0 => "None waited in the server.".to_owned(),
            most => format!("{} waited in the server at most.", level(most)),
        });
        plots.push(Plot {
            name: "server-queue",
            title: "Did requests wait in the server?".to_owned(),
            note: format!(
                "{waiting} A queue that grows within a stage means that the load is above what the server can do."
            ),
            chart: time.chart(Axis::new(greatest(&marks), 5, plain, "requests"), marks),
        });
    }
    if let Some(most) = most(&server.kv_usage_max) {
        let mut marks = vec![course(&server.kv_usage, "", Tone::Hue(0))];
        let differ = server
            .kv_usage
            .iter()
            .zip(&server.kv_usage_max)
            .any(|(mean, max)| mean.zip(*max).is_some_and(|(mean, max)| max - mean > 0.01));
        if differ {
            marks = vec![
                course(&server.kv_usage_max, "fullest", Tone::Hue(1)),
                course(&server.kv_usage, "mean", Tone::Hue(0)),
            ];
        }
        let preempted: f64 = server.preemptions.iter().flatten().sum();
        let preemptions = match (server.preemptions.is_empty(), preempted) {
            (true, _) => String::new(),
            (false, preempted) if preempted < 0.5 => {
                " No running request was put back for want of it.".to_owned()
            }
            (false, preempted) if preempted < 1.5 => {
                " A running request was put back once for want of it.".to_owned()
            }
            (false, preempted) => format!(
                " Running requests were put back {} times for want of it.",
                level(preempted.round())
            ),
        };
        plots.push(share(
            &time,
            marks,
            "server-kv-cache",
            "Was the KV cache full?",
            format!("{} in use at most.{preemptions}", percent(most)),
            "share of the KV cache in use",
        ));
    }
    // A line of nothing is no picture.
    if let Some(most) = most(&server.prefix_hit_rate).filter(|most| *most > 0.0) {
        plots.push(share(
            &time,
            vec![course(&server.prefix_hit_rate, "", Tone::Hue(0))],
            "server-prefix-cache",
            "How much did the prefix cache save?",
            format!(
                "Prompt tokens found in the prefix cache, of those looked up; {} at most. More than the prompts have in common is left over from earlier runs.",
                percent(most)
            ),
            "share of prompt tokens found",
        ));
    }
    plots
}

fn share(
    time: &Time,
    marks: Vec<Mark>,
    name: &'static str,
    title: &str,
    note: String,
    label: &str,
) -> Plot {
    let scale = Scale::Linear { from: 0.0, to: 1.0 };
    Plot {
        name,
        title: title.to_owned(),
        note,
        chart: time.chart(Axis::new(scale, 5, percent, label), marks),
    }
}
