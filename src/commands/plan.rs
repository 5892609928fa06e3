//! `benchctl plan`.

use bench_contract::config::LoadType;
use serde_json::{Value, json};

use super::{chart_with_scenarios, is_disabled};
use crate::cli::{PlanArgs, PlanFormat};
use crate::diagnostics::located;
use crate::output::{Failure, Output};
use crate::pipeline::{Checked, Skip, Wanted, Whole};
use crate::plan::{Assumption, Plan, StagePlan, doubts, milliseconds, plan};
use crate::problem::REPORT;
use crate::table::{Side, lines};
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
    let checked = Checked::new(&chart, load(&args.values.sources()), Skip::default());
    if is_disabled(&checked, output, "plan") {
        return Ok(());
    }
    let Whole {
        merged,
        run,
        rendered,
        objects,
    } = checked
        .whole(&chart, Wanted::default())
        .map_err(|refused| failed(refused.problems))?;
    let assumption = Assumption::of(&run).with(args.ttft, args.tpot);
    let mut warnings = merged.warnings.clone();
    warnings.extend(
        doubts(&run, assumption)
            .iter()
            .map(|p| located(p, Some(&merged.effective))),
    );
    output.warn(&warnings);
    let planned = plan(&run, assumption);
    let deadline = objects
        .iter()
        .find_map(|object| object.pointer("/spec/activeDeadlineSeconds")?.as_u64());
    let rest = Rest {
        job: &rendered.name,
        namespace: &run.benchmark().namespace,
        config_map_bytes: config_map_bytes(&objects),
        deadline,
        price_per_hour: args.price_per_hour,
    };
    match args.output {
        PlanFormat::Table => output.data(&table(&planned, &rest)),
        PlanFormat::Json => output.data(&format!("{:#}\n", data(&planned, &rest)?)),
    }
}

/// Bytes of data in the ConfigMap that the Job reads, as an API server counts them.
fn config_map_bytes(objects: &[Value]) -> usize {
    let map = objects
        .iter()
        .find(|object| object.pointer("/data/config.yml").is_some());
    let values = ["data", "binaryData"]
        .into_iter()
        .filter_map(|section| map?.get(section)?.as_object());
    values
        .flat_map(|entries| entries.values())
        .filter_map(Value::as_str)
        .map(str::len)
        .sum()
}

/// What is known beside the plan itself.
struct Rest<'a> {
    job: &'a str,
    namespace: &'a str,
    config_map_bytes: usize,
    deadline: Option<u64>,
    price_per_hour: Option<f64>,
}

impl Rest<'_> {
    fn cost(&self, seconds: f64) -> Option<f64> {
        Some(self.price_per_hour? * seconds / 3600.0)
    }
}

fn data(plan: &Plan, rest: &Rest<'_>) -> Result<Value, Failure> {
    let mut data = serde_json::to_value(plan)
        .map_err(|error| Failure::io(format!("cannot write the plan: {error}"), REPORT))?;
    data["job"] = json!(rest.job);
    data["namespace"] = json!(rest.namespace);
    data["config_map_bytes"] = json!(rest.config_map_bytes);
    data["active_deadline_seconds"] = json!(rest.deadline);
    if rest.price_per_hour.is_some() {
        data["cost"] = json!(rest.cost(plan.seconds));
        data["cost_at_most"] = json!(plan.seconds_at_most.and_then(|most| rest.cost(most)));
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
    let more = if plan.is_open() { "at least " } else { "" };
    let counted = if plan.is_open() && plan.requests == 0.0 {
        "those of the trace, with its lengths".to_owned()
    } else {
        format!("{more}{}{tokens}", thousands(plan.requests))
    };
    lines.push(row("requests", &counted));
    let limit = time(plan.request_timeout);
    lines.push(row(
        "time",
        &match plan.seconds_at_most {
            Some(most) => format!(
                "about {}; at most {}, if each stage drains for the {limit} that a request may take",
                time(plan.seconds),
                time(most)
            ),
            None => format!(
                "that of the trace, which only the pod can read, and at most {limit} for each stage to drain"
            ),
        },
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
        "ConfigMap",
        &format!("{} bytes; the limit is 1,048,576", rest.config_map_bytes),
    ));
    if let Some(cost) = rest.cost(plan.seconds) {
        let most = plan.seconds_at_most.and_then(|most| rest.cost(most));
        let text = match most {
            Some(most) => {
                format!("about {cost:.2}; at most {most:.2}, starting the server not included")
            }
            None => "that of the trace's time".to_owned(),
        };
        lines.push(row("cost", &text));
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
        let about = |is_about: bool| if is_about { "~" } else { "" };
        let is_random = match stage.process {
            LoadType::Poisson | LoadType::Gamma => true,
            LoadType::Constant
            | LoadType::Concurrent
            | LoadType::TraceReplay
            | LoadType::TraceSessionReplay => false,
        };
        let by_the_clock =
            stage.concurrency.is_some() && stage.requests.is_none_or(|n| n.fract() != 0.0);
        let process = stage.process.as_str();
        let load = match (stage.rate, stage.end_rate, stage.concurrency) {
            (Some(first), Some(last), _) => format!("{process} {first} to {last}/s"),
            (Some(rate), None, _) => format!("{process} {rate}/s"),
            (None, _, Some(lanes)) => format!("{process} {lanes} at once"),
            (None, _, None) => process.to_owned(),
        };
        rows.push([
            stage.name.to_string(),
            load,
            stage.duration.map_or_else(|| "-".to_owned(), time),
            format!(
                "{}{}",
                about(is_random || by_the_clock),
                shown(stage.requests)
            ),
            shown(stage.input_tokens),
            shown(stage.output_tokens),
            shown(stage.in_flight),
        ]);
    }
    let mut sides = [Side::Right; 7];
    sides[..2].fill(Side::Left);
    lines(sides, &rows)
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
