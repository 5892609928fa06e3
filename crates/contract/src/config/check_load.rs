//! What is wrong with `load`.

use super::load::MOST_STEPS;
use super::problem::{KeyPath, Problems, Text};
use super::{Config, Load, LoadType, Stage};
use crate::units::{RequestsPerSecond, Seconds};

/// More requests than this in one stage are a mistake of units.
const MOST_REQUESTS: f64 = 10_000_000.0;

impl Config {
    pub(super) fn check_load(&self, found: &mut Problems) {
        let load = &self.load;
        let has_trace = load.kind == LoadType::TraceReplay && load.trace.is_some();
        if load.stages.is_empty() && load.sweep.is_none() && !has_trace {
            found.error(
                "load.stages",
                "there is nothing to send: no stage and no sweep",
                match load.kind {
                    LoadType::Concurrent => closed_example("for example "),
                    LoadType::TraceReplay => "for example trace: {file: /traces/azure.csv}".into(),
                    _ => "for example stages: [{rate: 1, duration: 60}]".into(),
                },
            );
        }
        for (index, stage) in load.stages.iter().enumerate() {
            let path = KeyPath::from("load.stages").index(index);
            match load.kind {
                LoadType::Constant | LoadType::Poisson | LoadType::Gamma => {
                    check_rate(&path, stage, found);
                }
                LoadType::Concurrent => check_closed(&path, stage, found),
                LoadType::TraceReplay => check_replay(&path, stage, found),
                LoadType::TraceSessionReplay => {}
            }
        }
        check_kind(load, found);
        check_warmup(load, found);
        check_cancel(load, found);
        check_adapters(load, found);
        if load.request_timeout.is_some_and(|limit| limit.get() == 0.0) {
            found.error(
                "load.request_timeout",
                "a limit of 0 s ends every request",
                "remove it for the default of 300 s",
            );
        }
    }
}

/// Keys that belong to one load type.
fn check_kind(load: &Load, found: &mut Problems) {
    match (load.kind, load.burstiness) {
        (LoadType::Gamma, None) => found.error(
            "load.type",
            "`gamma` arrivals need `burstiness`",
            "add burstiness, for example burstiness: 0.5 (1 is Poisson, less is burstier)",
        ),
        (LoadType::Gamma, Some(_)) | (_, None) => {}
        (_, Some(_)) => found.error(
            "load.burstiness",
            "`burstiness` belongs to `load.type: gamma`",
            "remove it, or set type: gamma",
        ),
    }
    match (load.kind, &load.trace) {
        (LoadType::TraceReplay, Some(trace)) if trace.file.is_empty() => found.error(
            "load.trace.file",
            "the path of the trace is empty",
            "for example /traces/azure.csv",
        ),
        (LoadType::TraceReplay, None) => found.error(
            "load.type",
            "`trace_replay` needs a `trace`",
            "add one, for example trace: {file: /traces/azure.csv}",
        ),
        (LoadType::TraceReplay, Some(_)) | (_, None) => {}
        (_, Some(_)) => found.warn(
            "load.trace",
            "`trace` has no effect but under `load.type: trace_replay`",
            "remove it, or set type: trace_replay",
        ),
    }
    match load.max_in_flight {
        Some(0) => found.error(
            "load.max_in_flight",
            "a cap of 0 sends nothing",
            "remove it: without it there is no cap",
        ),
        Some(_) if load.kind == LoadType::Concurrent => found.error(
            "load.max_in_flight",
            Text::from("a closed loop has `")
                .name(a_stage().key("concurrency_level"))
                .words("` requests in flight and no other cap"),
            "remove it",
        ),
        Some(_) | None => {}
    }
}

fn check_warmup(load: &Load, found: &mut Problems) {
    let Some(warmup) = &load.warmup else { return };
    let first = load.stages.first().and_then(|stage| stage.rate);
    if warmup.duration.get() == 0.0 {
        found.warn(
            "load.warmup.duration",
            "a warm-up of 0 s sends nothing",
            "remove it",
        );
    } else if let (true, Some(rate)) = (load.kind.has_rate(), first) {
        check_count(
            &KeyPath::from("load.warmup"),
            rate,
            rate,
            warmup.duration,
            found,
        );
    }
}

