//! The server's own metrics, read while the load runs.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bench_contract::{MetricsKind, ServerMetrics};
use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::{Bench, Ran};
use crate::front::{Authority, BOTH, accept, here, relay, server_config};
use crate::server::{EVENT, STREAM, listen, models, read_request};

fn metrics(ran: &Ran) -> ServerMetrics {
    ran.report().server_metrics.unwrap()
}

#[test]
fn a_queue_grows_where_the_load_is_above_what_the_server_can_do() {
    // Two at once, each 0.1 s: 20 a second, and 60 come.
    let bench = Bench::new(SimArgs {
        capacity: 2,
        ttft: Duration::from_millis(30),
        itl: Duration::from_millis(10),
        ..SimArgs::default()
    });
    let config = bench.config(json!({
        "load": {"stages": [{"rate": 60, "duration": 2}]},
        "metrics": {"interval": 0.2},
    }));
    let ran = bench.run(&config, &[]).expect(0);
    let found = metrics(&ran);
    assert_eq!(found.kind, Some(MetricsKind::Vllm));
    assert_eq!(found.problems, Vec::<String>::new());
    assert!(found.sources[0].reads >= 10, "{:?}", found.sources);
    let stage = &found.stages[0];
    assert!(stage.running.unwrap().max <= 2.0);
    assert!(stage.waiting.unwrap().max >= 40.0, "{stage:?}");
    assert_eq!(stage.generation_tokens, Some(120 * 8), "{stage:?}");
    assert_eq!(stage.client_tokens, 120 * 8);
    assert!(stage.is_covered && stage.remark.is_none(), "{stage:?}");
    assert_eq!(
        (stage.preemptions, stage.prefix_hit_rate),
        (Some(0), Some(0.0))
    );
    let usage = stage.kv_usage.unwrap();
    assert!(usage.max > 0.0 && usage.max < 0.01, "{usage:?}");

    let report = ran.report();
    let (series, client) = (found.series.unwrap(), report.series.unwrap());
    assert_eq!(
        (series.start_s, series.width_s),
        (client.start_s, client.width_s)
    );
    assert_eq!(series.waiting.len(), client.scheduled.len());
    // It grows as long as requests come.
    assert!(
        series.waiting[0] < series.waiting[1],
        "{:?}",
        series.waiting
    );
    let tokens: f64 = series.generation_tokens.iter().flatten().sum();
    assert!((tokens - 960.0).abs() < 1.0, "{tokens}");
    assert!(
        ran.stdout.contains("\nserver     running "),
        "{}",
        ran.stdout
    );
    let page = std::fs::read_to_string(ran.results.join("report.html")).unwrap();
    assert!(page.contains("Did requests wait in the server?"));
}

#[test]
fn each_stage_has_its_own_counts_and_the_warm_up_is_in_none() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({
        "load": {"stages": [{"rate": 40, "duration": 0.5}, {"rate": 80, "duration": 0.5}], "warmup": {"duration": 0.5}},
    }));
    let ran = bench.run(&config, &[]).expect(0);
    let found = metrics(&ran);
    let counts: Vec<_> = found
        .stages
        .iter()
        .map(|stage| {
            (
                stage.generation_tokens,
                stage.client_tokens,
                stage.is_covered,
            )
        })
        .collect();
    assert_eq!(counts, [(Some(160), 160, true), (Some(320), 320, true)]);
}

#[test]
fn somebody_else_is_told_of() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({"load": {"stages": [{"rate": 20, "duration": 3}]}}));
    let child = bench.start(&config);
    let sim = bench.sim.as_ref().unwrap();
    while sim.stats().requests < 5 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let address = sim.addr();
    let body = r#"{"prompt":"a","max_tokens":100,"stream":false}"#;
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    write!(
        socket,
        "POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let ran = bench.wait(child).expect(0);
    let remark = metrics(&ran).stages[0].remark.clone().unwrap();
    assert!(
        remark.contains("(580 beside 480): somebody else loads it"),
        "{remark}"
    );
    assert!(
        ran.stdout.contains("somebody else loads it"),
        "{}",
        ran.stdout
    );
}

