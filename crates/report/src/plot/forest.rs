//! Shifts with their intervals, one beneath the other: what lies to the right of the line has grown.

use super::Picture;
use crate::compare::{Comparison, Figure, Row, shift_in_words};
use crate::markup::{Markup, shortened};

/// Width of the picture, and where the shifts stand in it.
const WIDTH: f64 = 640.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 470.0;

/// Height of a line, above the first and below the last.
const LINE: f64 = 24.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 44.0;

/// Rows that are drawn; of more, nobody sees one.
const MOST: usize = 60;

/// What an axis may have beside it, in per cent.
const TICKS: [f64; 19] = [
    -90.0, -75.0, -50.0, -30.0, -20.0, -10.0, -5.0, -2.0, -1.0, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0,
    50.0, 100.0, 300.0, 900.0,
];

/// The shifts of the latencies of a comparison.
pub(crate) fn forest(comparison: &Comparison) -> Picture {
    let is_latency = |row: &&Row| matches!(row.figure, Figure::Latency(..));
    let mut rows: Vec<&Row> = comparison.rows.iter().filter(is_latency).collect();
    let left_out = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    let logs = rows.iter().flat_map(|row| {
        let relative = row.shift.relative;
        [relative.value, relative.lower, relative.upper]
    });
    let logs = logs.flatten().map(f64::ln_1p).filter(|x| x.is_finite());
    let (from, to) = logs.fold((-0.02_f64, 0.02_f64), |(from, to), x| {
        (from.min(x), to.max(x))
    });
    let reach = (to - from) * 0.06;
    let paper = Paper {
        from: (from - reach).max(-2.4),
        to: (to + reach).min(2.4),
    };
    let mut lines: Vec<Line<'_>> = Vec::new();
    for row in rows {
        if !matches!(lines.last(), Some(Line::Row(before)) if before.stages == row.stages) {
            lines.push(Line::Heading(&row.load));
        }
        lines.push(Line::Row(row));
    }
    let height = TOP + LINE * lines.len() as f64 + BOTTOM;
    let mut svg = Markup::default();
    axis(&mut svg, paper, height);
    for (place, line) in lines.iter().enumerate() {
        let y = TOP + LINE * (place as f64 + 0.5);
        match line {
            Line::Heading(load) => {
                text(&mut svg, "unit", (4.0, y + 5.0), &shortened(load, 80));
            }
            Line::Row(row) => draw(&mut svg, paper, row, y),
        }
    }
    let mut note = "Left of the line is faster, right of it slower; bars are 95 % intervals, dashed where the samples bound no side, and filled dots are sure among all of them.".to_owned();
    if left_out > 0 {
        note.push_str(&format!(
            " Only the first {MOST} are drawn; {left_out} more are in the table."
        ));
    }
    Picture {
        name: "shifts",
        title: format!("How much has each latency shifted in {}?", comparison.other),
        note,
        size: (WIDTH, height),
        drawn: svg,
    }
}

enum Line<'a> {
    Heading(&'a str),
    Row(&'a Row),
}

/// From the logarithm of a ratio to a place.
#[derive(Clone, Copy)]
struct Paper {
    from: f64,
    to: f64,
}

impl Paper {
    fn x(self, log: f64) -> f64 {
        let place = ((log - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        LEFT + place * (RIGHT - LEFT)
    }
}

fn axis(svg: &mut Markup, paper: Paper, height: f64) {
    let floor = height - BOTTOM;
    let mut free_from = f64::NEG_INFINITY;
    // The line of no shift has its tick whatever stands beside it.
    let zero = paper.x(0.0);
    for tick in TICKS {
        let log = (tick / 100.0_f64).ln_1p();
        if log < paper.from || log > paper.to {
            continue;
        }
        let x = paper.x(log);
        let is_zero = tick == 0.0;
        // What would run into its neighbour is left out.
        if x >= free_from && (is_zero || (x - zero).abs() >= 34.0) {
            let class = if is_zero { "axis" } else { "grid" };
            line(svg, class, (x, TOP - 8.0), (x, floor));
            let name = if is_zero {
                "0".to_owned()
            } else {
                format!("{tick:+}")
            };
            text(svg, "mid", (x, floor + 18.0), &name);
            free_from = x + 34.0;
        }
    }
    text(
        svg,
        "unit mid",
        ((LEFT + RIGHT) / 2.0, height - 6.0),
        "shift from the base, %",
    );
}

fn draw(svg: &mut Markup, paper: Paper, row: &Row, y: f64) {
    text(svg, "end", (LEFT - 10.0, y + 5.0), &row.figure.to_string());
    text(
        svg,
        "unit",
        (RIGHT + 10.0, y + 5.0),
        &shortened(&shift_in_words(row), 26),
    );
    let relative = row.shift.relative;
    let worse = row.shift.other.value > row.shift.base.value;
    let tone = match (row.is_sure, worse) {
        (true, true) => "hb",
        (true, false) => "h2",
        (false, _) => "hm",
    };
    let at = |value: Option<f64>| value.map(|value| paper.x(value.ln_1p()));
    let Some(x) = at(relative.value) else {
        return;
    };
    for (end, edge) in [(at(relative.lower), LEFT), (at(relative.upper), RIGHT)] {
        match end.filter(|end| end.is_finite()) {
            Some(end) => {
                svg.raw("<path class=\"whisker ").raw(tone).raw("\" d=\"M");
                svg.number(x)
                    .raw(" ")
                    .number(y)
                    .raw("L")
                    .number(end)
                    .raw(" ")
                    .number(y);
                svg.raw("M")
                    .number(end)
                    .raw(" ")
                    .number(y - 4.0)
                    .raw("v8\"/>");
            }
            None => line(svg, "leader", (x, y), (edge, y)),
        }
    }
    svg.raw("<circle class=\"")
        .raw(if row.is_sure { "dot " } else { "hollow " })
        .raw(tone)
        .raw("\" r=\"4\"")
        .attribute("cx", x)
        .attribute("cy", y)
        .raw("/>");
}

fn line(svg: &mut Markup, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    svg.raw("<line class=\"").raw(class).raw("\"");
    svg.attribute("x1", from.0).attribute("y1", from.1);
    svg.attribute("x2", to.0).attribute("y2", to.1).raw("/>");
}

fn text(svg: &mut Markup, class: &'static str, at: (f64, f64), text: &str) {
    svg.raw("<text class=\"").raw(class).raw("\"");
    svg.attribute("x", at.0).attribute("y", at.1);
    svg.element(">", text, "</text>");
}
