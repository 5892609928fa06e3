//! What a [`Config`] that can be read may still have wrong with it.

use super::problem::{ConfigProblem, KeyPath, Problems, Spot, Text};
use super::server::{check_base_url, check_tls};
use super::{Config, Distribution, DistributionType, LoadType};
use crate::metric::SloMetric;
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
        self.check_data(&mut found);
        self.check_load(&mut found);
        self.check_server(&mut found);
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

    pub(super) fn distributions(&self) -> impl Iterator<Item = (&'static str, &Distribution)> {
        [
            ("input_distribution", &self.data.input_distribution),
            ("output_distribution", &self.data.output_distribution),
        ]
        .into_iter()
        .filter_map(|(name, distribution)| distribution.as_ref().map(|d| (name, d)))
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

    fn check_data(&self, found: &mut Problems) {
        let from_trace = self.data.trace.is_some() || self.load.kind == LoadType::TraceReplay;
        if self.data.kind.uses_distributions() && !from_trace {
            for (name, missing) in [
                ("input_distribution", self.data.input_distribution.is_none()),
                (
                    "output_distribution",
                    self.data.output_distribution.is_none(),
                ),
            ] {
                if missing {
                    let path = KeyPath::from("data").key(name);
                    let kind = self.data.kind.as_str();
                    found.error(
                        path.clone(),
                        Text::from(format!("`{kind}` data needs `"))
                            .name(path.clone())
                            .words("`"),
                        Text::from("add ")
                            .name(path.clone())
                            .words(": {mean: 512, ")
                            .name(path.key("std_dev"))
                            .words(": 0, min: 512, max: 512}"),
                    );
                }
            }
        }
        for (name, distribution) in self.distributions() {
            check_distribution(
                &KeyPath::from("data").key(name),
                distribution,
                self.data.kind.uses_distributions(),
                found,
            );
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
            if goodput_metric(name).is_none() {
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
pub(super) fn goodput_metric(name: &str) -> Option<crate::Metric> {
    let name = if name == "request_latency" {
        "e2e"
    } else {
        name
    };
    crate::Metric::ALL
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

fn check_distribution(
    path: &KeyPath,
    distribution: &Distribution,
    is_drawn: bool,
    found: &mut Problems,
) {
    let Distribution { mean, min, max, .. } = *distribution;
    if min > max {
        found.error(
            path.key("min"),
            format!("min {min} is above max {max}"),
            "swap them",
        );
    } else if is_drawn
        && distribution.kind != Some(DistributionType::Uniform)
        && !(f64::from(min)..=f64::from(max)).contains(&mean)
    {
        found.error(
            path.key("mean"),
            format!("mean {mean} is outside min..max ({min}..{max})"),
            "move the mean, or set min and max too",
        );
    }
    if is_drawn && max == 0 {
        found.error(
            path.key("max"),
            "a length of 0 tokens cannot be asked for",
            "set max to at least 1",
        );
    }
    if distribution
        .std_dev
        .is_some_and(|sd| sd.is_nan() || sd < 0.0)
    {
        found.error(
            path.key("std_dev"),
            "a standard deviation is at least 0",
            "0 = always the mean",
        );
    }
    if let Some(variance) = distribution.variance {
        if variance.is_nan() || variance < 0.0 {
            let help = "0 = always the mean";
            found.error(path.key("variance"), "a variance is at least 0", help);
        } else if distribution.std_dev.is_some_and(|sd| sd > 0.0) {
            found.error(
                path.key("variance"),
                Text::from("`variance` and `")
                    .name(path.key("std_dev"))
                    .words("` say the same thing twice"),
                "keep one of them",
            );
        }
    }
}
