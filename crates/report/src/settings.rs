//! What collectors and reports are computed with.

use bench_contract::config::{ApiType, LoadType};
use bench_contract::{Config, Metric, Slo};

/// What collectors and reports are computed with.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Percentiles of reports, each in `[0, 100]`. `report.json` adds 50, 95, 99 and those of the objectives.
    pub percentiles: Vec<f64>,
    /// Objectives, judged on each stage.
    pub slos: Vec<Slo>,
    /// Limits that a single request must meet, in seconds.
    pub goodput: Vec<(Metric, f64)>,
    /// Whether replies are streams; without them there is no metric of tokens.
    pub streaming: bool,
    /// Whether replies are generated; embeddings are not, and have no tokens of their own.
    pub generates: bool,
    /// Whether prompts have beginnings in common on purpose.
    pub shares_prefixes: bool,
    /// The time limit of a request, in seconds: within which a latency that was never reached was not.
    pub request_timeout_s: f64,
    /// How many distinct messages a kind of error keeps.
    pub max_error_messages: usize,
}

impl Settings {
    /// What `config` asks for.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let lifecycle = config.request_lifecycle();
        Self {
            percentiles: lifecycle.percentiles,
            slos: config.slo.clone(),
            goodput: config.goodput_limits(),
            streaming: config.api.streaming,
            generates: config.api.kind != ApiType::Embeddings,
            // What a trace has in common is its own affair.
            shares_prefixes: config.data.shares_prefixes()
                || config.load.kind == LoadType::TraceReplay,
            request_timeout_s: config.load.request_timeout().get(),
            max_error_messages: lifecycle.max_error_messages as usize,
        }
    }

    /// Percentiles of `report.json`, ascending: those asked for, those that every table shows, and those of objectives.
    #[must_use]
    pub fn report_percentiles(&self) -> Vec<f64> {
        let judged = self.slos.iter().filter_map(|slo| slo.percentile);
        let mut all = self.percentiles.clone();
        all.extend([50.0, 95.0, 99.0]);
        all.extend(judged);
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }
}
