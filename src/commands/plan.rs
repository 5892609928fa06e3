//! `benchctl plan`.

use bench_contract::{Seconds, Slo, SloMetric};
use serde_json::{Value, json};

use super::chart_with_scenarios;
use crate::cli::{PlanArgs, PlanFormat};
use crate::diagnostics::located;
use crate::output::{Failure, Output};
use crate::pipeline::{Checked, Skip, Wanted, Whole};
use crate::plan::{Assumption, Plan, StagePlan, doubts, plan};
use crate::problem::REPORT;
use crate::scenario::Run;
use crate::values::load;

const NOTHING: &str = "nothing was planned";

pub(super) fn run(args: &PlanArgs, output: &Output) -> Result<(), Failure> {
    let failed = |problems| Failure::of(problems, NOTHING);
    if args
        .price_per_hour
        .is_some_and(|price| !price.is_finite() || price < 0.0)
    {
        return Err(Failure::usage(
            "--price-per-hour: a price is at least 0",
            "for example --price-per-hour 32.77",
        ));
    }
    let chart = chart_with_scenarios(args.values.chart.as_deref(), NOTHING)?;
    let loaded = load(&args.values.sources());
    let Whole {
        merged,
        run,
        rendered,
        objects,
    } = Checked::new(&chart, loaded, Skip::default())
        .whole(&chart, Wanted::default())
        .map_err(|refused| failed(refused.problems))?;
    let mut warnings = merged.warnings.clone();
    warnings.extend(
        doubts(&run)
            .iter()
            .map(|p| located(p, Some(&merged.effective))),
    );
    output.warn(&warnings);
    let planned = plan(&run, assumption(args, &run));
    let deadline = objects
        .iter()
        .find_map(|object| object.pointer("/spec/activeDeadlineSeconds")?.as_u64());
    let rest = Rest {
        job: &rendered.name,
        namespace: &run.benchmark().namespace,
        config_bytes: rendered.config_yml.len(),
        deadline,
        price_per_hour: args.price_per_hour,
    };
    match args.output {
        PlanFormat::Table => output.data(&table(&planned, &rest)),
        PlanFormat::Json => output.data(&format!("{:#}\n", data(&planned, &rest)?)),
    }
}

/// What is known beside the plan itself.
struct Rest<'a> {
    job: &'a str,
    namespace: &'a str,
    config_bytes: usize,
    deadline: Option<u64>,
    price_per_hour: Option<f64>,
}

impl Rest<'_> {
    fn cost(&self, seconds: f64) -> Option<f64> {
        Some(self.price_per_hour? * seconds / 3600.0)
    }
}

/// The user's word, else what the objectives allow, else a guess.
fn assumption(args: &PlanArgs, run: &Run) -> Assumption {
    let config = run.config("");
    let limit = |metrics: &[SloMetric]| {
        let limits = |slo: &&Slo| metrics.contains(&slo.metric) && slo.max.is_some();
        config
            .slo
            .iter()
            .find(limits)
            .and_then(|slo| Some(slo.max?.get()))
    };
    let guess = Assumption::default();
    Assumption {
        ttft: args
            .ttft
            .map(Seconds::get)
            .or_else(|| limit(&[SloMetric::TtftScheduled, SloMetric::Ttft]))
            .unwrap_or(guess.ttft),
        tpot: args
            .tpot
            .map(Seconds::get)
            .or_else(|| limit(&[SloMetric::Tpot]))
            .unwrap_or(guess.tpot),
    }
}

fn data(plan: &Plan, rest: &Rest<'_>) -> Result<Value, Failure> {
    let mut data = serde_json::to_value(plan)
        .map_err(|error| Failure::io(format!("cannot write the plan: {error}"), REPORT))?;
    data["job"] = json!(rest.job);
    data["namespace"] = json!(rest.namespace);
    data["config_map_bytes"] = json!(rest.config_bytes);
    data["active_deadline_seconds"] = json!(rest.deadline);
    if rest.price_per_hour.is_some() {
        data["cost"] = json!(rest.cost(plan.seconds));
        data["cost_at_most"] = json!(rest.cost(plan.seconds_at_most));
    }
    Ok(data)
}

