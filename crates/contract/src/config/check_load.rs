//! What is wrong with `load`.

use super::problem::Problems;
use super::{Config, Load, LoadType, Stage};
use crate::units::{RequestsPerSecond, Seconds};

/// More requests than this in one stage are a mistake of units.
const MOST_REQUESTS: f64 = 10_000_000.0;

/// More steps than this in one ramp are a ramp without steps.
const MOST_STEPS: u32 = 1000;

impl Config {
    pub(super) fn check_load(&self, found: &mut Problems) {
        let load = &self.load;
        let has_trace = load.kind == LoadType::TraceReplay && load.trace.is_some();
        if load.stages.is_empty() && load.sweep.is_none() && !has_trace {
            found.error(
                "load.stages",
                "there is nothing to send: no stage and no sweep",
                match load.kind {
                    LoadType::Concurrent => "stages: [{concurrency_level: 10, num_requests: 1000}]",
                    LoadType::TraceReplay => "trace: {file: /traces/azure.csv}",
                    _ => "stages: [{rate: 1, duration: 60}]",
                },
            );
        }
        for (index, stage) in load.stages.iter().enumerate() {
            let path = format!("load.stages[{index}]");
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
            "burstiness: 0.5 (1 is Poisson, less is burstier)",
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
            "trace: {file: /traces/azure.csv}",
        ),
        (LoadType::TraceReplay, None) => found.error(
            "load.type",
            "`trace_replay` needs a `trace`",
            "trace: {file: /traces/azure.csv}",
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
            "a closed loop has `concurrency_level` requests in flight and no other cap",
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
        check_count("load.warmup", rate, rate, warmup.duration, found);
    }
}

fn check_cancel(load: &Load, found: &mut Problems) {
    let Some(cancel) = &load.cancel else { return };
    if cancel.fraction.get() >= 1.0 {
        found.error(
            "load.cancel.fraction",
            "a share of 1 gives up every request, and nothing is measured",
            "fraction: 0.05",
        );
    } else if cancel.after.get() >= load.request_timeout().get() {
        found.warn(
            "load.cancel.after",
            format!(
                "no request lives for {}: the request timeout is {}",
                cancel.after,
                load.request_timeout()
            ),
            "lower it",
        );
    }
}

fn check_rate(path: &str, stage: &Stage, found: &mut Problems) {
    if stage.num_requests.is_some() || stage.concurrency_level.is_some() {
        found.error(
            path,
            "`num_requests` and `concurrency_level` belong to `load.type: concurrent`",
            "give `rate` and `duration`",
        );
        return;
    }
    match (stage.steps, stage.end_rate) {
        (Some(_), None) => found.error(
            format!("{path}.steps"),
            "`steps` lead to an `end_rate`, and there is none",
            "end_rate: 50",
        ),
        (Some(steps), Some(_)) if !(2..=MOST_STEPS).contains(&steps) => found.error(
            format!("{path}.steps"),
            format!("{steps} steps: from `rate` to `end_rate` it takes 2 to {MOST_STEPS}"),
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
                found.error(path, format!("the stage has no `{name}`"), example);
            }
        }
        return;
    };
    check_count(path, rate, stage.end_rate.unwrap_or(rate), duration, found);
}

/// Checks that a rate from `first` to `last` for `duration` is a number of requests that can be planned.
fn check_count(
    path: &str,
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
            format!("{path}.duration"),
            format!("{rate} for {duration} is less than one request"),
            "raise the rate or the duration",
        );
    } else if expected > MOST_REQUESTS {
        found.error(
            format!("{path}.duration"),
            format!("{rate} for {duration} are {expected:.0} requests, more than {MOST_REQUESTS:.0} a stage"),
            "rate is in requests per second, duration in seconds",
        );
    }
}

fn check_closed(path: &str, stage: &Stage, found: &mut Problems) {
    const EXAMPLE: &str = "stages: [{concurrency_level: 10, num_requests: 1000}]";
    if stage.rate.is_some() || stage.end_rate.is_some() || stage.steps.is_some() {
        found.error(
            path,
            "a closed loop has no rate: a request is sent when another one has ended",
            EXAMPLE,
        );
        return;
    }
    match stage.concurrency_level {
        None => found.error(path, "the stage has no `concurrency_level`", EXAMPLE),
        Some(0) => found.error(
            format!("{path}.concurrency_level"),
            "no request at once sends nothing",
            "concurrency_level: 10",
        ),
        Some(_) => {}
    }
    #[expect(clippy::cast_precision_loss, reason = "compared with ten million")]
    match (stage.num_requests, stage.duration) {
        (None, None) => found.error(
            path,
            "the stage has neither `num_requests` nor `duration`",
            EXAMPLE,
        ),
        (Some(_), Some(_)) => found.error(
            path,
            "`num_requests` and `duration` both say when the stage ends",
            "keep one of them",
        ),
        (Some(0), None) => found.error(
            format!("{path}.num_requests"),
            "no request sends nothing",
            "num_requests: 1000",
        ),
        (Some(count), None) if count as f64 > MOST_REQUESTS => found.error(
            format!("{path}.num_requests"),
            format!("{count} requests are more than {MOST_REQUESTS:.0} a stage"),
            "use several stages",
        ),
        (None, Some(duration)) if duration.get() == 0.0 => found.error(
            format!("{path}.duration"),
            "a stage of 0 s sends nothing",
            "duration: 60",
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
}

/// inference-perf wants `rate` and `duration` here; without `rate`, `duration` is where the replay ends.
fn check_replay(path: &str, stage: &Stage, found: &mut Problems) {
    if stage.num_requests.is_some() || stage.concurrency_level.is_some() {
        found.error(
            path,
            "`num_requests` and `concurrency_level` belong to `load.type: concurrent`",
            "give `duration`, or nothing for the whole trace",
        );
    } else if stage.end_rate.is_some() || stage.steps.is_some() {
        found.error(
            path,
            "the trace says when requests arrive: there is no rate to change",
            "trace: {speedup: 2} replays it faster",
        );
    } else if let Some(rate) = stage.rate {
        match stage.duration {
            Some(duration) => check_count(path, rate, rate, duration, found),
            None => found.error(path, "the stage has no `duration`", "duration: 600"),
        }
    } else if stage.duration.is_some_and(|duration| duration.get() == 0.0) {
        found.error(
            format!("{path}.duration"),
            "a stage of 0 s sends nothing",
            "remove it for the whole trace",
        );
    }
}
