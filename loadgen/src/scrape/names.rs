//! What each server calls its metrics, and how the samples of a page come to one value.
//!
//! * vLLM: `vllm/v1/metrics/loggers.py`. A series for each engine. The names that begin with `gpu_` are older.
//! * SGLang: `--enable-metrics`; "Production Metrics" of its documentation. With
//!   `--enable-metrics-for-all-schedulers` every rank of a tensor-parallel group says the same, and counts once; with
//!   `--enable-priority-scheduling` there is a series for each priority beside the one of all, whose priority is empty.
//! * TGI: "Metrics" of its documentation. Tokens are the sums of histograms over requests.

use bench_contract::MetricsKind;
use bench_report::{Counter, KvUsage, ServerValues};

use super::text::{Sample, samples};

/// What a sample is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Running,
    Waiting,
    KvUsage,
    HitRate,
    Count(Counter),
}

/// Quantities, and where each has its place.
const QUANTITIES: usize = 4 + Counter::ALL.len();

impl Quantity {
    fn place(self) -> usize {
        match self {
            Self::Running => 0,
            Self::Waiting => 1,
            Self::KvUsage => 2,
            Self::HitRate => 3,
            Self::Count(counter) => 4 + counter as usize,
        }
    }
}

/// The quantity of a name, and how much other names are to be preferred.
type Named = (Quantity, u8);

fn of_vllm(name: &str) -> Option<Named> {
    use Counter::{CacheHits, CacheQueries, GenerationTokens, Preemptions, PromptTokens};
    use Quantity::{Count, KvUsage, Running, Waiting};
    Some(match name {
        "num_requests_running" => (Running, 0),
        "num_requests_waiting" => (Waiting, 0),
        "kv_cache_usage_perc" => (KvUsage, 0),
        "gpu_cache_usage_perc" => (KvUsage, 1),
        "num_preemptions_total" => (Count(Preemptions), 0),
        "num_preemptions" => (Count(Preemptions), 1),
        "prefix_cache_queries_total" => (Count(CacheQueries), 0),
        "prefix_cache_queries" => (Count(CacheQueries), 1),
        "gpu_prefix_cache_queries_total" => (Count(CacheQueries), 2),
        "gpu_prefix_cache_queries" => (Count(CacheQueries), 3),
        "prefix_cache_hits_total" => (Count(CacheHits), 0),
        "prefix_cache_hits" => (Count(CacheHits), 1),
        "gpu_prefix_cache_hits_total" => (Count(CacheHits), 2),
        "gpu_prefix_cache_hits" => (Count(CacheHits), 3),
        "prompt_tokens_total" => (Count(PromptTokens), 0),
        "prompt_tokens" => (Count(PromptTokens), 1),
        "generation_tokens_total" => (Count(GenerationTokens), 0),
        "generation_tokens" => (Count(GenerationTokens), 1),
        _ => return None,
    })
}

fn of_sglang(name: &str) -> Option<Named> {
    use Counter::{CacheHits, GenerationTokens, Preemptions, PromptTokens};
    use Quantity::{Count, HitRate, KvUsage, Running, Waiting};
    Some(match name {
        "num_running_reqs" => (Running, 0),
        "num_queue_reqs" => (Waiting, 0),
        "token_usage" => (KvUsage, 0),
        "cache_hit_rate" => (HitRate, 0),
        "num_retracted_requests_total" => (Count(Preemptions), 0),
        "cached_tokens_total" => (Count(CacheHits), 0),
        "prompt_tokens_total" => (Count(PromptTokens), 0),
        "generation_tokens_total" => (Count(GenerationTokens), 0),
        _ => return None,
    })
}

fn of_tgi(name: &str) -> Option<Named> {
    use Quantity::{Count, Running, Waiting};
    Some(match name {
        "batch_current_size" => (Running, 0),
        "queue_size" => (Waiting, 0),
        "request_input_length_sum" => (Count(Counter::PromptTokens), 0),
        "request_generated_tokens_sum" => (Count(Counter::GenerationTokens), 0),
        _ => return None,
    })
}

fn named(name: &str) -> Option<(MetricsKind, Option<Named>)> {
    let of = |prefix: &str| name.strip_prefix(prefix);
    if let Some(name) = of("vllm:") {
        Some((MetricsKind::Vllm, of_vllm(name)))
    } else if let Some(name) = of("sglang:") {
        Some((MetricsKind::Sglang, of_sglang(name)))
    } else {
        of("tgi_").map(|name| (MetricsKind::Tgi, of_tgi(name)))
    }
}

/// Labels of ranks that do the same work together.
const RANKS: [&str; 3] = ["tp_rank", "pp_rank", "moe_ep_rank"];

