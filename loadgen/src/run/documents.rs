//! The files that are made of a finished run, as bytes: where they go is not decided here.

use bench_contract::Report;
use bench_report::{Stage, StageCollector, inference_perf, junit, page};
use serde::Serialize;
use serde_json::Value;

use super::prepare::Prepared;

/// The file of the config as it ran: the first one that is uploaded.
pub(super) const CONFIG: &str = "config.yaml";

/// A file by its name: its bytes, or why there are none.
pub(super) type NamedFile = (String, Result<Vec<u8>, String>);

/// Every file that is made once the run is over, on its own, so that one failure does not cost the others.
pub(super) fn files(prepared: &Prepared, report: &Report, stages: &[Stage]) -> Vec<NamedFile> {
    let lifecycle = prepared.config.request_lifecycle();
    let mut files = report_files(report);
    if lifecycle.summary && !stages.is_empty() {
        let collectors: Vec<&StageCollector> =
            stages.iter().map(|stage| &stage.collector).collect();
        let name = "summary_lifecycle_metrics.json".to_owned();
        let summary = json(&name, &inference_perf::summary(&collectors));
        files.push((name, summary));
    }
    if lifecycle.per_stage {
        files.extend(stages.iter().map(|stage| {
            let name = format!("stage_{}_lifecycle_metrics.json", stage.facts.stage);
            let stage = json(
                &name,
                &inference_perf::stage(&stage.collector, &stage.facts),
            );
            (name, stage)
        }));
    }
    files.push((CONFIG.to_owned(), config(prepared)));
    files
}

/// The report, for programs and for people, and where there are objectives, for CI systems.
pub(super) fn report_files(report: &Report) -> Vec<NamedFile> {
    let name = "report.json".to_owned();
    let bytes = json(&name, report);
    let page = page::html(report).into_bytes();
    let mut files = vec![(name, bytes), ("report.html".to_owned(), Ok(page))];
    if report.judged().next().is_some() {
        files.push(("junit.xml".to_owned(), Ok(junit::xml(report).into_bytes())));
    }
    files
}

/// `value` as the file `name`.
pub(super) fn json(name: &str, value: &impl Serialize) -> Result<Vec<u8>, String> {
    let value = serde_json::to_value(value);
    let value = value.map_err(|error| format!("cannot serialise {name}: {error}"))?;
    Ok(bench_report::json(&value).into_bytes())
}

/// The config as it runs, without its secrets, under a line that tells this run from all others: who finds it knows whose folder
/// it is in.
pub(super) fn config(prepared: &Prepared) -> Result<Vec<u8>, String> {
    let text = serde_yaml::to_string(&redacted(prepared));
    text.map(|text| format!("{}{text}", prepared.identity).into_bytes())
        .map_err(|error| format!("cannot serialise {CONFIG}: {error}"))
}

/// The config as it ran. Keys are secrets by type; of headers, only those that are known to be harmless are shown.
pub(super) fn redacted(prepared: &Prepared) -> Value {
    let limits: Vec<&str> = prepared.config.api.limit_headers().collect();
    let mut config = serde_json::to_value(&prepared.config).unwrap_or_default();
    if let Some(headers) = config
        .pointer_mut("/api/headers")
        .and_then(Value::as_object_mut)
    {
        for (name, value) in headers {
            let is_harmless = ["accept", "content-type", "user-agent"]
                .contains(&name.to_ascii_lowercase().as_str());
            if !is_harmless && !limits.contains(&name.as_str()) {
                *value = "<redacted>".into();
            }
        }
    }
    config
}
