//! How long prompts and replies were.

use bench_contract::{LengthHistogram, LengthHistograms};

use super::Plot;
use super::chart::{Axis, Chart, Mark};
use super::scale::{Scale, plain};
use crate::format::count;

/// A picture of each histogram that there is.
pub(super) fn plots(histograms: &LengthHistograms) -> Vec<Plot> {
    let of = |name, what, histogram: &Option<LengthHistogram>| {
        let histogram = histogram.as_ref()?;
        plot(name, what, histogram)
    };
    let plots = [
        of("input-lengths", "prompts", &histograms.input),
        of("output-lengths", "replies", &histograms.output),
    ];
    plots.into_iter().flatten().collect()
}

fn plot(name: &'static str, what: &str, histogram: &LengthHistogram) -> Option<Plot> {
    let total: u64 = histogram.counts.iter().sum();
    let width = histogram.width.max(1);
    let start = |place: usize| f64::from(histogram.first) + f64::from(width) * place as f64;
    let bars: Vec<(f64, f64, f64)> = histogram
        .counts
        .iter()
        .enumerate()
        .map(|(place, n)| (start(place), start(place + 1), *n as f64))
        .collect();
    let (first, last) = (bars.first()?, bars.last()?);
    let longest = count((last.1 as u64).saturating_sub(1));
    let shortest = count(first.0 as u64);
    let title = if bars.len() == 1 && width == 1 {
        format!("All {what} have {shortest} tokens")
    } else {
        format!(
            "How long were the {what}? Half of them up to {} tokens",
            count(median(histogram, total))
        )
    };
    // One bar alone would fill the picture.
    let side = f64::from(width) * if bars.len() < 4 { 4.0 } else { 0.5 };
    let from = (first.0 - side).max(0.0);
    let scale = Scale::Linear {
        from,
        to: last.1 + side,
    };
    let is_whole = |tick: &(f64, String)| tick.0.fract() == 0.0;
    let mut x = Axis::new(scale, 6, plain, format!("tokens of the {what}"));
    x.ticks.retain(is_whole);
    let mut y = Axis::new(
        Scale::from_zero(bars.iter().map(|bar| bar.2)),
        5,
        plain,
        "requests",
    );
    y.ticks.retain(is_whole);
    Some(Plot {
        name,
        title,
        note: format!(
            "{} successful requests, {shortest} to {longest} tokens; {} to a bar.",
            count(total),
            match width {
                1 => "one length".to_owned(),
                width => format!("{} lengths", count(width.into())),
            }
        ),
        chart: Chart {
            x,
            y,
            marks: vec![Mark::Bars { bars }],
        },
    })
}

/// The end of the bin that holds the median.
fn median(histogram: &LengthHistogram, total: u64) -> u64 {
    let mut below = 0;
    for (place, n) in (1..).zip(&histogram.counts) {
        below += n;
        if below * 2 >= total {
            return u64::from(histogram.first) + u64::from(histogram.width) * place - 1;
        }
    }
    0
}
