//! What the figures rest on: arrivals, the generator's own health, environment, config.

use bench_contract::{Metric, Report, StageReport};

use super::table::{Cell, pairs, table};
use crate::format::{Latency, count, percent};
use crate::markup::{Markup, shortened};

/// Rows of a table.
const MOST_ROWS: usize = 60;

/// Letters of the config; a list of a thousand stages is longer.
const LONGEST_CONFIG: usize = 200_000;

fn rows(report: &Report, row: impl Fn(&StageReport) -> Vec<Cell>) -> Vec<Vec<Cell>> {
    report.stages.iter().take(MOST_ROWS).map(row).collect()
}

/// The self-test of arrivals.
pub(super) fn arrivals(page: &mut Markup, report: &Report) {
    if report.stages.is_empty() {
        return;
    }
    page.raw("<section>\n<h2>Arrivals</h2>\n<p class=\"question\">Was the load what it says? Tested on the instants at which requests left.</p>\n");
    let value =
        |value: Option<f64>| Cell::number(value.map_or_else(String::new, |x| format!("{x:.3}")));
    let rows = rows(report, |stage| {
        let test = &stage.arrivals;
        vec![
            Cell::number(stage.stage.to_string()),
            Cell::word(stage.load.to_string()),
            Cell::word(test.verdict.clone()),
            Cell::number(count(test.count)),
            value(test.gap_cv),
            value(test.ks_distance),
            value(test.ks_p_value),
            value(test.dispersion_1s),
            value(test.lag1),
        ]
    });
    let head = [
        "stage",
        "asked",
        "verdict",
        "requests",
        "gap CV",
        "KS distance",
        "KS p",
        "dispersion (1 s)",
        "lag-1 correlation",
    ];
    table(page, &head, &rows);
    page.raw("<p class=\"small\">Gap CV is 0 for equal gaps and 1 for Poisson; KS p below 0.01 means that the gaps are not distributed as asked; dispersion is 1 for Poisson and near 0 for equal gaps.</p>\n</section>\n");
}

/// How the generator did.
pub(super) fn generator(page: &mut Markup, report: &Report) {
    if report.stages.is_empty() {
        return;
    }
    page.raw("<section>\n<h2>The generator</h2>\n<p class=\"question\">Are these figures the server’s, or the generator’s own?</p>\n");
    let rows = rows(report, |stage| {
        let health = &stage.health;
        let latency = |value: Option<f64>| {
            Cell::number(value.map_or_else(String::new, |s| Latency(s).to_string()))
        };
        let delay = |p: f64| {
            latency(
                stage
                    .metrics
                    .get(&Metric::ScheduleDelay)
                    .and_then(|delay| delay.percentile(p)),
            )
        };
        let lag = health.event_loop_lag.as_ref();
        let greatest = |values: &mut dyn Iterator<Item = f64>| values.max_by(f64::total_cmp);
        let busiest = greatest(&mut health.workers.iter().map(|worker| worker.busy));
        let waited = greatest(
            &mut health
                .workers
                .iter()
                .filter_map(|worker| worker.run_delay_s),
        );
        let verdict = match stage.validity.state {
            bench_contract::ValidityState::Valid => Cell::good("valid"),
            bench_contract::ValidityState::Suspect => Cell::doubtful("suspect"),
            bench_contract::ValidityState::Invalid => Cell::bad("invalid"),
        };
        vec![
            Cell::number(stage.stage.to_string()),
            verdict,
            Cell::word(shortened(
                &stage.validity.reasons.join("; "),
                super::LONGEST_MESSAGE,
            )),
            delay(50.0),
            delay(99.0),
            latency(lag.map(|lag| lag.p99_s)),
            latency(lag.map(|lag| lag.max_s)),
            Cell::number(busiest.map_or_else(String::new, percent)),
            latency(waited),
            latency(health.throttled_s),
            Cell::number(count(health.in_flight_max)),
            Cell::number(count(health.connections_opened)),
            Cell::number(count(health.socket_errors)),
        ]
    });
    let head = [
        "stage",
        "verdict",
        "why",
        "schedule delay P50",
        "schedule delay P99",
        "event-loop lag P99",
        "greatest lag",
        "busiest worker",
        "waited for a CPU",
        "throttled",
        "most in flight",
        "connections",
        "refused sockets",
    ];
    table(page, &head, &rows);
    page.raw("<p class=\"small\">Schedule delay is how late requests left; the event-loop lag is how late replies may have been stamped. Both are the generator’s own, and beyond 10 ms (or 2 % of the median TTFT) at P99 a stage is invalid.</p>\n</section>\n");
}

/// Where it ran, and what it ran against.
pub(super) fn environment(page: &mut Markup, report: &Report) {
    let (run, environment, target) = (&report.run, &report.environment, &report.target);
    page.raw("<section>\n<h2>Environment</h2>\n");
    let some = |n: u32| if n == 0 { String::new() } else { n.to_string() };
    let short = |text: &str| shortened(text, super::LONGEST_MESSAGE).into_owned();
    pairs(
        page,
        &[
            ("run", short(&run.id)),
            ("started", when(&run.origin)),
            (
                "took",
                format!("{}, drain included", Latency(run.duration_s)),
            ),
            ("seed", run.seed.to_string()),
            ("prompts", short(&run.prompts)),
            ("server", short(&target.base_url)),
            ("addresses", short(&target.addresses.join(", "))),
            (
                "generator",
                format!("{} {}", report.tool.name, report.tool.version),
            ),
            ("host", short(&environment.host)),
            ("kernel", short(&environment.kernel)),
            ("CPUs", some(environment.cpus)),
            ("workers", some(environment.workers)),
            ("clock", environment.clock.clone()),
            ("CPU time", Latency(run.usage.cpu_s).to_string()),
            (
                "memory",
                run.usage.rss_max_bytes.map_or_else(String::new, |bytes| {
                    format!("{:.1} MiB at most", bytes as f64 / 1_048_576.0)
                }),
            ),
            (
                "definitions",
                format!("version {}", report.definitions_version),
            ),
            ("percentiles", report.percentile_method.clone()),
        ],
    );
    page.raw("</section>\n");
}

/// `2026-11-24T19:58:28.370Z` as people write it; anything else as it is.
pub(super) fn when(instant: &str) -> String {
    match instant.get(..19).zip(instant.strip_suffix('Z')) {
        Some((whole, _)) => format!("{} UTC", whole.replace('T', " ")),
        None => shortened(instant, super::LONGEST_MESSAGE).into_owned(),
    }
}

/// The config as it ran.
pub(super) fn config(page: &mut Markup, report: &Report) {
    page.raw("<section>\n<h2>Config</h2>\n<p class=\"question\">As it ran, secrets left out. With the seed above, <code>loadgen -c</code> sends the same again.</p>\n<pre>");
    let text =
        serde_yaml::to_string(&report.config).unwrap_or_else(|_| crate::json(&report.config));
    page.text(&shortened(&text, LONGEST_CONFIG))
        .raw("</pre>\n</section>\n");
}
