//! `loadgen selftest`: the instrument against a server whose timing is known, on this very machine or pod.

mod level;
mod truth;

use bench_contract::{Config, ExitCode, Metric, RequestsPerSecond, RunStatus, ValidityState};
use bench_report::table::columns;
use serde::Serialize;

use crate::affinity::Cpus;
use crate::cli::{Output, SelftestArgs};
use crate::notice;
use crate::run::{measure, print};

use level::{Level, Limit};
use truth::Server;

/// The search ends when the rate that is held and the one that is not are closer than this.
const CLOSE: f64 = 1.15;

/// What came of it.
#[derive(Serialize)]
struct Selftest {
    version: &'static str,
    /// The CPUs of the simulator.
    simulator_cpus: String,
    /// The CPUs of the instrument.
    loadgen_cpus: String,
    /// Tokens of each reply.
    tokens: u32,
    /// The rates that were measured, ascending.
    levels: Vec<Level>,
    /// The highest of them that was held: valid, nothing lost, every error within what is promised.
    highest_rate: Option<f64>,
    /// Who could not do more; absent where the search ended without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    limited_by: Option<Limit>,
}

/// Why it ended early.
enum Ended {
    Interrupted,
    Failed(ExitCode, String),
}

/// Measures each rate, searches the highest that is held, and prints both on stdout.
#[must_use]
pub fn selftest(args: &SelftestArgs) -> ExitCode {
    let allowed = match Cpus::allowed() {
        Ok(allowed) => allowed,
        Err(error) => {
            notice(&format!(
                "error: the kernel does not name this process's CPUs: {error}"
            ));
            return ExitCode::Failed;
        }
    };
    let (server, client) = allowed.halves();
    let mut bench = Bench {
        args,
        server,
        client,
        levels: Vec::new(),
    };
    notice(&format!(
        "selftest: Poisson arrivals, {} tokens a reply, {} s a rate; simulator on CPU {server}, loadgen on CPU {client}",
        args.tokens,
        args.duration.get()
    ));
    if allowed.count() < 2 {
        notice("warning: one CPU for both: what is measured is how they share it");
    }
    let ended = bench.measure_all().err();
    let result = bench.result();
    let text = match args.output {
        Output::Table => table(&result),
        Output::Json => serde_json::to_string_pretty(&result).unwrap_or_default() + "\n",
    };
    let printed = print(&text);
    match ended {
        Some(Ended::Interrupted) => ExitCode::Interrupted,
        Some(Ended::Failed(code, reason)) => {
            notice(&format!("error: {reason}"));
            code
        }
        None if result.highest_rate.is_none() => ExitCode::MeasurementInvalid,
        None => printed,
    }
}

struct Bench<'a> {
    args: &'a SelftestArgs,
    server: Cpus,
    client: Cpus,
    levels: Vec<Level>,
}

