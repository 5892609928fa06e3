//! What a plan cannot do, said before it costs anything.

use bench_contract::{Slo, SloStages};

use super::decidable::needed;
use super::{Assumption, StageName, StagePlan, plan};
use crate::problem::Problem;
use crate::scenario::{Run, SCENARIOS, join};

/// Local ports of a pod (`net.ipv4.ip_local_port_range`), and so its connections to one address.
const PORTS: f64 = 28_232.0;

/// How long a closed connection keeps its port.
const TIME_WAIT: f64 = 60.0;

/// Warnings about a run, if the server is as assumed: objectives that its number of requests can never pass, more
/// connections than a pod has, and replies that take longer than a request may.
#[must_use]
pub fn doubts(run: &Run, assumption: Assumption) -> Vec<Problem> {
    let plan = plan(run, assumption);
    let scenario = join(SCENARIOS, &run.scenario);
    let stages: Vec<&StagePlan> = plan
        .stages
        .iter()
        .filter(|stage| stage.name != StageName::WarmUp)
        .collect();
    let mut found = too_few_requests(run, &stages);
    let load = format!("{scenario}/load/stages");
    if let Some(connections) = plan.connections.filter(|&count| count > PORTS) {
        found.push(
            Problem::value(
                "B132",
                load.clone(),
                format!("about {connections:.0} requests would be in flight at once, and a pod has {PORTS:.0} ports to one address"),
            )
            .note(assumption.note())
            .help("spread the load over several Jobs")
            .warning(),
        );
    }
    let rates = stages.iter().flat_map(|stage| [stage.rate, stage.end_rate]);
    let fastest = rates.flatten().fold(0.0, f64::max);
    if plan.connections_are_fresh && fastest * TIME_WAIT > PORTS {
        found.push(
            Problem::value(
                "B132",
                "/benchmark/api/connections",
                format!("{fastest}/s new connections: a closed one keeps its port for {TIME_WAIT:.0} s, and a pod has {PORTS:.0} ports to one address"),
            )
            .help(format!("use connections: reuse, or at most {:.0}/s", (PORTS / TIME_WAIT).floor()))
            .warning(),
        );
    }
    let cap = run.config("").load.max_in_flight;
    if let Some((cap, needed)) = cap
        .zip(plan.connections)
        .filter(|&(cap, needed)| needed > f64::from(cap))
    {
        found.push(
            Problem::value(
                "B133",
                format!("{scenario}/load/maxInFlight"),
                format!(
                    "about {needed:.0} requests would be in flight at once, and {cap} are allowed"
                ),
            )
            .label("what is due beyond it is not sent, and its stage is invalid")
            .note(assumption.note())
            .help("remove it, or use type: concurrent to send no more than the server takes")
            .warning(),
        );
    }
    let limit = plan.request_timeout;
    if let Some(takes) = plan.request_seconds.filter(|&takes| takes > limit) {
        found.push(
            Problem::value(
                "B134",
                format!("{scenario}/data/output"),
                format!("a reply of mean length would take about {takes:.0} s, and a request is given up after {limit:.0} s"),
            )
            .label("such requests end as timeouts")
            .note(assumption.note())
            .help("ask for shorter replies")
            .warning(),
        );
    }
    found
}

fn too_few_requests(run: &Run, stages: &[&StagePlan]) -> Vec<Problem> {
    let config = run.config("");
    let own = run
        .benchmark()
        .scenarios
        .get(&run.scenario)
        .is_some_and(|scenario| scenario.slo.is_some());
    let list = if own {
        format!("{}/slo", join(SCENARIOS, &run.scenario))
    } else {
        "/benchmark/slo".to_owned()
    };
    let mut found = Vec::new();
    for (index, slo) in config.slo.iter().enumerate() {
        let Some(needed) = needed(slo) else { continue };
        let at = format!("{list}/{index}");
        let name = slo.describe();
        if needed.is_infinite() {
            found.push(
                Problem::value("B131", at, format!("`{name}` can never pass"))
                    .label("no number of requests proves that nothing ever fails")
                    .help("allow a small share, for example 0.001")
                    .warning(),
            );
            continue;
        }
        let Some((each, enough)) = short_of(slo, needed, stages) else {
            continue;
        };
        found.push(
            Problem::value(
                "B131",
                at,
                format!(
                    "`{name}` can never pass: it takes at least {needed:.0} requests, and {each}"
                ),
            )
            .label("the run would end inconclusive")
            .help(format!(
                "{enough}; requests that depend on each other need more"
            ))
            .warning(),
        );
    }
    found
}

/// Where an objective is judged on fewer requests than it needs, and what would be enough; none where it is not.
fn short_of(slo: &Slo, needed: f64, stages: &[&StagePlan]) -> Option<(String, String)> {
    if slo.stages == SloStages::Whole {
        let all: Option<f64> = stages.iter().map(|stage| stage.requests).sum();
        let all = all.filter(|&count| count < needed)?;
        return Some((
            format!("all stages together send about {all:.0}"),
            "make them longer".to_owned(),
        ));
    }
    let is_short = |stage: &&&StagePlan| {
        let is_judged = match stage.name {
            StageName::WarmUp => false,
            StageName::Measured(number) => {
                u32::try_from(number).is_ok_and(|number| slo.stages.has(number))
            }
        };
        is_judged && stage.requests.is_some_and(|count| count < needed)
    };
    let short: Vec<&&StagePlan> = stages.iter().filter(is_short).collect();
    let first = short.first()?;
    let each: Vec<String> = short
        .iter()
        .map(|stage| {
            let count = stage.requests.unwrap_or(0.0);
            format!("stage {} sends about {count:.0}", stage.name)
        })
        .collect();
    let enough = match (first.rate, first.end_rate) {
        (Some(rate), None) => format!(
            "at {rate}/s that is a duration of {:.0} s",
            (needed / rate).ceil()
        ),
        _ => "make it longer".to_owned(),
    };
    Some((each.join(", "), enough))
}
