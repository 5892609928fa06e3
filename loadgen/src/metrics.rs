//! `/metrics`: what can be seen of a run while it goes on, for Prometheus. Off unless asked for.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bench_contract::Outcome;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::engine::{Buckets, Counters};
use crate::notice;

/// The text format of Prometheus.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long a client may take to send its request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// What is served.
#[derive(Debug)]
pub struct Metrics {
    run_id: String,
    counters: Arc<Counters>,
    stage: Mutex<String>,
}

impl Metrics {
    /// The counters of the run `run_id`.
    #[must_use]
    pub fn new(run_id: &str, counters: Arc<Counters>) -> Self {
        Self {
            run_id: run_id.to_owned(),
            counters,
            stage: Mutex::default(),
        }
    }

    /// The stage `name` has begun.
    pub fn stage(&self, name: &str) {
        name.clone_into(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything in the text format of Prometheus.
    #[must_use]
    pub fn text(&self) -> String {
        let counters = &self.counters;
        let mut page = Page(String::new());
        page.head(
            "loadgen_info",
            "gauge",
            "The run that goes on, and its stage.",
        );
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        page.line(&format!(
            "loadgen_info{{version=\"{}\",run_id=\"{}\",stage=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION"),
            escaped(&self.run_id),
            escaped(&stage)
        ));
        page.counter(
            "loadgen_requests_sent_total",
            "Requests sent, warm-up included.",
            Counters::read(&counters.sent),
        );
        page.head(
            "loadgen_requests_ended_total",
            "counter",
            "Requests that have ended, by outcome.",
        );
        for (outcome, n) in counters.outcomes() {
            if outcome != Outcome::NotSent {
                let outcome = outcome.as_str();
                page.line(&format!(
                    "loadgen_requests_ended_total{{outcome=\"{outcome}\"}} {n}"
                ));
            }
        }
        page.head("loadgen_requests_in_flight", "gauge", "Requests in flight.");
        page.line(&format!(
            "loadgen_requests_in_flight {}",
            counters.in_flight()
        ));
        for (name, help, counter) in [
            (
                "loadgen_output_tokens_total",
                "Output tokens of requests that have ended.",
                &counters.tokens,
            ),
            (
                "loadgen_connections_opened_total",
                "Connections opened.",
                &counters.connections,
            ),
            (
                "loadgen_socket_errors_total",
                "Sockets that this machine could not give.",
                &counters.socket_errors,
            ),
        ] {
            page.counter(name, help, Counters::read(counter));
        }
        for (name, help, histogram) in [
            (
                "loadgen_ttft_seconds",
                "From the first byte sent to the first token, of requests that have ended.",
                &counters.ttft,
            ),
            (
                "loadgen_chunk_gap_seconds",
                "Between successive token events, of requests that have ended.",
                &counters.chunk_gap,
            ),
            (
                "loadgen_schedule_delay_seconds",
                "From the planned instant to the dispatch, of requests that have ended: the generator's own.",
                &counters.schedule_delay,
            ),
        ] {
            page.histogram(name, help, &histogram.buckets());
        }
        page.0
    }
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(&format!("# HELP {name} {help}"));
        self.line(&format!("# TYPE {name} {kind}"));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.line(&format!("{name} {value}"));
    }

    fn histogram(&mut self, name: &str, help: &str, buckets: &Buckets) {
        self.head(name, "histogram", help);
        for (bound, below) in buckets.cumulative() {
            let _ = writeln!(self.0, "{name}_bucket{{le=\"{bound}\"}} {below}");
        }
        let count = buckets.count();
        let _ = writeln!(self.0, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let sum = crate::clock::seconds(buckets.sum_ns);
        let _ = writeln!(self.0, "{name}_sum {sum}\n{name}_count {count}");
    }
}

/// A label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Listens at `address`, and says where.
///
/// # Errors
/// When nothing can listen there, in words.
pub fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    let every = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
    // A kernel without IPv6 has every address in IPv4.
    let listener = TcpListener::bind(address).or_else(|error| {
        let is_every = address.ip() == Ipv6Addr::UNSPECIFIED;
        let has_no_ipv6 = error.kind() == std::io::ErrorKind::Unsupported
            || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
        if is_every && has_no_ipv6 {
            TcpListener::bind(every)
        } else {
            Err(error)
        }
    });
    let listening = listener.and_then(|listener| {
        listener.set_nonblocking(true)?;
        notice(&format!(
            "metrics at http://{}/metrics",
            listener.local_addr()?
        ));
        Ok(listener)
    });
    listening.map_err(|error| {
        format!("cannot serve metrics at {address}: {error}; choose another address with --metrics-listen")
    })
}

/// Serves `metrics` to whoever comes to `listener`, until the runtime ends. Has to be called in a runtime.
///
/// # Errors
/// When the runtime cannot take the listener.
pub fn serve(listener: TcpListener, metrics: Arc<Metrics>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    let metrics = metrics.clone();
                    let answer = service_fn(move |request| {
                        let metrics = metrics.clone();
                        async move { Ok::<_, Infallible>(answer(&request, &metrics)) }
                    });
                    let mut server = http1::Builder::new();
                    server
                        .timer(TokioTimer::new())
                        .header_read_timeout(REQUEST_LIMIT);
                    tokio::spawn(server.serve_connection(TokioIo::new(socket), answer));
                }
                // No descriptors left: they are the load's first.
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    });
    Ok(())
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, text) = match request.uri().path() {
        "/metrics" if is_read => (StatusCode::OK, metrics.text()),
        "/metrics" => (
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD\n".to_owned(),
        ),
        _ => (StatusCode::NOT_FOUND, "only /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static(TEXT_FORMAT),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_in_the_text_format() {
        let counters = Arc::new(Counters::default());
        counters.ttft.record(20_000_000, 2);
        counters.take_off();
        let metrics = Metrics::new("a \"run\"", counters);
        metrics.stage("stage 0");
        let text = metrics.text();
        for line in [
            "loadgen_info{version=\"0.1.0\",run_id=\"a \\\"run\\\"\",stage=\"stage 0\"} 1",
            "loadgen_requests_sent_total 1",
            "loadgen_requests_ended_total{outcome=\"ok\"} 0",
            "loadgen_requests_in_flight 1",
            "loadgen_ttft_seconds_bucket{le=\"0.016777216\"} 0",
            "loadgen_ttft_seconds_bucket{le=\"0.033554432\"} 2",
            "loadgen_ttft_seconds_bucket{le=\"+Inf\"} 2",
            "loadgen_ttft_seconds_sum 0.04",
            "loadgen_ttft_seconds_count 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        // Every sample belongs to a family that has a head.
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name);
            assert!(text.contains(&format!("# TYPE {family} ")), "{line}");
        }
    }
}
