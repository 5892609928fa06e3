//! Made-up runs.

use std::sync::Arc;

use bench_contract::config::LoadType;
use bench_contract::{
    Health, Limit, Metric, Outcome, RequestRecord, Slo, SloMetric, StageLoad, StageReport,
    TokenSource,
};
use bench_report::{Settings, StageCollector, StageFacts, TokenRead};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const MS: u64 = 1_000_000;

pub(crate) fn settings() -> Settings {
    Settings {
        percentiles: vec![1.0, 50.0, 90.0, 99.0],
        slos: Vec::new(),
        goodput: Vec::new(),
        streaming: true,
        generates: true,
        shares_prefixes: false,
        request_timeout_s: 300.0,
        max_error_messages: 10,
    }
}

pub(crate) fn slo(metric: SloMetric, percentile: f64, max: f64) -> Slo {
    Slo {
        metric,
        percentile: Some(percentile),
        max: Limit::new(max),
        min: None,
        stages: bench_contract::SloStages::Each,
    }
}

pub(crate) fn with_slos(slos: &[Slo]) -> Settings {
    Settings {
        slos: slos.to_vec(),
        ..settings()
    }
}

/// A request due at `scheduled_ns`: sent 0.1 ms later, `ttft_ns` to the first of `n` tokens 5 ms apart.
pub(crate) fn ok(index: u64, scheduled_ns: u64, ttft_ns: u64, n: u32) -> RequestRecord {
    let sent = scheduled_ns + MS / 10;
    let first = sent + ttft_ns;
    let last = first + u64::from(n - 1) * 5 * MS;
    RequestRecord {
        stage: 0,
        index,
        warmup: false,
        session: None,
        turn: None,
        turns: None,
        adapter: None,
        outcome: Outcome::Ok,
        status: Some(200),
        error: None,
        scheduled_ns,
        dispatched_ns: Some(scheduled_ns + MS / 20),
        sent_ns: Some(sent),
        first_token_ns: Some(first),
        first_visible_ns: Some(first),
        last_token_ns: Some(last),
        end_ns: Some(last + MS / 10),
        input_tokens_asked: 100,
        input_tokens: Some(100),
        output_tokens_asked: n,
        output_tokens: Some(n),
        token_source: Some(TokenSource::Usage),
        server_prompt_tokens: Some(101),
        server_cached_tokens: None,
        reasoning_tokens: None,
        first_event_tokens: Some(1),
        cancel_after_ns: None,
        request_bytes: 512,
        events: n,
        reused: index > 0,
        reads: None,
    }
}

/// The same request, ended as `outcome` before its first token.
pub(crate) fn failed(
    index: u64,
    scheduled_ns: u64,
    outcome: Outcome,
    error: &str,
) -> RequestRecord {
    let is_sent = outcome.is_sent();
    let sent = is_sent && outcome != Outcome::ConnectError;
    RequestRecord {
        outcome,
        status: (outcome == Outcome::HttpError).then_some(503),
        error: Some(error.to_owned()),
        dispatched_ns: is_sent.then_some(scheduled_ns + MS / 20),
        sent_ns: sent.then_some(scheduled_ns + MS / 10),
        first_token_ns: None,
        first_visible_ns: None,
        last_token_ns: None,
        end_ns: is_sent.then_some(scheduled_ns + 300_000 * MS),
        output_tokens: None,
        token_source: None,
        server_prompt_tokens: None,
        first_event_tokens: None,
        events: 0,
        ..ok(index, scheduled_ns, MS, 1)
    }
}

pub(crate) fn reads(record: &RequestRecord) -> Vec<TokenRead> {
    let first = record.first_token_ns.unwrap_or(0);
    (0..u64::from(record.events))
        .map(|k| TokenRead {
            at_ns: first + k * 5 * MS,
            events: 1,
            tokens: 0,
        })
        .collect()
}

pub(crate) fn facts(kind: LoadType, rate: f64, duration_s: f64) -> StageFacts {
    StageFacts {
        stage: 0,
        load: StageLoad {
            kind,
            rate: Some(rate),
            duration_s: Some(duration_s),
            ..StageLoad::default()
        },
        origin_ns: 0,
        health: Health::default(),
        known_until_ns: None,
        earlier: None,
        repeats: Vec::new(),
    }
}

pub(crate) fn collect(settings: &Settings, records: &[RequestRecord]) -> StageCollector {
    let mut collector = StageCollector::new(Arc::new(settings.clone()));
    records
        .iter()
        .for_each(|record| collector.add(record, &reads(record)));
    collector
}

/// A constant stage of 10 requests a second whose TTFTs are given in seconds, in order of schedule.
pub(crate) fn stage_of(settings: &Settings, ttfts: &[f64]) -> StageReport {
    let records: Vec<RequestRecord> = (0..)
        .zip(ttfts)
        .map(|(k, ttft)| ok(k, k * 100 * MS, (ttft * 1e9) as u64, 10))
        .collect();
    collect(settings, &records).report(&facts(LoadType::Constant, 10.0, ttfts.len() as f64 / 10.0))
}

/// A Poisson stage of 15 requests a second for `seconds`, TTFT 20 to 30 ms.
pub(crate) fn poisson_records(seconds: f64, seed: u64) -> Vec<RequestRecord> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut at = 0.0;
    let mut records = Vec::new();
    loop {
        at += exponential(&mut rng) / 15.0;
        if at >= seconds {
            return records;
        }
        let ttft = (20.0 + 10.0 * rng.random::<f64>()) * 1e6;
        let n = rng.random_range(100..=156);
        records.push(ok(records.len() as u64, (at * 1e9) as u64, ttft as u64, n));
    }
}

pub(crate) fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

pub(crate) fn percentile(report: &StageReport, metric: Metric, p: f64) -> f64 {
    report.metrics[&metric].percentile(p).unwrap()
}