/// Why a page says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is something else.
    NoMetrics,
    /// It has no name that is known. That of an idle server may be empty: many series show up when they first count something.
    NoKnownNames,
}

/// What a page says.
///
/// # Errors
/// [`Unread`].
pub(super) fn values(page: &str) -> Result<ServerValues, Unread> {
    let mut sums: [Sum; QUANTITIES] = Default::default();
    let (mut kind, mut started, mut is_page) = (None, None, false);
    for sample in samples(page) {
        is_page = true;
        if sample.name == "process_start_time_seconds" {
            started = Some(sample.value).filter(|at| at.is_finite());
        }
        let Some((of, Some((quantity, rank)))) = named(sample.name) else {
            continue;
        };
        // A page of two servers' names is of the first, and the other stands behind it.
        if *kind.get_or_insert(of) != of || !sample.value.is_finite() {
            continue;
        }
        let is_part = of == MetricsKind::Sglang
            && sample
                .label("priority")
                .is_some_and(|priority| !priority.is_empty());
        sums[quantity.place()].add(of, rank + u8::from(is_part), &sample);
    }
    let Some(kind) = kind else {
        let is_comment = |line: &str| line.starts_with('#') || line.trim().is_empty();
        return Err(match is_page || page.lines().all(is_comment) {
            true => Unread::NoKnownNames,
            false => Unread::NoMetrics,
        });
    };
    let of = |quantity: Quantity| &sums[quantity.place()];
    let mut counters = Counter::ALL.map(|counter| of(Quantity::Count(counter)).sum());
    if kind == MetricsKind::Sglang {
        // Every prompt token is looked up.
        counters[Counter::CacheQueries as usize] = counters[Counter::PromptTokens as usize];
    }
    let usage = of(Quantity::KvUsage);
    Ok(ServerValues {
        kind,
        started,
        running: of(Quantity::Running).sum(),
        waiting: of(Quantity::Waiting).sum(),
        kv_usage: usage.mean().map(|mean| KvUsage {
            mean,
            max: usage.max(),
            engines: usage.engines(),
        }),
        hit_rate: of(Quantity::HitRate).mean(),
        counters,
    })
}

/// The samples of one quantity, of the name that is preferred.
#[derive(Default)]
struct Sum {
    rank: u8,
    /// A value for each engine.
    parts: Vec<(u64, f64)>,
}

impl Sum {
    fn add(&mut self, kind: MetricsKind, rank: u8, sample: &Sample<'_>) {
        if self.parts.is_empty() || rank < self.rank {
            self.rank = rank;
            self.parts.clear();
        } else if rank > self.rank {
            return;
        }
        let engine = match kind {
            MetricsKind::Sglang => engine(sample),
            // Each series is of its own.
            MetricsKind::Vllm | MetricsKind::Tgi => self.parts.len() as u64,
        };
        match self.parts.iter_mut().find(|part| part.0 == engine) {
            Some(part) if kind == MetricsKind::Sglang => part.1 = part.1.max(sample.value),
            _ => self.parts.push((engine, sample.value)),
        }
    }

    fn sum(&self) -> Option<f64> {
        let values = self.parts.iter().map(|part| part.1);
        values.reduce(|a, b| a + b)
    }

    fn mean(&self) -> Option<f64> {
        Some(self.sum()? / self.parts.len() as f64)
    }

    fn max(&self) -> f64 {
        let values = self.parts.iter().map(|part| part.1);
        values.fold(f64::NEG_INFINITY, f64::max)
    }

    fn engines(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }
}

