//! Whether reports belong together.

use bench_contract::{MergeKind, Report};
use serde_json::{Value, json};

use super::MergeError;
use crate::differ::differences;

/// Compares each report with the first in what has to be the same.
pub(super) fn check_alike(reports: &[Report], kind: MergeKind) -> Result<(), MergeError> {
    let Some((first, others)) = reports.split_first() else {
        return Err(MergeError::TooFew);
    };
    for (place, other) in (1..).zip(others) {
        let (a, b) = (essence(first, kind), essence(other, kind));
        let mut found = differences(&a, &b).into_iter();
        // A run that ended early may lack later stages.
        let difference = found.find(|one| {
            let is_stage = one.path.starts_with("stages[");
            !(is_stage && (one.first.is_none() || one.second.is_none()))
        });
        if let Some(difference) = difference {
            return Err(MergeError::Unlike {
                which: (0, place),
                difference: Box::new(difference),
                kind,
            });
        }
    }
    Ok(())
}

/// What has to be the same in all of them.
fn essence(report: &Report, kind: MergeKind) -> Value {
    let target = &report.target;
    let stages: Vec<Value> = report
        .stages
        .iter()
        .map(|stage| json!({"stage": stage.stage, "load": stage.load}))
        .collect();
    let mut essence = json!({
        "definitions_version": report.definitions_version,
        "loadgen_version": report.tool.version,
        "config": config(report, kind),
        "target": {
            "base_url": target.base_url,
            "model": target.model,
            "server_type": target.server_type,
            "api": target.api,
            "streaming": target.streaming,
        },
        "stages": stages,
    });
    if let (MergeKind::Shards, Some(keys)) = (kind, essence.as_object_mut()) {
        let shards = report.run.shard.map(|shard| shard.count);
        keys.insert("seed".to_owned(), report.run.seed.into());
        keys.insert("shards".to_owned(), shards.into());
    }
    essence
}

/// The config without what may differ: where files go, and of repeats, the seed.
fn config(report: &Report, kind: MergeKind) -> Value {
    let mut config = report.config.clone();
    if let Some(keys) = config.as_object_mut() {
        keys.remove("storage");
    }
    if let (MergeKind::Repeats, Some(load)) =
        (kind, config.get_mut("load").and_then(Value::as_object_mut))
    {
        load.remove("seed");
        load.remove("base_seed");
    }
    config
}
