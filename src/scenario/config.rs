//! From values to `config.yml`: inference-perf's keys, and ours beside them where the engine is loadgen.

use bench_contract::Config;
use bench_contract::config::{
    Api, Connections, Data, Distribution, Dns, GoodputOptions, Load, MetricsOptions, ReportOptions,
    SHAREGPT, Salt, Server, Sweep, Tokenizer,
};

use super::complete::Scenario;
use super::data::Lengths;
use super::raw::{Benchmark, Engine, Scenario as RawScenario, ValuesApiType, ValuesLoadType};

/// The config of a run. Where results go is put in by [`super::storage::storage`], once the Job has its name.
pub(super) fn config(benchmark: &Benchmark, raw: &RawScenario, scenario: &Scenario) -> Config {
    let is_ours = benchmark.engine == Engine::Loadgen;
    Config {
        api: api(benchmark, is_ours),
        data: data(benchmark, raw, scenario, is_ours),
        load: load(benchmark, scenario, is_ours),
        server: Some(server(benchmark, is_ours)),
        tokenizer: (!benchmark.target.tokenizer_path.is_empty()).then(|| Tokenizer {
            pretrained_model_name_or_path: Some(benchmark.target.tokenizer_path.clone()),
            ..Tokenizer::default()
        }),
        report: (is_ours && !benchmark.goodput.is_empty()).then(|| ReportOptions {
            goodput: Some(GoodputOptions {
                constraints: benchmark.goodput.clone(),
            }),
            ..ReportOptions::default()
        }),
        metrics: metrics(benchmark).filter(|_| is_ours),
        slo: raw.slo.clone().unwrap_or_else(|| benchmark.slo.clone()),
        ..Config::default()
    }
}

/// Where the server's own metrics are read; none where that is as by default.
fn metrics(benchmark: &Benchmark) -> Option<MetricsOptions> {
    let metrics = &benchmark.metrics;
    let is_default = metrics.scrape && metrics.urls.is_empty();
    (!is_default).then(|| MetricsOptions {
        scrape: (!metrics.scrape).then_some(false),
        urls: metrics.urls.clone(),
        ..MetricsOptions::default()
    })
}

fn api(benchmark: &Benchmark, is_ours: bool) -> Api {
    let headers = &benchmark.target.headers;
    Api {
        kind: benchmark.api.kind.into(),
        streaming: benchmark.api.streaming,
        headers: (!headers.is_empty()).then(|| headers.clone()),
        connections: Some(benchmark.api.connections)
            .filter(|&kind| is_ours && kind != Connections::default()),
        timeouts: None,
        response_format: (&benchmark.api.response_format).into(),
        extra_body: Some(benchmark.api.extra_body.clone()).filter(|extra| !extra.is_empty()),
        ..Api::default()
    }
}

fn data(benchmark: &Benchmark, raw: &RawScenario, scenario: &Scenario, is_ours: bool) -> Data {
    // Embeddings have no replies of any length; a preset's are left over when a user changes nothing but the API.
    let output = scenario.data.output.as_ref();
    let output = output.filter(|_| benchmark.api.kind != ValuesApiType::Embeddings);
    let salt = raw.data.as_ref().and_then(|data| data.salt);
    let prompts = &scenario.data;
    let path = prompts
        .path
        .clone()
        .filter(|path| is_ours || path != SHAREGPT);
    let side = |lengths: &Option<Lengths>| {
        lengths
            .as_ref()
            .map(|lengths| distribution(lengths, is_ours))
    };
    Data {
        kind: prompts.kind.into(),
        path,
        input_distribution: side(&prompts.input),
        output_distribution: output.map(|lengths| distribution(lengths, is_ours)),
        corpus_file_path: prompts.corpus_file_path.clone(),
        shared_prefix: prompts.shared_prefix.clone(),
        conversation_replay: prompts.conversation_replay.clone(),
        multi_turn: prompts.multi_turn.clone(),
        reuse: prompts.reuse.then_some(true),
        salt: salt.filter(|&salt| is_ours && salt != Salt::default()),
        ..Data::default()
    }
}

fn distribution(lengths: &Lengths, is_ours: bool) -> Distribution {
    let ours = Distribution::from(lengths);
    Distribution {
        kind: ours.kind.filter(|_| is_ours),
        ..ours
    }
}

fn load(benchmark: &Benchmark, scenario: &Scenario, is_ours: bool) -> Load {
    Load {
        kind: scenario.load.into(),
        stages: scenario.stages.clone(),
        sweep: scenario.sweep.as_ref().map(|sweep| Sweep {
            kind: sweep.kind,
            num_requests: sweep.num_requests,
            timeout: sweep.timeout,
            num_stages: sweep.num_stages,
            stage_duration: sweep.stage_duration,
            saturation_percentile: sweep.saturation_percentile,
        }),
        num_workers: scenario.num_workers,
        seed: Some(benchmark.seed).filter(|&seed| is_ours && seed != 0),
        warmup: scenario.warmup.clone().filter(|_| is_ours),
        burstiness: scenario.burstiness,
        trace: scenario
            .trace
            .clone()
            .filter(|_| scenario.load == ValuesLoadType::TraceReplay),
        cancel: scenario.cancel.clone(),
        max_in_flight: scenario.max_in_flight,
        lora_traffic_split: Some(scenario.adapters.clone()).filter(|split| !split.is_empty()),
        ..Load::default()
    }
}

fn server(benchmark: &Benchmark, is_ours: bool) -> Server {
    let target = &benchmark.target;
    Server {
        kind: target.server_type.into(),
        model_name: Some(target.model_name.clone()),
        base_url: target.base_url.clone(),
        ignore_eos: target.ignore_eos,
        api_key: None,
        cert_path: None,
        key_path: None,
        ca_path: target.ca_file().filter(|_| is_ours),
        insecure_skip_verify: is_ours && target.tls.insecure_skip_verify,
        dns: Some(target.dns.into()).filter(|&dns: &Dns| is_ours && dns != Dns::default()),
        ready_timeout: is_ours.then_some(target.ready_timeout),
    }
}
