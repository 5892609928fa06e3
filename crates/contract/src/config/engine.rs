//! What this version of `loadgen` cannot honour.

use super::problem::{ConfigProblem, Problems, Text};
use super::{Config, DataType, LoadType};

impl Config {
    /// What is valid in inference-perf or in a later version, and this version of `loadgen` cannot honour.
    #[must_use]
    pub fn check_engine(&self) -> Vec<ConfigProblem> {
        const ELSEWHERE: &str = "`benchmark.engine: inference-perf` runs it";
        let mut found = Problems::default();
        if !matches!(
            self.data.kind,
            DataType::Mock
                | DataType::Synthetic
                | DataType::Random
                | DataType::SharedPrefix
                | DataType::ShareGpt
                | DataType::Jsonl
                | DataType::ConversationReplay
        ) {
            found.error(
                "data.type",
                format!("loadgen does not read `{}` data", self.data.kind.as_str()),
                format!("write it as `jsonl`, or use `shareGPT` or `synthetic`; {ELSEWHERE}"),
            );
        }
        if self.data.kind == DataType::Jsonl && self.data.path.is_none() {
            found.error(
                "data.path",
                "`jsonl` data is read from a file, and none is named",
                Text::from("set ").name("data.path"),
            );
        }
        if let Some(lengths) = &self.data.trace {
            let replayed = self.load.trace.as_ref();
            let replayed = replayed.filter(|_| self.load.kind == LoadType::TraceReplay);
            if replayed.is_none_or(|replayed| replayed.file != lengths.file) {
                found.error(
                    "data.trace",
                    "loadgen takes lengths from a trace only where it replays that trace's arrivals too",
                    "set load.type: trace_replay and load.trace to the same file, or describe the lengths by distributions",
                );
            }
        }
        if self.load.kind == LoadType::TraceSessionReplay {
            found.error(
                "load.type",
                "loadgen does not replay the sessions of a trace yet",
                "use another load type",
            );
        }
        if self.load.sweep.is_some() {
            found.error(
                "load.sweep",
                "loadgen does not search for the saturation point yet",
                Text::from("write the rates as `")
                    .name("load.stages")
                    .words(format!("`; {ELSEWHERE}")),
            );
        }
        if self
            .circuit_breakers
            .as_ref()
            .is_some_and(|list| !list.is_empty())
            || self
                .load
                .circuit_breakers
                .as_ref()
                .is_some_and(|list| !list.is_empty())
        {
            found.error(
                "circuit_breakers",
                "loadgen has no circuit breakers",
                "remove them, or judge the run by `slo`",
            );
        }
        if let Some(cap) = self.load.worker_max_concurrency {
            found.warn(
                "load.worker_max_concurrency",
                format!(
                    "the cap of {cap} requests in flight a worker is not applied: the load is open"
                ),
                Text::from("remove it, or set ")
                    .name("load.max_in_flight")
                    .words(" if a cap over all workers is meant"),
            );
        }
        found.0
    }
}
