//! File descriptors: as many as the plan can need, before time zero.

use bench_contract::RequestsPerSecond;
use bench_contract::config::{Config, Load, Stage};

use crate::health::{grow_file_table, raise_file_limit};
use crate::plan::trace::Trace;

/// What the process needs beside a descriptor for each request in flight: its files, event loops and timers.
const BESIDE: u64 = 256;

/// Raises the limit on open files, and grows their table to what the load can need at once: growing it in mid-run stalls
/// every worker. Returns what has to be said where the limit is too low for that.
pub(super) fn make_room(config: &Config, trace: Option<&Trace>) -> Vec<String> {
    let mut warnings = Vec::new();
    let limit = raise_file_limit().unwrap_or_else(|(limit, error)| {
        warnings.push(format!("the limit on open files stays at {limit}: {error}"));
        limit
    });
    let most = most_in_flight(&config.load, trace.map_or(0, Trace::len));
    grow_file_table(most.saturating_add(BESIDE), limit);
    let room = limit.saturating_sub(BESIDE);
    if most > room {
        warnings.push(format!(
            "up to {most} requests can be in flight at once, and the limit on open files (`ulimit -n`) is {limit}: those above {room} or so would be counted as generator_error; raise the limit, or lower the rate or load.request_timeout"
        ));
    }
    warnings
}

/// The most requests in flight at once, were nothing answered before its time limit; of a trace of `replayed` requests, all.
fn most_in_flight(load: &Load, replayed: usize) -> u64 {
    let limit = load.request_timeout().get();
    let of_stage = |stage: &Stage| match (stage.concurrency_level, stage.rate, stage.duration) {
        (Some(level), ..) => u64::from(level),
        (None, Some(rate), Some(duration)) => {
            let fastest = rate
                .get()
                .max(stage.end_rate.map_or(0.0, RequestsPerSecond::get));
            let mean = fastest * duration.get().min(limit);
            // Random arrivals exceed their mean by more than four deviations once in 30,000 times.
            (mean + 4.0 * mean.sqrt()).ceil() as u64
        }
        (None, ..) => replayed as u64,
    };
    let stages = load.run_stages();
    let most = stages.iter().map(of_stage).max().unwrap_or(0);
    load.max_in_flight
        .map_or(most, |cap| most.min(u64::from(cap)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(load: serde_json::Value) -> u64 {
        most_in_flight(&serde_json::from_value(load).unwrap(), 7)
    }

    #[test]
    fn what_is_in_flight_is_bounded_by_the_time_limit_and_by_the_stage() {
        let stages =
            serde_json::json!([{"rate": 1, "duration": 60}, {"rate": 100, "duration": 900}]);
        assert_eq!(most(serde_json::json!({"stages": stages})), 30_693);
        assert_eq!(
            most(serde_json::json!({"stages": stages, "request_timeout": 10})),
            1127
        );
        let stages = serde_json::json!([{"rate": 100, "duration": 1}]);
        assert_eq!(most(serde_json::json!({"stages": stages})), 140);
        let stages = serde_json::json!([{"concurrency_level": 64, "num_requests": 1000}]);
        assert_eq!(most(serde_json::json!({"stages": stages})), 64);
        assert_eq!(most(serde_json::json!({})), 0);
        assert_eq!(most(serde_json::json!({"type": "trace_replay"})), 7);
        let stages = serde_json::json!([{"rate": 1, "end_rate": 100, "duration": 1}]);
        assert_eq!(most(serde_json::json!({"stages": stages})), 140);
        let capped = serde_json::json!({"stages": stages, "max_in_flight": 50});
        assert_eq!(most(capped), 50);
    }
}