fn table(plan: &Plan, rest: &Rest<'_>) -> String {
    let mut lines = vec![
        row(
            "scenario",
            &[plan.scenario.as_str(), &plan.description].join(": "),
        ),
        row("target", &plan.target),
        row(
            "job",
            &format!("{} in {}, engine {}", rest.job, rest.namespace, plan.engine),
        ),
    ];
    lines.push(String::new());
    lines.extend(stage_table(&plan.stages));
    if let Some(search) = &plan.search {
        lines.push(row("search", search));
    }
    lines.push(String::new());
    let tokens = match (plan.input_tokens, plan.output_tokens) {
        (Some(input), Some(output)) => format!(
            ", {} tokens in, {} out",
            thousands(input),
            thousands(output)
        ),
        _ => ", of lengths that the data decides".to_owned(),
    };
    let more = if plan.search.is_some() {
        "at least "
    } else {
        ""
    };
    lines.push(row(
        "requests",
        &format!("{more}{}{tokens}", thousands(plan.requests)),
    ));
    lines.push(row(
        "time",
        &format!(
            "about {}; at most {}, if each stage drains for the {} that a request may take",
            time(plan.seconds),
            time(plan.seconds_at_most),
            time(plan.request_timeout)
        ),
    ));
    if let Some(deadline) = rest.deadline {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 seconds")]
        let deadline = deadline as f64;
        lines.push(row(
            "deadline",
            &format!(
                "the Job is ended after {}, retries and waiting included",
                time(deadline)
            ),
        ));
    }
    if let Some(connections) = plan.connections {
        let kind = if plan.connections_are_fresh {
            format!(
                "a new one for each of {} requests, ",
                thousands(plan.requests)
            )
        } else {
            String::new()
        };
        lines.push(row(
            "connections",
            &format!("{kind}up to {} at once", thousands(connections)),
        ));
    }
    lines.push(row(
        "config.yml",
        &format!("{} bytes; a ConfigMap holds 1,048,576", rest.config_bytes),
    ));
    if let Some(cost) = rest.cost(plan.seconds) {
        let most = rest.cost(plan.seconds_at_most).unwrap_or(cost);
        lines.push(row(
            "cost",
            &format!("about {cost:.2}; at most {most:.2}, starting the server not included"),
        ));
    }
    if plan.connections.is_some() {
        lines.push(row("assumed", &format!(
            "requests in flight = rate x (ttft + (output - 1) x tpot), at ttft {} and tpot {} (--ttft, --tpot)",
            milliseconds(plan.assumption.ttft),
            milliseconds(plan.assumption.tpot)
        )));
    }
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

fn row(name: &str, text: &str) -> String {
    format!("{name:12}{}", text.trim_end_matches(": "))
}

fn stage_table(stages: &[StagePlan]) -> Vec<String> {
    if stages.is_empty() {
        return Vec::new();
    }
    let shown = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), thousands);
    let mut rows = vec![
        [
            "STAGE",
            "LOAD",
            "FOR",
            "REQUESTS",
            "TOKENS IN",
            "TOKENS OUT",
            "IN FLIGHT",
        ]
        .map(str::to_owned),
    ];
    for stage in stages {
        let about = if stage.process == "poisson" { "~" } else { "" };
        rows.push([
            stage.name.clone(),
            format!("{} {}/s", stage.process, stage.rate),
            time(stage.duration),
            format!("{about}{}", thousands(stage.requests)),
            shown(stage.input_tokens),
            shown(stage.output_tokens),
            shown(stage.in_flight),
        ]);
    }
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..7).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, &width))| match column {
                    0 | 1 => format!("{cell:width$}"),
                    _ => format!("{cell:>width$}"),
                })
                .collect();
            cells.join("  ")
        })
        .collect()
}

/// `12,345`.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1h 5m`, `15m 3s`, `45s`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "non-negative; `as` saturates"
)]
fn time(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "m"), (rest, "s")];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown.join(" ")
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{} ms", (seconds * 1e5).round() / 100.0)
}
