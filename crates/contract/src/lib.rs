//! Every type that crosses a process boundary, once.
//!
//! `benchctl` writes a [`Config`] into a ConfigMap and `loadgen` reads it; `loadgen` writes a [`Report`] and
//! [`RequestRecord`]s and `benchctl` reads them. The JSON Schemas in `schemas/` are generated from these types.
//!
//! The crate is pure: no files, sockets, clocks or random numbers.

pub mod config;
mod exit;
mod factor;
mod metric;
mod outcome;
mod record;
mod records;
mod report;
mod slo;
pub mod trace;
mod units;

pub use config::Config;
pub use exit::{ExitCode, FailOn};
pub use factor::{Burstiness, Speedup};
pub use metric::{Metric, SloMetric};
pub use outcome::Outcome;
pub use record::{ReadEntry, Reads, RequestRecord, TokenSource};
pub use records::{Cut, RecordError, RecordReader};
pub use report::{
    Absent, ArrivalState, ArrivalTest, CancelCounts, CancelLoad, Check, CheckVerdict,
    Conversations, Counts, Environment, ErrorRate, ErrorSample, EventLoopLag, GapCounts, Gauge,
    Goodput, Health, Interval, LatencyValue, LengthHistogram, LengthHistograms, LengthSummary,
    Lengths, MergeKind, Merged, MetricSummary, MetricsKind, MetricsSource, NotBegun, Percentile,
    Place, ProcessUsage, Report, RunInfo, RunStatus, ServerMetrics, ServerSeries, ServerStage,
    Shard, ShareInterval, StageLoad, StageReport, SteadyThroughput, Target, Throughput, TimeSeries,
    TokenGaps, Tool, Validity, ValidityState, Verdict, WorkerHealth,
};
pub use slo::{Limit, Slo, SloProblem, SloStages};
pub use units::{Probability, RequestsPerSecond, Seconds, TokenCount, UnitError, parse_duration};

/// Version of the metric definitions that a report was computed with; it changes when a definition does.
pub const DEFINITIONS_VERSION: u32 = 1;

/// Version of the layout of `report.json`; readers ignore keys that they do not know.
pub const REPORT_SCHEMA_VERSION: u32 = 1;

/// The JSON Schema of `config.yml`.
#[must_use]
pub fn config_schema() -> serde_json::Value {
    schema_of::<Config>("config.yml of loadgen (a superset of inference-perf's)")
}

/// The JSON Schema of `report.json`.
#[must_use]
pub fn report_schema() -> serde_json::Value {
    schema_of::<Report>("report.json of loadgen")
}

fn schema_of<T: schemars::JsonSchema>(title: &str) -> serde_json::Value {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.into()
}
