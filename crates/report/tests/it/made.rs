//! Whole reports of made-up runs.

use bench_contract::{
    Counts, Environment, FailOn, ProcessUsage, Report, RunInfo, RunStatus, StageReport, Target,
    Tool,
};
use bench_report::{
    Head, RunEnd, StageCollector, StageFacts, correct, length_histograms, time_series,
};

/// A run that has ended well.
pub(crate) fn head() -> Head {
    Head {
        tool: Tool {
            name: "loadgen".to_owned(),
            version: "0.1.0".to_owned(),
        },
        run: RunInfo {
            id: "production-1a2b3c4d".to_owned(),
            status: RunStatus::Complete,
            partial_because: Vec::new(),
            shard: None,
            merged: None,
            interrupted: false,
            failed: Vec::new(),
            unrecorded: 0,
            origin: "2026-11-24T12:00:00Z".to_owned(),
            origin_unix_ns: 0,
            duration_s: 605.0,
            wall_clock_step_s: None,
            seed: 42,
            prompts: "token ids".to_owned(),
            usage: ProcessUsage::default(),
        },
        environment: Environment::default(),
        target: Target {
            base_url: "http://qwen3-vllm.default:8000".to_owned(),
            model: "qwen3-8b".to_owned(),
            server_type: "vllm".to_owned(),
            api: "completion".to_owned(),
            streaming: true,
            addresses: Vec::new(),
        },
        warmup: None,
        unstarted: Counts::default(),
        not_begun: Vec::new(),
        objectives: Vec::new(),
        earlier: Vec::new(),
        config: serde_json::json!({}),
    }
}

/// The report of stages that have ended.
pub(crate) fn whole(mut stages: Vec<StageReport>, end: &RunEnd) -> Report {
    correct(&mut stages);
    let mut head = head();
    if end.interrupted {
        head.run.status = RunStatus::Partial;
        head.run.partial_because = vec!["the run was asked to stop".to_owned()];
    }
    head.run.interrupted = end.interrupted;
    head.run.failed = end.failed.clone();
    head.not_begun = end.not_begun.clone();
    Report {
        length_histograms: None,
        ..bench_report::report(head, &[], stages, &FailOn::ALL)
    }
}

/// The same with what pictures are drawn from.
pub(crate) fn with_pictures(stages: &[(StageCollector, StageFacts)], end: &RunEnd) -> Report {
    let reports = stages
        .iter()
        .map(|(collector, facts)| collector.report(facts));
    let collectors: Vec<&StageCollector> = stages.iter().map(|(collector, _)| collector).collect();
    Report {
        series: time_series(&collectors),
        length_histograms: Some(length_histograms(&collectors)),
        ..whole(reports.collect(), end)
    }
}
