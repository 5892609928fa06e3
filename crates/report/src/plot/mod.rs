//! Pictures of a report, as SVG: each answers one question, which is its title, and needs no legend.

mod chart;
mod curve;
mod forest;
mod lengths;
mod rate;
mod scale;
mod server;
mod time;

use bench_contract::{Metric, Report, SloMetric, StageReport};

use crate::compare::Comparison;
use crate::format::{Latency, amount};
use crate::markup::Markup;

use chart::{Chart, HEIGHT, WIDTH};

pub(crate) use forest::forest;
pub(crate) use scale::latency;

/// Colours and lines, for pages and pictures alike.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Stages that are told apart in one picture.
const MOST_STAGES: usize = 5;

/// Stages that have a mark of their own, as an interval or a boundary; of more, nobody sees one.
const MOST_MARKED: usize = 60;

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    /// What it is called as a file, without its ending.
    pub(crate) name: &'static str,
    /// The question that it answers, or what was found.
    pub(crate) title: String,
    /// What else there is to know, in a sentence; may be empty.
    pub(crate) note: String,
    chart: Chart,
}

impl Plot {
    /// The picture without title and note, for a page that has both and the style sheet.
    pub(crate) fn inline(&self) -> Markup {
        self.picture().inline()
    }

    fn picture(&self) -> Picture {
        Picture {
            name: self.name,
            title: self.title.clone(),
            note: self.note.clone(),
            size: (WIDTH, HEIGHT),
            drawn: self.chart.draw(),
        }
    }
}

/// A picture as it is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    /// What it is called as a file, without its ending.
    pub(crate) name: &'static str,
    /// The question that it answers, or what was found.
    pub(crate) title: String,
    /// What else there is to know, in a sentence; may be empty.
    pub(crate) note: String,
    /// Its width and height.
    pub(crate) size: (f64, f64),
    /// The content of its `svg` element.
    pub(crate) drawn: Markup,
}

impl Picture {
    /// The picture without title and note, for a page that has both and the style sheet.
    pub(crate) fn inline(&self) -> Markup {
        let mut svg = Markup::default();
        svg.raw("<svg class=\"plot\" role=\"img\" viewBox=\"0 0");
        for size in [self.size.0, self.size.1] {
            svg.raw(" ").number(size);
        }
        svg.raw("\" aria-label=\"").text(&self.title).raw("\">");
        svg.append(&self.drawn).raw("</svg>");
        svg
    }

    /// The picture as a file of its own.
    fn file(&self) -> String {
        let (width, height) = self.size;
        let lines = wrapped(&self.title, 62);
        let notes = wrapped(&self.note, 78);
        let head = 24.0 + 20.0 * lines.len() as f64 + 17.0 * notes.len() as f64;
        let mut svg = Markup::default();
        svg.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot alone\" viewBox=\"0 0");
        for size in [width, height + head] {
            svg.raw(" ").number(size);
        }
        svg.raw("\">\n<title>")
            .text(&self.title)
            .raw("</title>\n<style>");
        svg.raw(STYLE)
            .raw("</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n");
        let mut y = 6.0;
        for (class, step, texts) in [("title", 20.0, &lines), ("note", 17.0, &notes)] {
            for text in texts {
                y += step;
                svg.raw("<text class=\"")
                    .raw(class)
                    .raw("\" x=\"4\"")
                    .attribute("y", y);
                svg.element(">", text, "</text>\n");
            }
        }
        svg.raw("<g transform=\"translate(0 ")
            .number(head - 6.0)
            .raw(")\">");
        svg.append(&self.drawn).raw("</g>\n</svg>\n");
        svg.into_string()
    }
}

/// The picture of a comparison as an SVG file: its name and content.
#[must_use]
pub fn shifts(comparison: &Comparison) -> (String, String) {
    let picture = forest(comparison);
    (format!("{}.svg", picture.name), picture.file())
}

