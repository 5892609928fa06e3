//! What a report holds of a run beside its stages.

use bench_contract::{Counts, ProcessUsage, RunInfo, RunStatus, Target, Tool};
use bench_report::Head;

use super::documents::redacted;
use super::finish::Finished;
use super::prepare::Prepared;
use crate::clock::{Origin, cpu_ns, seconds};
use crate::health::rss_max_bytes;
use crate::ready::Ready;

/// A step of the wall clock that is told; adjustments of its pace by NTP stay far below, in seconds.
const LEAST_STEP_S: f64 = 0.1;

/// What is known of a run now.
pub(super) fn head(prepared: &Prepared, finished: &Finished, status: RunStatus) -> Head {
    let origin = finished.origin.unwrap_or_else(Origin::now);
    let wall = jiff::Timestamp::from_nanosecond(origin.unix_ns().into())
        .map_or_else(|_| String::new(), |at| at.to_string());
    Head {
        tool: Tool {
            name: "loadgen".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        run: RunInfo {
            id: prepared.run_id.clone(),
            status,
            partial_because: finished.partial_because.clone(),
            shard: None,
            merged: None,
            interrupted: false,
            failed: finished.failed.clone(),
            unrecorded: 0,
            origin: wall,
            origin_unix_ns: origin.unix_ns(),
            duration_s: seconds(finished.duration_ns),
            wall_clock_step_s: Some(origin.wall_step_s()).filter(|step| step.abs() >= LEAST_STEP_S),
            seed: prepared.seed,
            prompts: finished.prompts.clone(),
            usage: ProcessUsage {
                cpu_s: seconds(cpu_ns()),
                rss_max_bytes: rss_max_bytes(),
            },
        },
        environment: prepared.environment.clone(),
        target: target(prepared, finished.ready.as_ref()),
        warmup: finished.warmup.clone(),
        unstarted: Counts::default(),
        not_begun: Vec::new(),
        objectives: prepared.settings.slos.clone(),
        earlier: Vec::new(),
        config: redacted(prepared),
    }
}

fn target(prepared: &Prepared, ready: Option<&Ready>) -> Target {
    let asked = prepared.server.model_name.clone().unwrap_or_default();
    Target {
        base_url: prepared.server.base_url.clone(),
        model: ready.map_or(asked, |ready| ready.model.clone()),
        server_type: prepared.server.kind.as_str().to_owned(),
        api: prepared.config.api.kind.as_str().to_owned(),
        streaming: prepared.config.api.streaming,
        addresses: ready
            .iter()
            .flat_map(|ready| &ready.addresses)
            .map(ToString::to_string)
            .collect(),
    }
}
