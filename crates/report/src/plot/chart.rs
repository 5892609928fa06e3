//! One chart: two axes, lines with their names at their ends, limits, boundaries.
//!
//! The crate `plotters` was looked at for this. Its colours are RGB values that are written into every element, so that a
//! picture cannot follow a reader's dark mode; and a name at the end of a line, which makes a legend needless, is laid out by
//! hand there too. What is left is small enough to be our own.

use super::scale::Scale;
use crate::markup::{Markup, shortened};

/// Width and height of a picture without its title. Small enough that letters are readable where a phone shrinks it.
pub(crate) const WIDTH: f64 = 560.0;
pub(crate) const HEIGHT: f64 = 300.0;

/// Height of the letters, and their mean width in a wide font: none is at hand to be measured. Names are bold, and wider.
const LETTER: (f64, f64) = (14.0, 8.2);
const BOLD: f64 = 9.2;

/// Space above the axes, where the unit of the values stands, and below, for that of the other axis.
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;

/// Characters of a name at the end of a line.
const LONGEST_NAME: usize = 16;

/// Which colour something has; the style sheet knows which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// One of several that are told apart.
    Hue(usize),
    /// Failures.
    Bad,
    /// What is only there to compare with.
    Muted,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Hue(n) => ["h0", "h1", "h2", "h3", "h4"][n % 5],
            Self::Bad => "hb",
            Self::Muted => "hm",
        }
    }
}

/// An axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) scale: Scale,
    /// Where something stands beside it, and what.
    pub(crate) ticks: Vec<(f64, String)>,
    /// What its values are, with their unit.
    pub(crate) label: String,
}

impl Axis {
    /// An axis with round numbers, about `wanted` of them.
    pub(crate) fn new(
        scale: Scale,
        wanted: usize,
        write: impl Fn(f64) -> String,
        label: impl Into<String>,
    ) -> Self {
        let ticks = scale.ticks(wanted).into_iter();
        Self {
            scale,
            ticks: ticks.map(|at| (at, write(at))).collect(),
            label: label.into(),
        }
    }
}

/// One value, with its interval where it has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dot {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Whether it is drawn hollow, as something that does not count.
    pub(crate) is_doubtful: bool,
}

/// Something in a chart.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    /// A line through what is there; `None` interrupts it. Its name stands at its end.
    Line {
        points: Vec<Option<(f64, f64)>>,
        name: String,
        tone: Tone,
    },
    /// Values with intervals.
    Dots { dots: Vec<Dot>, tone: Tone },
    /// Bars from 0: from where to where, and how high.
    Bars { bars: Vec<(f64, f64, f64)> },
    /// A horizontal limit.
    Limit { y: f64, name: String },
    /// A vertical boundary, with a name to its right.
    Boundary { x: f64, name: String },
}

/// One chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) marks: Vec<Mark>,
}

/// The paper between the axes.
#[derive(Clone, Copy)]
struct Paper {
    left: f64,
    right: f64,
    x: Scale,
    y: Scale,
}

impl Paper {
    fn x(self, value: f64) -> f64 {
        self.left + self.x.place(value) * (self.right - self.left)
    }

    fn y(self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - BOTTOM - TOP)
    }
}

impl Chart {
    /// The content of an `svg` element of [`WIDTH`] by [`HEIGHT`].
    pub(crate) fn draw(&self) -> Markup {
        let longest = |texts: &mut dyn Iterator<Item = &String>| {
            texts
                .map(|text| text.chars().count().min(LONGEST_NAME))
                .max()
                .unwrap_or(0) as f64
        };
        let names = &mut self.marks.iter().filter_map(|mark| match mark {
            Mark::Line { name, .. } => Some(name),
            Mark::Dots { .. } | Mark::Bars { .. } | Mark::Limit { .. } | Mark::Boundary { .. } => {
                None
            }
        });
        let name_width = longest(names);
        let paper = Paper {
            left: 12.0 + longest(&mut self.y.ticks.iter().map(|(_, text)| text)) * LETTER.1,
            right: WIDTH - 14.0 - name_width * BOLD,
            x: self.x.scale,
            y: self.y.scale,
        };
        let mut svg = Markup::default();
        self.axes(&mut svg, paper);
        for mark in &self.marks {
            draw_mark(&mut svg, paper, mark);
        }
        self.names(&mut svg, paper);
        svg
    }

    fn axes(&self, svg: &mut Markup, paper: Paper) {
        let floor = HEIGHT - BOTTOM;
        for (value, text) in &self.y.ticks {
            let y = paper.y(*value);
            line(svg, "grid", (paper.left, y), (paper.right, y));
            write(svg, "end", (paper.left - 6.0, y + 5.0), text);
        }
        line(svg, "axis", (paper.left, floor), (paper.right, floor));
        let mut free_from = f64::NEG_INFINITY;
        for (value, text) in &self.x.ticks {
            let x = paper.x(*value);
            let half = text.chars().count() as f64 * LETTER.1 / 2.0;
            line(svg, "axis", (x, floor), (x, floor + 4.0));
            // What would run into its neighbour or over the edge is left out.
            if x - half >= free_from && x + half <= WIDTH {
                write(svg, "mid", (x, floor + 19.0), text);
                free_from = x + half + 6.0;
            }
        }
        write(svg, "unit", (4.0, 14.0), &self.y.label);
        write(svg, "unit end", (paper.right, HEIGHT - 6.0), &self.x.label);
    }

