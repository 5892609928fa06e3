//! `loadgen check`: what a config would do, without doing it.

use bench_contract::{Config, ExitCode};
use bench_yaml::Source;

use crate::cli::ConfigArgs;
use crate::config::{Override, load};
use crate::data::source;
use crate::engine::Target;
use crate::plan::arrivals::Process;
use crate::plan::prompts::PromptMaker;
use crate::plan::random::Purpose;
use crate::plan::{Schedule, StageSpec, stages};
use crate::run::{explain, print};
use crate::trace;
use crate::workload::Workload;

/// Checks a config and prints its plan on stdout.
#[must_use]
pub fn check(source: &Source, overrides: &[Override], args: &ConfigArgs) -> ExitCode {
    let loaded = match load(source, overrides, args.strict) {
        Ok(loaded) => loaded,
        Err(problems) => {
            explain(&problems);
            return ExitCode::InvalidInput;
        }
    };
    explain(&loaded.warnings);
    match describe(&loaded.config) {
        Ok(text) => print(&text),
        Err(error) => {
            crate::notice(&format!("error: {error}"));
            ExitCode::InvalidInput
        }
    }
}

/// The plan in words: a line a stage, and what a prompt is.
///
/// # Errors
/// When the config's load cannot be generated, or its tokenizer is broken.
fn describe(config: &Config) -> Result<String, String> {
    let seed = config.load.given_seed().unwrap_or(1);
    let trace = trace::read(config)?;
    let mut specs = stages(config, trace.as_ref())?;
    let prompts = match source::remote(config) {
        // It may be large, and a check sends for nothing.
        Some(address) => format!("of {address}, which is fetched when it runs"),
        None => {
            let prompts = PromptMaker::new(config, seed, "check")?;
            let data = source::fetch(config, &mut |_| {})?;
            Workload::new(
                prompts,
                config,
                seed,
                &mut specs,
                trace.as_ref(),
                data.as_deref(),
            )?
            .describe()
        }
    };
    let server = config.server.as_ref().ok_or("there is no server to test")?;
    Target::parse(&server.base_url).map_err(|error| error.to_string())?;
    let mut text = format!(
        "target   {} at {}, {}{}\nprompts  {}\n",
        server
            .model_name
            .as_deref()
            .unwrap_or("(the first model that the server lists)"),
        server.base_url,
        config.api.kind.as_str(),
        if config.api.streaming {
            ", streaming"
        } else {
            ""
        },
        prompts,
    );
    let pauses = specs.len().saturating_sub(1) as f64 * config.load.interval().get();
    let total = pauses + specs.iter().filter_map(StageSpec::duration).sum::<f64>();
    specs
        .iter()
        .for_each(|spec| text.push_str(&line(spec, seed)));
    let and = if specs.iter().any(|spec| spec.duration().is_none()) {
        ", what the server takes for a closed loop,"
    } else {
        ""
    };
    text.push_str(&format!(
        "total    {total:.0} s{and} and the drain of each stage, at most {} s\n",
        config.load.request_timeout().get()
    ));
    for slo in &config.slo {
        text.push_str(&format!("slo      {}\n", slo.describe()));
    }
    Ok(text)
}

fn line(spec: &StageSpec, seed: u64) -> String {
    let requests = match (&spec.schedule, spec.count(seed)) {
        (Schedule::Rate { process, rates }, _) if *process != Process::Constant => {
            format!("about {:.0} requests", rates.total())
        }
        (_, Some(count)) => format!("{count} requests"),
        (_, None) => "as many requests as the server takes,".to_owned(),
    };
    format!(
        "{:8} {}: {requests} of about {:.0} + {:.0} tokens\n",
        spec.title(),
        spec.load(),
        spec.input.estimated_mean(seed, Purpose::InputLength),
        spec.output.estimated_mean(seed, Purpose::OutputLength),
    )
}
