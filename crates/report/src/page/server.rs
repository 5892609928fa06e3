//! What the server says of itself.

use bench_contract::{Gauge, Report, ServerMetrics, ServerStage};

use super::table::{Cell, table};
use super::{LONGEST_MESSAGE, figures, list};
use crate::format::{amount, count, level, percent};
use crate::markup::{Markup, shortened};
use crate::plot::Plot;

/// Rows of a table.
const MOST_ROWS: usize = 60;

/// Addresses that are named.
const MOST_SOURCES: usize = 8;

/// Adds the section; nothing where the server was not asked.
pub(super) fn section(page: &mut Markup, report: &Report, plots: &[Plot]) {
    let Some(metrics) = &report.server_metrics else {
        return;
    };
    if metrics.stages.is_empty() && metrics.problems.is_empty() {
        return;
    }
    page.raw("<section>\n<h2>The server</h2>\n<p class=\"question\">What did the server itself see?</p>\n");
    list(page, "<ul>", &metrics.problems);
    if !plots.is_empty() {
        figures(page, plots);
    }
    if !metrics.stages.is_empty() {
        stages(page, metrics);
        sources(page, metrics);
    }
    page.raw("</section>\n");
}

fn stages(page: &mut Markup, metrics: &ServerMetrics) {
    let rows: Vec<Vec<Cell>> = metrics.stages.iter().take(MOST_ROWS).map(row).collect();
    page.raw("<h3>By its own metrics</h3>\n");
    let head = [
        "stage",
        "running",
        "most running",
        "waiting",
        "most waiting",
        "KV cache",
        "KV cache at most",
        "preemptions",
        "prefix hits",
        "tokens in",
        "tokens out",
        "tokens out here",
        "tokens out/s",
        "remark",
    ];
    table(page, &head, &rows);
    page.raw("<p class=\"small\">Running and waiting are means over the stage, summed over all servers; tokens are by the server’s own count, and “here” is what came to the generator.</p>\n");
}

fn row(stage: &ServerStage) -> Vec<Cell> {
    let number = |text: Option<String>| Cell::number(text.unwrap_or_default());
    let gauge = |gauge: Option<Gauge>, write: fn(f64) -> String| {
        let mean = number(gauge.map(|gauge| write(gauge.mean)));
        [mean, number(gauge.map(|gauge| write(gauge.max)))]
    };
    let mut cells = vec![Cell::number(stage.stage.to_string())];
    cells.extend(gauge(stage.running, level));
    cells.extend(gauge(stage.waiting, level));
    cells.extend(gauge(stage.kv_usage, percent));
    cells.extend([
        number(stage.preemptions.map(count)),
        number(stage.prefix_hit_rate.map(percent)),
        number(stage.prompt_tokens.map(count)),
        number(stage.generation_tokens.map(count)),
        Cell::number(count(stage.client_tokens)),
        number(stage.generation_tokens_per_s.map(amount)),
        match &stage.remark {
            Some(remark) => Cell::doubtful(shortened(remark, LONGEST_MESSAGE)),
            None => Cell::word(""),
        },
    ]);
    cells
}

fn sources(page: &mut Markup, metrics: &ServerMetrics) {
    let name = metrics.kind.map_or("the server", |kind| kind.name());
    let named: Vec<String> = metrics
        .sources
        .iter()
        .take(MOST_SOURCES)
        .map(|source| {
            let address = source.address.as_ref();
            let address = address.map_or_else(String::new, |address| format!(" at {address}"));
            let failed = match source.failed {
                0 => String::new(),
                n => format!(", {} failed", count(n)),
            };
            format!(
                "{}{address} ({} reads{failed})",
                source.url,
                count(source.reads)
            )
        })
        .collect();
    let more = match metrics.sources.len().saturating_sub(MOST_SOURCES) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    let text = format!(
        "The metrics of {name}, read every {} s: {}{more}.",
        metrics.interval_s,
        named.join("; ")
    );
    page.element(
        "<p class=\"small\">",
        &shortened(&text, 4 * LONGEST_MESSAGE),
        "</p>\n",
    );
}