/// A server whose page of metrics is answered by `answer`; every other request is a stream of one token.
fn server(answer: impl Fn(std::net::TcpStream, &str) + Send + Sync + 'static) -> String {
    let address = listen(move |_, mut stream| {
        loop {
            let request = read_request(&mut stream);
            if request.starts_with("GET /v1/models") {
                models(&mut stream);
            } else if request.starts_with("GET ") {
                return answer(stream, &request);
            } else if request.is_empty() {
                return;
            } else {
                let body = format!("{EVENT}data: [DONE]\n\n");
                let _ = write!(
                    stream,
                    "{STREAM}content-length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        }
    });
    format!("http://{address}")
}

fn page(stream: &mut impl Write, status: &str, body: &str) {
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
}

/// A run of 40 requests against a server with such a page, all of which succeed.
fn run(url: &str, options: serde_json::Value) -> (Ran, ServerMetrics) {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({
        "server": {"base_url": url}, "load": {"stages": [{"rate": 40, "duration": 1}]}, "metrics": options,
    }));
    let ran = bench.run(&config, &[]).expect(0);
    let report = ran.report();
    assert_eq!(report.counts.ok(), 40, "{}", ran.stdout);
    // The run is as long as its second of load and the wait for its last reply.
    assert!(report.run.duration_s < 10.0);
    (ran, report.server_metrics.unwrap())
}

#[test]
fn a_page_that_is_not_there_is_told_once_and_not_asked_for_for_ever() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let url = server(move |mut stream, _| {
        count.fetch_add(1, Ordering::Relaxed);
        page(&mut stream, "404 Not Found", "");
    });
    let (ran, found) = run(&url, json!({"interval": 0.1}));
    let told = "the server's metrics could not be read: ";
    assert_eq!(ran.stderr.matches(told).count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("it answers 404"), "{}", ran.stderr);
    assert_eq!((found.kind, found.stages.len()), (None, 0));
    assert!(found.problems[0].starts_with(told), "{:?}", found.problems);
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[test]
fn what_is_no_page_of_metrics_is_told_so() {
    for (body, words) in [
        ("<html>hello</html>", "no page of metrics"),
        (
            "go_goroutines 7\n",
            "none of the metrics of vLLM, SGLang and TGI",
        ),
    ] {
        let url = server(move |mut stream, _| page(&mut stream, "200 OK", body));
        let (_, found) = run(&url, json!({"interval": 0.2}));
        assert!(found.problems[0].contains(words), "{:?}", found.problems);
    }
}

#[test]
fn a_page_that_never_comes_delays_nothing() {
    let url = server(|stream, _| {
        // As long as the test lasts.
        std::thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let (_, found) = run(&url, json!({"interval": 0.3}));
    assert!(
        found.problems[0].contains("within 300ms"),
        "{:?}",
        found.problems
    );
}

#[test]
fn a_slow_page_is_read_all_the_same() {
    let tokens = Arc::new(AtomicU32::new(0));
    let url = server(move |mut stream, _| {
        std::thread::sleep(Duration::from_millis(150));
        let n = tokens.fetch_add(1, Ordering::Relaxed);
        page(
            &mut stream,
            "200 OK",
            &format!("tgi_queue_size {n}\ntgi_request_generated_tokens_sum {n}\n"),
        );
    });
    let (_, found) = run(&url, json!({"interval": 0.5}));
    assert_eq!(found.kind, Some(MetricsKind::Tgi));
    assert_eq!(found.problems, Vec::<String>::new());
    assert!(found.stages[0].waiting.unwrap().max >= 1.0, "{found:?}");
    assert_eq!(found.stages[0].running, None);
}

#[test]
fn other_pages_are_read_in_place_of_the_servers_own_and_get_no_key() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    let other = server(move |mut stream, request| {
        seen.lock().unwrap().push(request.to_owned());
        page(&mut stream, "200 OK", "sglang:num_running_reqs 3\n");
    });
    let own = server(|stream, _| drop(stream));
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({
        "server": {"base_url": own, "api_key": "secret"},
        "load": {"stages": [{"rate": 40, "duration": 1}]},
        "metrics": {"urls": [format!("{other}/deep/metrics"), "http://127.0.0.1:1/metrics"]},
    }));
    let ran = bench.run(&config, &[]).expect(0);
    let found = metrics(&ran);
    assert_eq!(found.kind, Some(MetricsKind::Sglang));
    assert_eq!(found.stages[0].running.unwrap().mean, 3.0);
    assert!(
        found.problems[0].contains("http://127.0.0.1:1/metrics"),
        "{:?}",
        found.problems
    );
    let requests = requests.lock().unwrap();
    assert!(requests.len() >= 2);
    for request in requests.iter() {
        assert!(
            request.starts_with("GET /deep/metrics HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(!request.contains("secret"), "{request}");
    }
}

#[test]
fn the_page_is_read_over_tls_as_the_server_is_and_not_where_it_is_not_wanted() {
    let bench = Bench::new(SimArgs::default());
    let authority = Authority::new();
    let sim = bench.sim.as_ref().unwrap().addr();
    let server = server_config(here(&authority), &BOTH, None);
    let front = listen(move |_, socket| relay(accept(&server, socket), sim));
    let patch = |scrape: bool| {
        bench.config(json!({
            "server": {"base_url": format!("https://{front}"), "ca_path": authority.file()},
            "load": {"stages": [{"rate": 20, "duration": 1}]},
            "metrics": {"scrape": scrape},
        }))
    };
    let found = metrics(&bench.run(&patch(true), &[]).expect(0));
    assert_eq!(found.problems, Vec::<String>::new());
    assert_eq!(found.stages[0].generation_tokens, Some(160));
    assert!(
        found.sources[0].url.starts_with("https://"),
        "{:?}",
        found.sources
    );
    let ran = bench.run(&patch(false), &[]).expect(0);
    assert_eq!(ran.report().server_metrics, None);
}
