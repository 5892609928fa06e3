//! What can be seen of a run while it goes on.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bench_sim::SimArgs;
use serde_json::json;

use crate::bench::Bench;
use crate::ends::signal;

fn get(address: &str, request: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn prometheus_reads_a_run_while_it_goes_on() {
    let bench = Bench::new(SimArgs::default());
    let config = bench.config(json!({"load": {"stages": [{"rate": 50, "duration": 60}]}}));
    let mut child = bench.start_with(&config, &["--metrics-listen", "127.0.0.1:0"]);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.unwrap();
        let rest = line.strip_prefix("metrics at http://")?;
        Some(rest.strip_suffix("/metrics")?.to_owned())
    });
    let address = address.unwrap();
    let mut values: BTreeMap<String, f64> = BTreeMap::new();
    let wanted = [
        ("loadgen_requests_sent_total", 30.0),
        ("loadgen_requests_ended_total{outcome=\"ok\"}", 5.0),
        ("loadgen_ttft_seconds_count", 5.0),
        // Seven gaps follow the first of eight tokens.
        ("loadgen_chunk_gap_seconds_count", 35.0),
    ];
    let has = |values: &BTreeMap<String, f64>| {
        let mut wanted = wanted.iter();
        wanted.all(|(name, least)| values.get(*name).is_some_and(|n| n >= least))
    };
    let mut looks = 0;
    while !has(&values) {
        looks += 1;
        assert!(looks < 1500, "{values:?}");
        std::thread::sleep(Duration::from_millis(20));
        let (status, text) = get(&address, "GET /metrics");
        assert_eq!(status, "HTTP/1.1 200 OK");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        values = samples
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap();
                (name.to_owned(), value.parse::<f64>().unwrap())
            })
            .collect();
    }
    let (_, text) = get(&address, "GET /metrics");
    assert!(text.contains("stage=\"stage 0\""), "{text}");
    assert_eq!(get(&address, "GET /").0, "HTTP/1.1 404 Not Found");
    assert_eq!(
        get(&address, "POST /metrics").0,
        "HTTP/1.1 405 Method Not Allowed"
    );

    let taken = bench
        .run(&config, &["--metrics-listen", &address])
        .expect(1);
    assert!(
        taken.stderr.contains("--metrics-listen"),
        "{}",
        taken.stderr
    );
    signal(&child, "TERM");
    drop(lines);
    bench.wait(child).expect(8);
}
