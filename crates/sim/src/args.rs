//! The flags of `loadgen sim`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::draw::Spread;
use crate::duration;

/// Settings of the simulated server. Durations are written 20ms, 1.5s, 250us; a bare number is seconds.
#[derive(Args, Clone, Debug)]
pub struct SimArgs {
    /// Address to listen on, HOST:PORT; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub listen: String,

    /// File that the chosen address is written to, once the server listens [default: none]
    #[arg(long, value_name = "FILE")]
    pub address_file: Option<PathBuf>,

    /// Name of the served model, in /v1/models and in the labels of /metrics
    #[arg(long, value_name = "NAME", default_value = "sim")]
    pub model: String,

    /// Answer 404 to a request for any other model; without it every name is accepted
    #[arg(long)]
    pub strict_model: bool,

    /// Worker threads; connections are dealt out to them in turn
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: u32,

    /// Time from the start of service to the first token
    #[arg(long, value_name = "DURATION", default_value = "20ms", value_parser = duration::parse, help_heading = "Timing")]
    pub ttft: Duration,

    /// Time added to the first token for each prompt token (prefill)
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration::parse, help_heading = "Timing")]
    pub ttft_per_prompt_token: Duration,

    /// Time from one token to the next
    #[arg(long, value_name = "DURATION", default_value = "5ms", value_parser = duration::parse, help_heading = "Timing")]
    pub itl: Duration,

    /// Spread of the time to first token over requests, as standard deviation / mean, or lognormal:SD, normal:SD, uniform:SD, exponential
    #[arg(
        long,
        value_name = "SPREAD",
        default_value = "0",
        help_heading = "Timing"
    )]
    pub ttft_spread: Spread,

    /// Spread of the time between tokens, each gap drawn on its own; written like --ttft-spread
    #[arg(
        long,
        value_name = "SPREAD",
        default_value = "0",
        help_heading = "Timing"
    )]
    pub itl_spread: Spread,

    /// Seed of everything that is drawn: spreads, reply lengths, faults
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Timing")]
    pub seed: u64,

    /// Requests served at once; others wait in one queue, first come first served; 0 = unlimited
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Timing")]
    pub capacity: u32,

    /// Time for which each new connection stays unanswered before it is served
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration::parse, help_heading = "Timing")]
    pub accept_delay: Duration,

    /// Time after the start during which /health, /v1/models and completions answer 503
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration::parse, help_heading = "Timing")]
    pub startup_delay: Duration,

    /// Time before a deadline from which the worker polls instead of sleeping. Under load this is free (waking up costs as much), and writes become more punctual; 0 = never poll
    #[arg(long, value_name = "DURATION", default_value = "20us", value_parser = duration::parse, help_heading = "Timing")]
    pub spin: Duration,

    /// Tokens in one SSE event (speculative decoding); an event is due when its first token is
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Replies")]
    pub tokens_per_event: u32,

    /// SSE events in one write (bursts); a write is due when its first token is
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Replies")]
    pub events_per_write: u32,

    /// Mean length in tokens of a reply that may end early (exponential, at most max_tokens); applies to requests without ignore_eos; 0 = never early
    #[arg(long, value_name = "TOKENS", default_value_t = 0.0, value_parser = non_negative, help_heading = "Replies")]
    pub eos_mean: f64,

    /// Characters of prompt text that count as one token
    #[arg(long, value_name = "N", default_value_t = 4.0, value_parser = positive, help_heading = "Replies")]
    pub chars_per_token: f64,

    /// Remember the beginnings of prompts, in blocks of 16 tokens: what is known takes no time per prompt token, and usage says how much that was
    #[arg(long, help_heading = "Replies")]
    pub prefix_cache: bool,

    /// Chat, Responses and Messages: number of leading tokens that are sent as reasoning
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Replies")]
    pub reasoning_tokens: u32,

    /// Send usage: in the last chunk of a stream if asked for by stream_options.include_usage, and in every reply that is not streamed
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, help_heading = "Replies")]
    pub usage: bool,

    /// Send the response head (and chat's role chunk) at the start of service, in a write of its own, as vLLM does; without it they go with the first token
    #[arg(long, help_heading = "Replies")]
    pub early_headers: bool,

    /// End SSE lines in CRLF instead of LF
    #[arg(long, help_heading = "Replies")]
    pub crlf: bool,

    /// Share of requests answered 500 at once, 0 to 1
    #[arg(long = "fault-500", value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Faults (at most one per request)")]
    pub fault_500: f64,

    /// Share of requests answered 429 with Retry-After: 1 at once, 0 to 1
    #[arg(long = "fault-429", value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Faults (at most one per request)")]
    pub fault_429: f64,

    /// Share of requests whose connection is reset in mid-stream (TCP RST), 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Faults (at most one per request)")]
    pub fault_reset: f64,

    /// Share of requests whose stream pauses for --stall-for and then goes on, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Faults (at most one per request)")]
    pub fault_stall: f64,

    /// Length of the pause of --fault-stall
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse, help_heading = "Faults (at most one per request)")]
    pub stall_for: Duration,

    /// Share of requests whose stream carries one more event, of broken JSON, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Faults (at most one per request)")]
    pub fault_malformed: f64,

    /// Share of requests whose connection is closed before the end of the stream, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Faults (at most one per request)")]
    pub fault_truncate: f64,

    /// Share of requests whose stream ends in an `error` object inside a 200, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, help_heading = "Faults (at most one per request)")]
    pub fault_error_event: f64,

    /// File for the truth: one JSON line per request with the instants of what the server did [default: none]
    #[arg(long, value_name = "LOG")]
    pub truth: Option<PathBuf>,
}