/// All pictures of a report, in the order in which they are looked at. What the report holds nothing for is left out.
pub(crate) fn plots(report: &Report) -> Plots {
    Plots {
        rate: rate::plots(&report.stages),
        curve: curve::plots(&report.stages),
        time: report
            .series
            .as_ref()
            .map_or_else(Vec::new, |series| time::plots(series, &report.stages)),
        server: report
            .server_metrics
            .as_ref()
            .zip(report.series.as_ref())
            .map_or_else(Vec::new, |(metrics, series)| {
                server::plots(metrics, series, &report.stages)
            }),
        lengths: report
            .length_histograms
            .as_ref()
            .map_or_else(Vec::new, lengths::plots),
    }
}

/// The pictures of a report.
#[derive(Clone, Debug)]
pub(crate) struct Plots {
    /// Latency and throughput against the rate.
    pub(crate) rate: Vec<Plot>,
    /// Percentile curves.
    pub(crate) curve: Vec<Plot>,
    /// Over time.
    pub(crate) time: Vec<Plot>,
    /// What the server says of itself.
    pub(crate) server: Vec<Plot>,
    /// Lengths.
    pub(crate) lengths: Vec<Plot>,
}

/// The pictures of a report as SVG files: name and content. Each is readable in light and dark.
#[must_use]
pub fn files(report: &Report) -> Vec<(String, String)> {
    let plots = plots(report);
    [
        plots.rate,
        plots.curve,
        plots.time,
        plots.server,
        plots.lengths,
    ]
    .iter()
    .flatten()
    .map(|plot| (format!("{}.svg", plot.name), plot.picture().file()))
    .collect()
}

/// What a stage is called in a picture: its rate, where that tells it from all others.
fn names(stages: &[StageReport]) -> Vec<String> {
    let rates = || stages.iter().map(|stage| stage.load.rate);
    let levels = || stages.iter().map(|stage| stage.load.concurrency);
    let are_distinct = |texts: &[String]| {
        let mut known: Vec<&String> = texts.iter().collect();
        known.sort();
        known.dedup();
        known.len() == texts.len()
    };
    let named: Option<Vec<String>> = stages
        .iter()
        .zip(rates().zip(levels()))
        .map(
            |(stage, (rate, level))| match (rate, stage.load.end_rate, level) {
                (Some(from), Some(to), _) => Some(format!("{from} to {to}/s")),
                (Some(rate), None, _) => Some(format!("{rate}/s")),
                (None, _, Some(level)) => Some(format!("{level} at once")),
                (None, _, None) => None,
            },
        )
        .collect();
    named
        .filter(|names| are_distinct(names))
        .unwrap_or_else(|| {
            let numbers = stages.iter().map(|stage| format!("stage {}", stage.stage));
            numbers.collect()
        })
}

/// At most [`MOST_STAGES`] places out of `count`: the first, the last, and evenly between.
fn chosen(count: usize) -> Vec<usize> {
    if count <= MOST_STAGES {
        return (0..count).collect();
    }
    (0..MOST_STAGES)
        .map(|k| k * (count - 1) / (MOST_STAGES - 1))
        .collect()
}

/// The limits of objectives on a metric, with what they are called: the least for each percentile.
fn limits(stages: &[StageReport], wanted: &[SloMetric]) -> Vec<(f64, String)> {
    let mut limits: Vec<(f64, String)> = Vec::new();
    for check in stages.iter().flat_map(|stage| &stage.checks) {
        let slo = &check.slo;
        let (Some(p), Some(max)) = (slo.percentile, slo.max) else {
            continue;
        };
        let name = format!("limit of P{p}: {}", latency(max.get()));
        if wanted.contains(&slo.metric) && !limits.iter().any(|(_, known)| *known == name) {
            limits.push((max.get(), name));
        }
    }
    limits
}

/// A percentile of a metric of a stage, where it is known and finite.
fn finite(stage: &StageReport, metric: Metric, p: f64) -> Option<f64> {
    let value = stage.metrics.get(&metric)?.percentile(p)?;
    value.is_finite().then_some(value)
}

/// A latency in words, or that it was never reached.
fn in_words(value: Option<f64>) -> String {
    value.map_or_else(|| "never".to_owned(), |value| Latency(value).to_string())
}

/// `19.1/s`.
fn per_second(rate: f64) -> String {
    format!("{}/s", amount(rate))
}

/// `text` in lines of about `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