/// The labels of a sample without its ranks, as a number: ranks of one group share it.
fn engine(sample: &Sample<'_>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut feed = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in sample.labels().filter(|(name, _)| !RANKS.contains(name)) {
        feed(name);
        feed(value);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> ServerValues {
        values(page).unwrap()
    }

    #[test]
    fn vllm_of_two_engines() {
        let page = "\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 7.0
vllm:num_requests_running{engine=\"1\",model_name=\"m\"} 5.0
vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 0.0
vllm:num_requests_waiting{engine=\"1\",model_name=\"m\"} 3.0
vllm:num_requests_waiting_by_reason{engine=\"1\",reason=\"capacity\"} 3.0
vllm:gpu_cache_usage_perc{engine=\"0\"} 0.9
vllm:kv_cache_usage_perc{engine=\"0\"} 0.2
vllm:kv_cache_usage_perc{engine=\"1\"} 0.6
vllm:gpu_cache_usage_perc{engine=\"1\"} 0.9
vllm:gpu_prefix_cache_queries_total{engine=\"0\"} 1000
vllm:prefix_cache_queries_total{engine=\"0\"} 400.0
vllm:prefix_cache_queries_total{engine=\"1\"} 600.0
vllm:prefix_cache_queries_created{engine=\"0\"} 1.7e9
vllm:prefix_cache_hits_total{engine=\"0\"} 100.0
vllm:prefix_cache_hits_total{engine=\"1\"} 150.0
vllm:num_preemptions_total{engine=\"0\"} 2.0
vllm:prompt_tokens_total{engine=\"0\"} 1e6
vllm:generation_tokens_total{engine=\"0\"} 5e5
vllm:generation_tokens_total{engine=\"1\"} 5e5
vllm:iteration_tokens_total_sum{engine=\"1\"} 9e9
process_start_time_seconds 1.73e+09
";
        let found = read(page);
        assert_eq!(found.kind, MetricsKind::Vllm);
        assert_eq!((found.running, found.waiting), (Some(12.0), Some(3.0)));
        let usage = found.kv_usage.unwrap();
        assert!((usage.mean - 0.4).abs() < 1e-9, "{usage:?}");
        assert_eq!((usage.max, usage.engines), (0.6, 2));
        assert_eq!(found.started, Some(1.73e9));
        assert_eq!(
            found.counters,
            [2.0, 1000.0, 250.0, 1e6, 1e6].map(Some),
            "{found:?}"
        );
    }

    #[test]
    fn an_older_vllm() {
        let found = read(
            "vllm:gpu_cache_usage_perc{model_name=\"m\"} 0.5\nvllm:gpu_prefix_cache_queries_total 8\nvllm:gpu_prefix_cache_hits_total 2\n",
        );
        assert_eq!(found.kv_usage.unwrap().mean, 0.5);
        assert_eq!(found.counter(Counter::CacheQueries), Some(8.0));
        assert_eq!(found.counter(Counter::CacheHits), Some(2.0));
        assert_eq!(found.running, None);
    }

    #[test]
    fn ranks_of_sglang_count_once_and_data_parallel_ones_add() {
        let found = read(
            "\
sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"0\",pp_rank=\"0\"} 4
sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"1\",pp_rank=\"0\"} 4
sglang:num_running_reqs{dp_rank=\"1\",tp_rank=\"2\",pp_rank=\"0\"} 6
sglang:num_queue_reqs{priority=\"\",tp_rank=\"0\"} 9
sglang:num_queue_reqs{priority=\"1\",tp_rank=\"0\"} 5
sglang:num_queue_reqs{priority=\"2\",tp_rank=\"0\"} 4
sglang:token_usage{dp_rank=\"0\",tp_rank=\"0\"} 0.25
sglang:token_usage{dp_rank=\"1\",tp_rank=\"2\"} 0.75
sglang:cache_hit_rate{tp_rank=\"0\"} 0.125
sglang:prompt_tokens_total{model_name=\"m\"} 100
sglang:prompt_tokens_total{model_name=\"m\",is_streaming=\"true\"} 20
sglang:cached_tokens_total{model_name=\"m\",cache_source=\"device\"} 30
sglang:cached_tokens_total{model_name=\"m\",cache_source=\"host\"} 10
sglang:num_retracted_requests_total{tp_rank=\"0\"} 3
sglang:generation_tokens_total{model_name=\"m\"} 55
",
        );
        assert_eq!((found.running, found.waiting), (Some(10.0), Some(9.0)));
        assert_eq!(
            found.kv_usage.map(|usage| (usage.mean, usage.max)),
            Some((0.5, 0.75))
        );
        assert_eq!(found.hit_rate, Some(0.125));
        assert_eq!(found.counters, [3.0, 120.0, 40.0, 120.0, 55.0].map(Some));
    }

    #[test]
    fn tgi_counts_tokens_in_histograms() {
        let found = read(
            "tgi_batch_current_size 4\ntgi_queue_size 7\ntgi_request_generated_tokens_bucket{le=\"1\"} 0\ntgi_request_generated_tokens_sum 8123\ntgi_request_input_length_sum 900\n",
        );
        assert_eq!(found.kind, MetricsKind::Tgi);
        assert_eq!((found.running, found.waiting), (Some(4.0), Some(7.0)));
        assert_eq!(found.counter(Counter::GenerationTokens), Some(8123.0));
        assert_eq!(found.counter(Counter::PromptTokens), Some(900.0));
        assert_eq!(found.kv_usage, None);
    }

    #[test]
    fn a_page_without_known_names_says_so() {
        assert_eq!(values("<html>\n</html>"), Err(Unread::NoMetrics));
        assert_eq!(values("{\"error\":\"x\"}"), Err(Unread::NoMetrics));
        assert_eq!(values("# EOF"), Err(Unread::NoKnownNames));
        assert_eq!(values("go_goroutines 8\n"), Err(Unread::NoKnownNames));
        // Its names alone are not enough: a value that is none is nothing.
        assert_eq!(read("vllm:num_requests_running NaN\n").running, None);
    }
}
