//! The files that are made of a finished run, as bytes: where they go is not decided here.

use bench_contract::Report;
use bench_report::{StageCollector, inference_perf, page};
use serde::Serialize;
use serde_json::Value;

use super::prepare::Prepared;
use crate::engine::StageEnd;

/// The file of the config as it ran: the first one that is uploaded.
pub(super) const CONFIG: &str = "config.yaml";

/// A file by its name: its bytes, or why there are none.
pub(super) type NamedFile = (String, Result<Vec<u8>, String>);

/// Every file that is made once the run is over, on its own, so that one failure does not cost the others.
pub(super) fn files(prepared: &Prepared, report: &Report, stages: &[StageEnd]) -> Vec<NamedFile> {
    let lifecycle = prepared.config.request_lifecycle();
    let mut files = Vec::from(report_files(report));
    if lifecycle.summary && !stages.is_empty() {
        let collectors: Vec<&StageCollector> = stages.iter().map(|end| &end.collector).collect();
        let name = "summary_lifecycle_metrics.json".to_owned();
        let summary = json(&name, &inference_perf::summary(&collectors));
        files.push((name, summary));
    }
    if lifecycle.per_stage {
        files.extend(stages.iter().map(|end| {
            let name = format!("stage_{}_lifecycle_metrics.json", end.facts.stage);
            let stage = json(&name, &inference_perf::stage(&end.collector, &end.facts));
            (name, stage)
        }));
    }
    files.push((CONFIG.to_owned(), config(prepared)));
    files
}

/// The report, for programs and for people.
pub(super) fn report_files(report: &Report) -> [NamedFile; 2] {
    let name = "report.json".to_owned();
    let bytes = json(&name, report);
    let page = page::html(report).into_bytes();
    [(name, bytes), ("report.html".to_owned(), Ok(page))]
}

fn json(name: &str, value: &impl Serialize) -> Result<Vec<u8>, String> {
    let value = serde_json::to_value(value);
    let value = value.map_err(|error| format!("cannot serialise {name}: {error}"))?;
    Ok(bench_report::json(&value).into_bytes())
}

/// The config as it runs, without its secrets.
pub(super) fn config(prepared: &Prepared) -> Result<Vec<u8>, String> {
    let text = serde_yaml::to_string(&redacted(prepared));
    text.map(String::into_bytes)
        .map_err(|error| format!("cannot serialise {CONFIG}: {error}"))
}

/// The config as it ran. Keys are secrets by type; of headers, only those that are known to be harmless are shown.
pub(super) fn redacted(prepared: &Prepared) -> Value {
    let mut config = serde_json::to_value(&prepared.config).unwrap_or_default();
    if let Some(headers) = config
        .pointer_mut("/api/headers")
        .and_then(Value::as_object_mut)
    {
        for (name, value) in headers {
            if !["accept", "content-type", "user-agent"]
                .contains(&name.to_ascii_lowercase().as_str())
            {
                *value = "<redacted>".into();
            }
        }
    }
    config
}