/// How far from 1 the shares of adapters may add up to: what is written with decimals is rarely 1 to the last bit.
const ROUNDING: f64 = 1e-6;

fn check_adapters(load: &Load, found: &mut Problems) {
    let split = load.lora_traffic_split.as_deref().unwrap_or_default();
    let path = KeyPath::from("load.lora_traffic_split");
    for (index, share) in split.iter().enumerate() {
        let here = path.index(index);
        if !(0.0..=1.0).contains(&share.split) {
            found.error(
                here.key("split"),
                format!("a share of {} is not between 0 and 1", share.split),
                "for example 0.25",
            );
            return;
        }
        if share.name.is_empty() {
            found.error(
                here.key("name"),
                "an adapter without a name cannot be asked for",
                "write the name by which the server serves it",
            );
        } else if split
            .iter()
            .take(index)
            .any(|other| other.name == share.name)
        {
            found.error(
                here.key("name"),
                format!("the adapter `{}` has a share already", share.name),
                "add the two shares up",
            );
        }
    }
    let sum: f64 = split.iter().map(|share| share.split).sum();
    if !split.is_empty() && (sum - 1.0).abs() > ROUNDING {
        found.error(
            path,
            format!(
                "the shares add up to {}, not to 1",
                (sum * 1e9).round() / 1e9
            ),
            "requests for the model itself have a share too: name it among the adapters",
        );
    }
}

fn check_cancel(load: &Load, found: &mut Problems) {
    let Some(cancel) = &load.cancel else { return };
    if cancel.fraction.get() >= 1.0 {
        found.error(
            "load.cancel.fraction",
            "a share of 1 gives up every request, and nothing is measured",
            "for example fraction: 0.05",
        );
    } else if cancel.after.get() >= load.request_timeout().get() {
        found.warn(
            "load.cancel.after",
            format!(
                "no request lives for {}: the request timeout is {}",
                cancel.after,
                load.request_timeout()
            ),
            "lower it, or raise the request timeout",
        );
    }
}

fn check_rate(path: &KeyPath, stage: &Stage, found: &mut Problems) {
    if stage.num_requests.is_some() || stage.concurrency_level.is_some() {
        found.error(
            path.clone(),
            of_closed_loops(path),
            "give `rate` and `duration`",
        );
        return;
    }
    match (stage.steps, stage.end_rate) {
        (Some(_), None) => found.error(
            path.key("steps"),
            Text::from("`steps` lead to an `")
                .name(path.key("end_rate"))
                .words("`, and there is none"),
            Text::from("add it, for example ")
                .name(path.key("end_rate"))
                .words(": 50"),
        ),
        (Some(steps), Some(_)) if !(2..=MOST_STEPS).contains(&steps) => found.error(
            path.key("steps"),
            Text::from(format!("{steps} steps: from `rate` to `"))
                .name(path.key("end_rate"))
                .words(format!("` it takes 2 to {MOST_STEPS}")),
            "remove it: without steps the rate changes linearly",
        ),
        _ => {}
    }
    let (Some(rate), Some(duration)) = (stage.rate, stage.duration) else {
        for (name, missing, example) in [
            ("rate", stage.rate.is_none(), "rate: 15"),
            ("duration", stage.duration.is_none(), "duration: 600"),
        ] {
            if missing {
                let help = format!("add it, for example {example}");
                found.error(path.clone(), format!("the stage has no `{name}`"), help);
            }
        }
        return;
    };
    check_count(path, rate, stage.end_rate.unwrap_or(rate), duration, found);
}

/// Checks that a rate from `first` to `last` for `duration` is a number of requests that can be planned.
fn check_count(
    path: &KeyPath,
    first: RequestsPerSecond,
    last: RequestsPerSecond,
    duration: Seconds,
    found: &mut Problems,
) {
    let expected = f64::midpoint(first.get(), last.get()) * duration.get();
    let rate = if first == last {
        first.to_string()
    } else {
        format!("{} to {last}", first.get())
    };
    if expected < 1.0 {
        found.error(
            path.key("duration"),
            format!("{rate} for {duration} is less than one request"),
            "raise the rate or the duration",
        );
    } else if expected > MOST_REQUESTS {
        found.error(
            path.key("duration"),
            format!("{rate} for {duration} are {expected:.0} requests, more than {MOST_REQUESTS:.0} a stage"),
            "rate is in requests per second, duration in seconds",
        );
    }
}

