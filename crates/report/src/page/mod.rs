//! `report.html`: a report as one page. It loads nothing and runs nothing; the verdict comes first.

mod decision;
mod facts;
mod objective;
mod server;
mod stages;
pub(crate) mod table;

use bench_contract::{Report, RunStatus};

use crate::format::count;
use crate::headline::Headline;
use crate::markup::{Markup, shortened};
use crate::plot::{self, Plot, STYLE};

use decision::decision;

pub(crate) use crate::plot::latency;

/// Letters of a message of the config's or the server's making.
const LONGEST_MESSAGE: usize = 400;

/// The page of a report: below 2 MB, whatever the run.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut page = Markup::default();
    head(&mut page, report);
    page.raw("<body>\n<main>\n");
    title(&mut page, report);
    verdict(&mut page, report);
    let plots = plot::plots(report);
    stages::asked_and_happened(&mut page, report);
    section(
        &mut page,
        "By load",
        "How does latency change with the load?",
        &plots.rate,
    );
    section(
        &mut page,
        "Percentiles",
        "Who waits how long?",
        &plots.curve,
    );
    section(&mut page, "Over time", "What happened when?", &plots.time);
    server::section(&mut page, report, &plots.server);
    section(
        &mut page,
        "Lengths",
        "How long were prompts and replies?",
        &plots.lengths,
    );
    stages::in_full(&mut page, report);
    if report.run.status != RunStatus::Unfinished {
        facts::arrivals(&mut page, report);
        facts::generator(&mut page, report);
    }
    facts::environment(&mut page, report);
    facts::config(&mut page, report);
    page.raw("</main>\n</body>\n</html>\n");
    page.into_string()
}

fn head(page: &mut Markup, report: &Report) {
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Whatever got in by mistake could still load nothing.
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    page.text(Headline::of(report).word())
        .raw(": ")
        .text(&report.run.id);
    page.raw("</title>\n<style>\n")
        .raw(STYLE)
        .raw(include_str!("style.css"));
    page.raw("</style>\n</head>\n");
}

fn title(page: &mut Markup, report: &Report) {
    let target = &report.target;
    page.raw("<header>\n");
    page.element(
        "<h1>",
        &shortened(&report.run.id, LONGEST_MESSAGE),
        "</h1>\n<p>",
    );
    page.element(
        "<strong>",
        &shortened(&target.model, LONGEST_MESSAGE),
        "</strong> at ",
    );
    page.text(&shortened(&target.base_url, LONGEST_MESSAGE));
    let streamed = if target.streaming {
        "streamed"
    } else {
        "not streamed"
    };
    page.text(&format!(
        " ({}, {}, {streamed}); {}, {} {}",
        target.server_type,
        target.api,
        facts::when(&report.run.origin),
        report.tool.name,
        report.tool.version
    ));
    page.raw("</p>\n</header>\n");
}

fn verdict(page: &mut Markup, report: &Report) {
    let headline = Headline::of(report);
    let decision = decision(report);
    page.raw("<section class=\"verdict ").raw(match headline {
        Headline::Pass => "good",
        Headline::Done => "plain",
        Headline::Inconclusive => "doubt",
        Headline::Interrupted
        | Headline::NoneSucceeded
        | Headline::Invalid
        | Headline::Fail
        | Headline::Error => "bad",
    });
    page.raw("\">\n")
        .element("<h2>", headline.word(), "</h2>\n");
    page.element("<p class=\"decided\">", &decision.decided, "</p>\n");
    list(page, "<ul>", &decision.because);
    page.raw("<p class=\"next\">What to do next</p>\n");
    list(page, "<ul>", &decision.next);
    page.element(
        "<p class=\"small\">",
        &format!("Exit code {}.", report.verdict.exit_code),
        "</p>\n",
    );
    page.raw("</section>\n");
    if report.run.status != RunStatus::Complete && headline != Headline::Interrupted {
        page.raw("<section>\n<h2>Not complete</h2>\n");
        list(page, "<ul>", &report.run.partial_because);
        page.raw("</section>\n");
    }
}

fn list(page: &mut Markup, open: &'static str, items: &[String]) {
    /// The rest is in report.json.
    const MOST: usize = 20;
    if items.is_empty() {
        return;
    }
    page.raw(open);
    for item in items.iter().take(MOST) {
        page.raw("<li>");
        prose(page, &shortened(item, 2 * LONGEST_MESSAGE));
        page.raw("</li>");
    }
    if items.len() > MOST {
        let rest = count((items.len() - MOST) as u64);
        page.element("<li>", &format!("and {rest} more, in report.json"), "</li>");
    }
    page.raw("</ul>\n");
}

/// Adds text in which what stands between backticks is code.
fn prose(page: &mut Markup, text: &str) {
    let mut rest = text;
    while let Some((before, (code, after))) = rest
        .split_once('`')
        .and_then(|(before, after)| Some((before, after.split_once('`')?)))
    {
        page.text(before).element("<code>", code, "</code>");
        rest = after;
    }
    page.text(rest);
}

fn section(page: &mut Markup, name: &'static str, question: &'static str, plots: &[Plot]) {
    if plots.is_empty() {
        return;
    }
    page.raw("<section>\n<h2>")
        .raw(name)
        .raw("</h2>\n<p class=\"question\">")
        .raw(question);
    page.raw("</p>\n");
    figures(page, plots);
    page.raw("</section>\n");
}

fn figures(page: &mut Markup, plots: &[Plot]) {
    page.raw("<div class=\"plots\">\n");
    for plot in plots {
        page.raw("<figure>\n<figcaption>")
            .element("<strong>", &plot.title, "</strong>");
        if !plot.note.is_empty() {
            page.raw(" ").text(&plot.note);
        }
        page.raw("</figcaption>\n")
            .append(&plot.inline())
            .raw("\n</figure>\n");
    }
    page.raw("</div>\n");
}
