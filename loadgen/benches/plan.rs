//! What planning costs: arrivals, lengths, prompts.

use bench_contract::config::Config;
use bench_contract::{Burstiness, RequestsPerSecond, Seconds};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loadgen::plan::arrivals::{Process, Rates, arrivals};
use loadgen::plan::prompts::PromptMaker;
use loadgen::plan::stages;

fn config() -> Config {
    serde_json::from_value(serde_json::json!({
        "data": {"type": "synthetic",
            "input_distribution": {"mean": 1024, "std_dev": 512, "min": 128, "max": 4096},
            "output_distribution": {"mean": 512, "std_dev": 256, "min": 50, "max": 2048}},
        "load": {"type": "poisson", "stages": [{"rate": 15, "duration": 600}]},
        "server": {"base_url": "http://127.0.0.1:1"}
    }))
    .expect("a config")
}

fn planner(criterion: &mut Criterion) {
    let config = config();
    let spec = stages(&config, None).expect("stages").remove(0);
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(9_000));
    let rate = RequestsPerSecond::new(15.0).expect("a rate");
    let rates = Rates::new(rate, rate, Seconds::whole(600));
    group.bench_function("poisson arrivals, 15/s for 600 s", |bencher| {
        bencher.iter(|| arrivals(Process::Poisson, rates, 1, 0));
    });
    let bursts = Process::Gamma(Burstiness::new(0.5).expect("a shape"));
    group.bench_function("gamma arrivals, 15/s for 600 s", |bencher| {
        bencher.iter(|| arrivals(bursts, rates, 1, 0));
    });
    group.bench_function("arrivals and lengths, 15/s for 600 s", |bencher| {
        bencher.iter(|| {
            let plan = spec.plan(1);
            let count = plan.len().unwrap_or(0);
            (0..count)
                .map(|index| plan.planned(index).input_tokens)
                .max()
        });
    });
    group.throughput(Throughput::Elements(1_024));
    let maker = PromptMaker::new(&config, 1, "run").expect("a prompt maker");
    group.bench_function("prompt of 1,024 token ids", |bencher| {
        bencher.iter(|| maker.make(0, 7, 1_024));
    });
    group.finish();
}

criterion_group!(benches, planner);
criterion_main!(benches);