fn check_closed(path: &KeyPath, stage: &Stage, found: &mut Problems) {
    if stage.rate.is_some() || stage.end_rate.is_some() || stage.steps.is_some() {
        found.error(
            path.clone(),
            "a closed loop has no rate: a request is sent when another one has ended",
            closed_example("for example "),
        );
        return;
    }
    match stage.concurrency_level {
        None => found.error(
            path.clone(),
            Text::from("the stage has no `")
                .name(path.key("concurrency_level"))
                .words("`"),
            Text::from("add it, for example ")
                .name(path.key("concurrency_level"))
                .words(": 10"),
        ),
        Some(0) => found.error(
            path.key("concurrency_level"),
            "no request at once sends nothing",
            "for example 10",
        ),
        Some(_) => {}
    }
    #[expect(clippy::cast_precision_loss, reason = "compared with ten million")]
    match (stage.num_requests, stage.duration) {
        (None, None) => found.error(
            path.clone(),
            Text::from("the stage has neither `")
                .name(path.key("num_requests"))
                .words("` nor `duration`"),
            Text::from("add one of them, for example ")
                .name(path.key("num_requests"))
                .words(": 1000"),
        ),
        (Some(_), Some(_)) => found.error(
            path.clone(),
            Text::from("`")
                .name(path.key("num_requests"))
                .words("` and `duration` both say when the stage ends"),
            "keep one of them",
        ),
        (Some(0), None) => found.error(
            path.key("num_requests"),
            "no request sends nothing",
            "for example 1000",
        ),
        (Some(count), None) if count as f64 > MOST_REQUESTS => found.error(
            path.key("num_requests"),
            format!("{count} requests are more than {MOST_REQUESTS:.0} a stage"),
            "use several stages",
        ),
        (None, Some(duration)) if duration.get() == 0.0 => found.error(
            path.key("duration"),
            "a stage of 0 s sends nothing",
            "for example duration: 60",
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
}

/// inference-perf wants `rate` and `duration` here; without `rate`, `duration` is where the replay ends.
fn check_replay(path: &KeyPath, stage: &Stage, found: &mut Problems) {
    if stage.num_requests.is_some() || stage.concurrency_level.is_some() {
        found.error(
            path.clone(),
            of_closed_loops(path),
            "give `duration`, or nothing for the whole trace",
        );
    } else if stage.end_rate.is_some() || stage.steps.is_some() {
        found.error(
            path.clone(),
            "the trace says when requests arrive: there is no rate to change",
            "remove it; trace: {speedup: 2} replays it faster",
        );
    } else if let Some(rate) = stage.rate {
        match stage.duration {
            Some(duration) => check_count(path, rate, rate, duration, found),
            None => found.error(
                path.clone(),
                "the stage has no `duration`",
                "add it, for example duration: 600",
            ),
        }
    } else if stage.duration.is_some_and(|duration| duration.get() == 0.0) {
        found.error(
            path.key("duration"),
            "a stage of 0 s sends nothing",
            "remove it for the whole trace",
        );
    }
}

fn of_closed_loops(path: &KeyPath) -> Text {
    Text::from("`")
        .name(path.key("num_requests"))
        .words("` and `")
        .name(path.key("concurrency_level"))
        .words("` belong to `load.type: concurrent`")
}

/// Stages of a closed loop, after these words.
fn closed_example(words: &str) -> Text {
    let stage = a_stage();
    Text::from(words)
        .words("stages: [{")
        .name(stage.key("concurrency_level"))
        .words(": 10, ")
        .name(stage.key("num_requests"))
        .words(": 1000}]")
}

/// Whichever stage: only the names of its keys are told.
fn a_stage() -> KeyPath {
    KeyPath::from("load.stages").index(0)
}
