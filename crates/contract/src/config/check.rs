//! What a [`Config`] that can be read may still have wrong with it.

use super::problem::{ConfigProblem, KeyPath, Problems, Spot, Text};
use super::server::{check_base_url, check_tls};
use super::{ApiType, Config};
use crate::metric::{Metric, SloMetric};
use crate::slo::{Limit, Slo};

/// Headers that belong to the framing of a request.
const FRAMING_HEADERS: [&str; 3] = ["content-length", "transfer-encoding", "connection"];

impl Config {
    /// Everything that contradicts itself or cannot be meant, in the order of the file.
    #[must_use]
    pub fn check(&self) -> Vec<ConfigProblem> {
        let mut found = Problems::default();
        self.check_headers(&mut found);
        self.check_header_limits(&mut found);
        self.check_api(&mut found);
        self.check_data(&mut found);
        self.check_load(&mut found);
        self.check_server(&mut found);
        self.check_metrics(&mut found);
        self.check_judgement(&mut found);
        if let Some(storage) = &self.storage {
            storage.check(&mut found);
        }
        found.0
    }

    fn check_header_limits(&self, found: &mut Problems) {
        let broken = self
            .api
            .header_limits()
            .filter(|carried| carried.limit.is_none());
        for carried in broken {
            found.warn(
                KeyPath::from("api.headers").key(carried.header),
                format!(
                    "the limit of {} that requests carry is no number of 0 or more, and judges nothing",
                    carried.metric.as_str()
                ),
                "write a number, in the unit that `slo_unit` says (ms), or `default`",
            );
        }
    }

    fn check_headers(&self, found: &mut Problems) {
        for (name, value) in self.api.headers.iter().flatten() {
            let path = KeyPath::from("api.headers").key(name);
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                found.error_at(
                    Spot::Key,
                    path,
                    format!("`{name}` is not the name of a header"),
                    "use letters, digits and `-`",
                );
            } else if value.chars().any(char::is_control) {
                found.error(
                    path,
                    "the value of a header holds a line end or another control character",
                    "write it on one line",
                );
            } else if FRAMING_HEADERS
                .iter()
                .any(|ours| name.eq_ignore_ascii_case(ours))
            {
                found.error_at(
                    Spot::Key,
                    path,
                    format!("`{name}` says where a request ends, and is the generator's to write"),
                    "remove it",
                );
            }
        }
    }

    fn check_server(&self, found: &mut Problems) {
        let Some(server) = &self.server else {
            found.error(
                "server",
                "there is no server to test",
                "add server: {type: vllm, base_url: http://host:8000}",
            );
            return;
        };
        if let Err(wrong) = check_base_url(&server.base_url) {
            found.error_at(
                Spot::Part(wrong.part),
                "server.base_url",
                format!("not a base URL: {}", wrong.reason),
                wrong.help,
            );
        }
        check_tls(server, found);
    }

    /// The limit of a latency objective that only a request which times out could exceed.
    fn limit_beyond_timeout(&self, slo: &Slo) -> Option<Limit> {
        slo.metric.latency()?;
        slo.max
            .filter(|limit| limit.get() >= self.load.request_timeout().get())
    }

    fn check_judgement(&self, found: &mut Problems) {
        for (index, slo) in self.slo.iter().enumerate() {
            let path = KeyPath::from("slo").index(index);
            self.check_slo_stages(&path, slo, found);
            let name = slo.metric.as_str();
            if let Some(wrong) = slo.problem() {
                let place = wrong.key.map_or(path.clone(), |key| path.key(key));
                let spot = match (wrong.key, wrong.is_key) {
                    (Some(_), true) => Spot::Key,
                    _ => Spot::Value,
                };
                found.error_at(spot, place, wrong.message, wrong.help);
            } else if let Some(limit) = self.limit_beyond_timeout(slo) {
                let timeout = self.load.request_timeout();
                found.warn(
                    path.key("max"),
                    format!("the limit of {limit} s is not below the request timeout of {timeout}: it can never be missed by less than a timeout"),
                    format!("a bare number is seconds; write {limit}ms if milliseconds are meant"),
                );
            } else if self.api.kind == ApiType::Embeddings && is_of_tokens(slo.metric) {
                found.error(
                    path.key("metric"),
                    format!("`{name}` is about generated tokens, and embeddings have none"),
                    "judge e2e, e2e_scheduled, error_rate or goodput",
                );
            } else if !self.api.streaming && needs_stream(slo.metric) {
                found.error(
                    path.key("metric"),
                    Text::from(format!("`{name}` is only measured on streams, and `"))
                        .path("api.streaming")
                        .words("` is false"),
                    Text::from("set ")
                        .path("api.streaming")
                        .words(": true, or judge e2e"),
                );
            } else if slo.metric == SloMetric::Goodput && self.goodput_limits().is_empty() {
                found.error(
                    path.key("metric"),
                    "`goodput` has no limits that a request must meet",
                    Text::from("set ")
                        .path("report.goodput.constraints")
                        .words(", for example {ttft: 1.2}"),
                );
            }
        }
        for name in self
            .goodput_constraints()
            .into_iter()
            .flat_map(|limits| limits.keys())
        {
            let metric = goodput_metric(name);
            let is_reply = matches!(metric, Some(Metric::E2e | Metric::E2eScheduled));
            if metric.is_some() && !is_reply && self.api.kind == ApiType::Embeddings {
                found.error_at(
                    Spot::Key,
                    KeyPath::from("report.goodput.constraints").key(name),
                    format!("`{name}` is about generated tokens, and embeddings have none"),
                    "limit e2e or e2e_scheduled",
                );
            } else if metric.is_none() {
                found.error_at(
                    Spot::Key,
                    KeyPath::from("report.goodput.constraints").key(name),
                    format!("`{name}` is not a metric of a single request"),
                    format!("use one of {}", GOODPUT_NAMES.join(", ")),
                );
            }
        }
        for (index, p) in self.request_lifecycle().percentiles.iter().enumerate() {
            if !(0.0..=100.0).contains(p) {
                found.error(
                    KeyPath::from("report.request_lifecycle.percentiles").index(index),
                    format!("percentile {p} is not between 0 and 100"),
                    "for example 99",
                );
            }
        }
    }
}

const GOODPUT_NAMES: [&str; 9] = [
    "ttft",
    "ttft_scheduled",
    "ttfo",
    "itl",
    "tpot",
    "tpot_chunk_aware",
    "ntpot",
    "e2e",
    "e2e_scheduled",
];

/// The metric that a key of `report.goodput.constraints` limits; inference-perf's `request_latency` is `e2e`.
#[must_use]
pub(super) fn goodput_metric(name: &str) -> Option<Metric> {
    let name = if name == "request_latency" {
        "e2e"
    } else {
        name
    };
    Metric::ALL
        .into_iter()
        .find(|metric| metric.as_str() == name && GOODPUT_NAMES.contains(&name))
}

fn needs_stream(metric: SloMetric) -> bool {
    !matches!(
        metric,
        SloMetric::ScheduleDelay
            | SloMetric::Connect
            | SloMetric::Ntpot
            | SloMetric::E2e
            | SloMetric::E2eScheduled
            | SloMetric::ErrorRate
            | SloMetric::Goodput
            | SloMetric::Throughput
    )
}

/// Whether only replies that are generated have it.
fn is_of_tokens(metric: SloMetric) -> bool {
    needs_stream(metric) || matches!(metric, SloMetric::Ntpot | SloMetric::Throughput)
}
