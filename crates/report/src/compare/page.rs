//! Comparisons as a page that loads nothing.

use super::table::differing;
use super::words::{alone, figure, interval, shift, summary};
use super::{Comparison, Gate, Row};
use crate::markup::Markup;
use crate::page::table::{Cell, table};
use crate::plot::{STYLE, forest};

/// Comparisons of several runs with one base as a page: below 2 MB, and no script in it.
#[must_use]
pub fn html(comparisons: &[(Comparison, Option<Gate>)]) -> String {
    let mut page = Markup::default();
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    page.raw(
        "<meta name=\"referrer\" content=\"no-referrer\">\n<title>Comparison</title>\n<style>\n",
    )
    .raw(STYLE)
    .raw(include_str!("../page/style.css"))
    .raw("</style>\n</head>\n<body>\n<main>\n");
    for (comparison, gate) in comparisons {
        one(&mut page, comparison, gate.as_ref());
    }
    page.raw("</main>\n</body>\n</html>\n");
    page.into_string()
}

fn one(page: &mut Markup, comparison: &Comparison, gate: Option<&Gate>) {
    page.raw("<header>\n<h1>")
        .text(&comparison.other)
        .raw(" beside ")
        .text(&comparison.base)
        .raw("</h1>\n</header>\n<section>\n");
    for sentence in summary(comparison) {
        page.element("<p class=\"decided\">", &sentence, "</p>\n");
    }
    page.raw("</section>\n<section>\n<h2>Shifts</h2>\n<p class=\"question\">How much has each latency shifted, and how sure is that?</p>\n<div class=\"plots\">\n<figure>\n");
    let picture = forest(comparison);
    page.element("<figcaption>", &picture.note, "</figcaption>\n")
        .append(&picture.inline())
        .raw("\n</figure>\n</div>\n</section>\n");
    figures(page, comparison);
    if let Some(gate) = gate {
        let title = format!("Regression gate: exit code {}", gate.exit_code().code());
        listed(page, &title, &super::words::gate(gate));
    }
    listed(page, "Not compared", &alone(comparison));
    listed(page, "In doubt", &comparison.doubts);
    listed(
        page,
        "What differs in the config",
        &differing(&comparison.config),
    );
    listed(
        page,
        "What differs in the environment",
        &differing(&comparison.environment),
    );
}

fn figures(page: &mut Markup, comparison: &Comparison) {
    page.raw("<section>\n<h2>Figures</h2>\n");
    let cells = |row: &Row| {
        vec![
            Cell::word(row.load.clone()),
            Cell::word(row.figure.to_string()),
            Cell::number(figure(row.figure, row.shift.base.value)),
            Cell::number(figure(row.figure, row.shift.other.value)),
            Cell::number(shift(row)),
            Cell::number(interval(row).unwrap_or_default()),
            Cell::word(if row.is_sure { "sure" } else { "" }),
        ]
    };
    let rows: Vec<Vec<Cell>> = comparison.rows.iter().map(cells).collect();
    let head = [
        "load",
        "figure",
        "base",
        "other",
        "shift",
        "95 % interval",
        "after Holm",
    ];
    table(page, &head, &rows);
    let note = format!(
        "Intervals are of each figure alone, in per cent of the base, of shares in points; a shift is called sure where it is so among all {} that were tested, over all runs that were compared with this base.",
        comparison.tested
    );
    page.element("<p class=\"small\">", &note, "</p>\n</section>\n");
}

fn listed(page: &mut Markup, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    page.element("<section>\n<h2>", title, "</h2>\n<ul>");
    for item in items {
        page.element("<li>", item, "</li>");
    }
    page.raw("</ul>\n</section>\n");
}