impl Bench<'_> {
    /// The rates that were asked for; from the last of them on, twice the rate until it is not held, then between.
    fn measure_all(&mut self) -> Result<(), Ended> {
        let mut rates = self.args.rates.clone();
        rates.sort_by(|a, b| a.get().total_cmp(&b.get()));
        for rate in &rates {
            self.measure(rate.get())?;
        }
        let (mut held, mut not) = (self.highest(), self.first_limit());
        while let (Some(low), None) = (held, not) {
            if low * 2.0 > self.args.up_to.get() {
                return Ok(());
            }
            self.measure(low * 2.0)?;
            (held, not) = (self.highest(), self.first_limit());
        }
        while let (Some(low), Some(high)) = (held, not) {
            if high < low * CLOSE {
                break;
            }
            self.measure(((low * high).sqrt() / 10.0).round() * 10.0)?;
            (held, not) = (self.highest(), self.first_limit());
        }
        Ok(())
    }

    /// The highest rate that was held before any that was not.
    fn highest(&self) -> Option<f64> {
        let held = self
            .levels
            .iter()
            .take_while(|level| level.limit().is_none());
        held.last().map(|level| level.rate)
    }

    fn first_limit(&self) -> Option<f64> {
        let not = self.levels.iter().find(|level| level.limit().is_some());
        not.map(|level| level.rate)
    }

    /// Measures one rate, twice where the first time says no: another program that took the CPU is no limit.
    fn measure(&mut self, rate: f64) -> Result<(), Ended> {
        let mut level = self.once(rate)?;
        if level.limit().is_some() {
            let again = self.once(rate)?;
            if again.limit().is_none() {
                level = again;
            }
        }
        let place = self.levels.partition_point(|other| other.rate < level.rate);
        self.levels.insert(place, level);
        Ok(())
    }

    fn once(&self, rate: f64) -> Result<Level, Ended> {
        let failed = |reason: String| Ended::Failed(ExitCode::Failed, reason);
        let workers = self.server.count().to_string();
        let flags = ["--ttft", "20ms", "--itl", "5ms", "--workers", &workers].map(str::to_owned);
        let server = Server::start(&self.server, &flags)
            .map_err(|error| failed(format!("cannot start the simulator: {error}")))?;
        let config = self.config(rate, &server.address).map_err(failed)?;
        let report = self
            .client
            .run(|| measure(config))
            .map_err(|error| failed(format!("cannot run on CPU {}: {error}", self.client)))?
            .map_err(|(code, reason)| Ended::Failed(code, reason))?;
        let truth = server.stop();
        if report.run.status != RunStatus::Complete {
            let why = report.run.partial_because.join("; ");
            return Err(
                if report.verdict.exit_code == ExitCode::Interrupted.code() {
                    Ended::Interrupted
                } else {
                    failed(why)
                },
            );
        }
        let truth = truth
            .map_err(|error| failed(format!("cannot read what the simulator did: {error}")))?;
        let level = Level::new(rate, &report, &truth)
            .ok_or_else(|| failed(format!("nothing was measured at {rate}/s")))?;
        notice(&format!(
            "  {rate}/s: {}",
            match level.limit() {
                None => "held",
                Some(Limit::Simulator) => "not held: the simulator was late",
                Some(Limit::Instrument) => "not held",
            }
        ));
        Ok(level)
    }

    fn config(&self, rate: f64, address: &str) -> Result<Config, String> {
        let fixed = |n: u32| serde_json::json!({"mean": n, "std_dev": 0, "min": n, "max": n});
        let rate = RequestsPerSecond::new(rate).map_err(|error| error.to_string())?;
        let config = serde_json::json!({
            "api": {"type": "completion", "streaming": true},
            "data": {"type": "synthetic", "input_distribution": fixed(32), "output_distribution": fixed(self.args.tokens)},
            "load": {"type": "poisson", "seed": 1, "stages": [{"rate": rate.get(), "duration": self.args.duration.get()}]},
            "server": {"base_url": format!("http://{address}"), "ready_timeout": 20},
            "storage": null,
            "metrics": {"scrape": false},
        });
        serde_json::from_value(config).map_err(|error| error.to_string())
    }

    fn result(&self) -> Selftest {
        let limit = self.levels.iter().find_map(Level::limit);
        Selftest {
            version: env!("CARGO_PKG_VERSION"),
            simulator_cpus: self.server.to_string(),
            loadgen_cpus: self.client.to_string(),
            tokens: self.args.tokens,
            levels: self.levels.clone(),
            highest_rate: self.highest(),
            limited_by: limit,
        }
    }
}

fn table(result: &Selftest) -> String {
    let head = [
        "rate",
        "state",
        "sent late p99",
        "loop lag p99",
        "TTFT mean (p99)",
        "TPOT mean (p99)",
        "ITL mean",
        "E2E mean (p99)",
        "CPU a request",
        "busiest worker",
        "simulator late p99",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(result.levels.iter().map(row));
    let mut text = String::from("Reported less true, in microseconds:\n\n");
    text.push_str(&columns(&rows, 0));
    for level in &result.levels {
        if !level.reasons.is_empty() {
            text.push_str(&format!("\n{}/s: {}", level.rate, level.reasons.join("; ")));
        }
    }
    text.push_str(&match (result.highest_rate, result.limited_by) {
        (None, _) => "\nNo rate was held.\n".to_owned(),
        (Some(rate), None) => format!("\nHeld up to {rate}/s; no limit was found.\n"),
        (Some(rate), Some(Limit::Simulator)) => format!(
            "\nHeld up to {rate}/s; beyond, the simulator was at its limit, so the instrument's lies higher.\n"
        ),
        (Some(rate), Some(Limit::Instrument)) => format!("\nHeld up to {rate}/s.\n"),
    });
    text
}

fn row(level: &Level) -> Vec<String> {
    let micros = |seconds: f64| format!("{:.1}", seconds * 1e6);
    let error = |metric: Metric| match level.errors.get(&metric) {
        None => "-".to_owned(),
        Some(error) => match error.p99_s {
            None => format!("{:+.1}", error.mean_s * 1e6),
            Some(p99) => format!("{:+.1} ({:+.1})", error.mean_s * 1e6, p99 * 1e6),
        },
    };
    vec![
        format!("{}/s", level.rate),
        match level.state {
            ValidityState::Valid => "valid",
            ValidityState::Suspect => "suspect",
            ValidityState::Invalid => "invalid",
        }
        .to_owned(),
        micros(level.schedule_delay_p99_s),
        micros(level.event_loop_lag_p99_s),
        error(Metric::Ttft),
        error(Metric::Tpot),
        error(Metric::Itl),
        error(Metric::E2e),
        micros(level.cpu_per_request_s),
        format!("{:.0} %", level.busiest_worker * 100.0),
        micros(level.simulator_late_p99_s),
    ]
}