    /// The names of lines, at their ends and apart from each other.
    fn names(&self, svg: &mut Markup, paper: Paper) {
        let mut ends: Vec<(f64, f64, f64, &str, Tone)> = Vec::new();
        for mark in &self.marks {
            if let Mark::Line { points, name, tone } = mark
                && let Some(&(x, y)) = points.iter().flatten().next_back()
                && !name.is_empty()
            {
                ends.push((paper.y(y), paper.x(x), paper.y(y), name, *tone));
            }
        }
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let gap = LETTER.0 + 2.0;
        let mut lowest = TOP - gap;
        for end in &mut ends {
            end.0 = end.0.max(lowest + gap);
            lowest = end.0;
        }
        let mut highest = HEIGHT - BOTTOM + gap;
        for end in ends.iter_mut().rev() {
            end.0 = end.0.min(highest - gap);
            highest = end.0;
        }
        for (at, x, y, name, tone) in ends {
            if paper.right - x > 12.0 {
                line(svg, "leader", (x, y), (paper.right, at));
            }
            svg.raw("<text class=\"name ").raw(tone.class()).raw("\"");
            svg.attribute("x", paper.right + 6.0)
                .attribute("y", at + 5.0);
            svg.element(">", &shortened(name, LONGEST_NAME), "</text>");
        }
    }
}

fn draw_mark(svg: &mut Markup, paper: Paper, mark: &Mark) {
    let floor = HEIGHT - BOTTOM;
    match mark {
        Mark::Line { points, tone, .. } => {
            svg.raw("<path class=\"line ")
                .raw(tone.class())
                .raw("\" d=\"");
            let mut is_drawing = false;
            for (place, point) in points.iter().enumerate() {
                let Some((x, y)) = *point else {
                    is_drawing = false;
                    continue;
                };
                svg.raw(if is_drawing { "L" } else { "M" });
                svg.number(paper.x(x)).raw(" ").number(paper.y(y));
                // A point between gaps would not be seen.
                if !is_drawing && points.get(place + 1).is_none_or(Option::is_none) {
                    svg.raw("h0.1");
                }
                is_drawing = true;
            }
            svg.raw("\"/>");
        }
        Mark::Dots { dots, tone } => {
            for dot in dots {
                let (x, y) = (paper.x(dot.x), paper.y(dot.y));
                let end =
                    |value: Option<f64>, none: f64| value.map_or(none, |value| paper.y(value));
                if dot.low.is_some() || dot.high.is_some() {
                    // A side that is not bounded is open.
                    let (low, high) = (end(dot.low, y), end(dot.high, y));
                    svg.raw("<path class=\"whisker ")
                        .raw(tone.class())
                        .raw("\" d=\"M");
                    svg.number(x).raw(" ").number(low).raw("V").number(high);
                    for value in [dot.low, dot.high].into_iter().flatten() {
                        svg.raw("M")
                            .number(x - 4.0)
                            .raw(" ")
                            .number(paper.y(value))
                            .raw("h8");
                    }
                    svg.raw("\"/>");
                }
                svg.raw("<circle class=\"")
                    .raw(if dot.is_doubtful { "hollow " } else { "dot " });
                svg.raw(tone.class()).raw("\" r=\"4\"");
                svg.attribute("cx", x).attribute("cy", y).raw("/>");
            }
        }
        Mark::Bars { bars } => {
            for &(from, to, value) in bars.iter().filter(|bar| bar.2 > 0.0) {
                let (x, y) = (paper.x(from), paper.y(value));
                svg.raw("<rect class=\"bar\"")
                    .attribute("x", x)
                    .attribute("y", y);
                svg.attribute("width", (paper.x(to) - x - 1.0).max(0.8));
                svg.attribute("height", (floor - y).max(0.5)).raw("/>");
            }
        }
        Mark::Limit { y, name } => {
            let y = paper.y(*y);
            line(svg, "limit", (paper.left, y), (paper.right, y));
            // Beneath it where there is no room above.
            let at = if y < TOP + 10.0 { y + 16.0 } else { y - 5.0 };
            write(svg, "limit-name", (paper.left + 4.0, at), name);
        }
        Mark::Boundary { x, name } => {
            let x = paper.x(*x);
            line(svg, "boundary", (x, TOP - 6.0), (x, floor));
            write(svg, "boundary-name", (x + 3.0, TOP + 5.0), name);
        }
    }
}

fn line(svg: &mut Markup, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    svg.raw("<line class=\"").raw(class).raw("\"");
    svg.attribute("x1", from.0).attribute("y1", from.1);
    svg.attribute("x2", to.0).attribute("y2", to.1).raw("/>");
}

fn write(svg: &mut Markup, class: &'static str, at: (f64, f64), text: &str) {
    svg.raw("<text class=\"").raw(class).raw("\"");
    svg.attribute("x", at.0).attribute("y", at.1);
    svg.element(">", text, "</text>");
}

/// Whether the names of `count` boundaries over the whole width have room, each of at most `letters`.
pub(crate) fn have_room(count: usize, letters: usize) -> bool {
    count as f64 * (letters as f64 * LETTER.1 + 6.0) <= WIDTH - 150.0
}