/// Equals the defaults of the flags.
impl Default for SimArgs {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            address_file: None,
            model: "sim".to_owned(),
            strict_model: false,
            workers: 1,
            ttft: Duration::from_millis(20),
            ttft_per_prompt_token: Duration::ZERO,
            itl: Duration::from_millis(5),
            ttft_spread: Spread::NONE,
            itl_spread: Spread::NONE,
            seed: 0,
            capacity: 0,
            accept_delay: Duration::ZERO,
            startup_delay: Duration::ZERO,
            spin: Duration::from_micros(20),
            tokens_per_event: 1,
            events_per_write: 1,
            eos_mean: 0.0,
            chars_per_token: 4.0,
            prefix_cache: false,
            reasoning_tokens: 0,
            usage: true,
            early_headers: false,
            crlf: false,
            fault_500: 0.0,
            fault_429: 0.0,
            fault_reset: 0.0,
            fault_stall: 0.0,
            stall_for: Duration::from_secs(10),
            fault_malformed: 0.0,
            fault_truncate: 0.0,
            fault_error_event: 0.0,
            truth: None,
        }
    }
}

impl SimArgs {
    /// What no single flag can tell: values set in code that the flags would have refused, and combinations.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (flag, value) in [
            ("--workers", self.workers),
            ("--tokens-per-event", self.tokens_per_event),
            ("--events-per-write", self.events_per_write),
        ] {
            if value == 0 {
                return Err(format!("{flag} is 0; give at least 1"));
            }
        }
        if !(self.chars_per_token > 0.0 && self.chars_per_token.is_finite()) {
            return Err("--chars-per-token must be above 0".to_owned());
        }
        if !(self.eos_mean >= 0.0 && self.eos_mean.is_finite()) {
            return Err("--eos-mean must be at least 0 (0 = replies never end early)".to_owned());
        }
        let rates = self.fault_rates();
        for (name, rate) in rates {
            if !(0.0..=1.0).contains(&rate) {
                return Err(format!("--fault-{name} is {rate}; a share is from 0 to 1"));
            }
        }
        let sum: f64 = rates.iter().map(|(_, rate)| rate).sum();
        if sum > 1.0 + 1e-9 {
            return Err(format!(
                "the --fault-* shares add up to {sum}; a request has at most one fault, so keep the sum at 1 or below"
            ));
        }
        Ok(())
    }

    /// The shares in the order in which [`crate::faults::Fault`] lists them.
    pub(crate) fn fault_rates(&self) -> [(&'static str, f64); 7] {
        [
            ("500", self.fault_500),
            ("429", self.fault_429),
            ("reset", self.fault_reset),
            ("stall", self.fault_stall),
            ("malformed", self.fault_malformed),
            ("truncate", self.fault_truncate),
            ("error-event", self.fault_error_event),
        ]
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        _ => Err("write a share from 0 to 1, for example 0.05".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x.is_finite() => Ok(x),
        _ => Err("write a number above 0".to_owned()),
    }
}

fn non_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x >= 0.0 && x.is_finite() => Ok(x),
        _ => Err("write a number that is 0 or more".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        sim: SimArgs,
    }

    #[test]
    fn default_equals_the_flags() {
        Command::command().debug_assert();
        let parsed = Command::try_parse_from(["sim"]).unwrap().sim;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", SimArgs::default()));
    }

    #[test]
    fn flags_are_read() {
        let args = Command::try_parse_from([
            "sim",
            "--ttft=1.5s",
            "--itl-spread",
            "normal:0.2",
            "--usage",
            "false",
            "--fault-500",
            "0.5",
        ])
        .unwrap()
        .sim;
        assert_eq!(args.ttft, Duration::from_millis(1500));
        assert_eq!(args.itl_spread.relative_sd, 0.2);
        assert!(!args.usage);
        assert_eq!(args.fault_500, 0.5);
    }

    #[test]
    fn bad_combinations_name_the_remedy() {
        assert!(SimArgs::default().check().is_ok());
        let args = SimArgs {
            fault_500: 0.7,
            fault_reset: 0.7,
            ..SimArgs::default()
        };
        assert!(args.check().unwrap_err().contains("1 or below"));
        let args = SimArgs {
            workers: 0,
            ..SimArgs::default()
        };
        assert!(args.check().unwrap_err().contains("--workers"));
    }
}
