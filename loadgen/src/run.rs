//! `loadgen run`: from a config to a report and an exit code.

mod finish;
mod prepare;

use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;

use bench_contract::{ExitCode, FailOn};
use bench_yaml::{Color, Diagnostic, Source, render};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{ConfigArgs, RunArgs};
use crate::config::{Override, load};
use crate::engine::{Engine, StageEnd, Stop, StopSender};
use crate::notice;
use crate::plan::stages;
use crate::progress::Progress;
use crate::ready::{NotReady, wait};

use finish::{Finished, finish};
use prepare::Prepared;

/// Reads the config file, or stdin.
///
/// # Errors
/// With the exit code: 2 when none is named, 1 when it cannot be read, 3 when it is not text.
pub fn read_config(args: &ConfigArgs) -> Result<Source, (ExitCode, String)> {
    let Some(path) = &args.config_file else {
        return Err((
            ExitCode::Usage,
            "no config: give one with -c FILE, or `-c -` for stdin (see --help)".to_owned(),
        ));
    };
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    };
    let mut bytes = Vec::new();
    let read = if !is_stdin {
        std::fs::read(path).map(|read| bytes = read)
    } else if std::io::stdin().is_terminal() {
        return Err((
            ExitCode::Usage,
            "`-c -` expects a config on stdin, but stdin is a terminal".to_owned(),
        ));
    } else {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    };
    read.map_err(|error| {
        (
            ExitCode::Failed,
            format!("cannot read the config {name}: {error}"),
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        (
            ExitCode::InvalidInput,
            format!(
                "{name} is not UTF-8 text: byte {}",
                error.utf8_error().valid_up_to()
            ),
        )
    })?;
    Ok(Source::new(&name, &text))
}

/// Shows problems on stderr.
pub fn explain(problems: &[Diagnostic]) {
    if !problems.is_empty() {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = if std::io::stderr().is_terminal() && !plain {
            Color::Always
        } else {
            Color::Never
        };
        notice(render(problems, color).trim_end());
    }
}

/// Prints data on stdout. A closed pipe ends quietly.
#[must_use]
pub fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            notice(&format!("error: cannot write to stdout: {error}"));
            ExitCode::Failed
        }
        _ => ExitCode::Done,
    }
}

/// Runs a config. The report's table goes to stdout, everything else to stderr.
#[must_use]
pub fn run(source: &Source, overrides: &[Override], args: &RunArgs) -> ExitCode {
    let loaded = match load(source, overrides, args.config.strict) {
        Ok(loaded) => loaded,
        Err(problems) => {
            explain(&problems);
            return ExitCode::InvalidInput;
        }
    };
    explain(&loaded.warnings);
    let fail_on = args.fail_on.clone().unwrap_or_else(|| FailOn::ALL.to_vec());
    let prepared = match Prepared::new(loaded.config) {
        Ok(prepared) => prepared,
        Err((code, error)) => {
            notice(&format!("error: {error}"));
            return code;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(supervise(&prepared)),
        Err(error) => Finished::failed(format!("cannot start the event loop: {error}")),
    };
    finish(&prepared, ended, &fail_on)
}

/// Waits for the server, runs the stages, and gathers what came of it. Whatever fails on the way, what was measured stays.
async fn supervise(prepared: &Prepared) -> Finished {
    let stop = StopSender::new();
    let mut finished = Finished::default();
    if let Err(error) = listen(&stop) {
        return Finished::failed(format!("cannot listen for signals: {error}"));
    }
    let ready = match wait(
        &prepared.config,
        &prepared.server,
        &prepared.target,
        prepared.api_key.as_deref(),
        &stop,
    )
    .await
    {
        Ok(ready) => ready,
        Err(NotReady::Stopped) => {
            finished.interrupted = true;
            return finished;
        }
        Err(NotReady::Failed(reason)) => {
            notice(&format!("error: {reason}"));
            finished.partial_because.push(reason);
            return finished;
        }
    };
    finished.ready = Some(ready.clone());
    if let Err(error) = run_stages(prepared, ready, &stop, &mut finished).await {
        notice(&format!("error: {error:#}"));
        finished.failed.push(format!("{error:#}"));
    }
    finished.interrupted = stop.asked() != Stop::No;
    finished
}

async fn run_stages(
    prepared: &Prepared,
    ready: crate::ready::Ready,
    stop: &StopSender,
    finished: &mut Finished,
) -> anyhow::Result<()> {
    let specs = stages(&prepared.config).map_err(anyhow::Error::msg)?;
    let shared = Arc::new(prepared.shared(&ready));
    let recipe = prepared.recipe(&ready)?;
    notice(&format!(
        "run {}: {} at {}, seed {}, {} workers; {}",
        prepared.run_id,
        ready.model,
        prepared.server.base_url,
        prepared.seed,
        prepared.workers,
        recipe.prompts.describe()
    ));
    finished.prompts = recipe.prompts.describe();
    let journal = prepared.journal()?;
    let sender = journal
        .as_ref()
        .map(crate::record::journal::Journal::sender);
    let settings = Arc::new(prepared.settings.clone());
    let mut engine = Engine::start(
        prepared.workers,
        shared.clone(),
        settings,
        recipe,
        sender,
        stop,
    )?;
    let interval = prepared.config.load.interval().to_duration();
    let mut outcome = Ok(());
    for (place, spec) in specs.iter().enumerate() {
        if stop.asked() != Stop::No {
            finished
                .partial_because
                .push(format!("stages from {} on were not started", spec.label()));
            break;
        }
        let name = if spec.warmup {
            "warm-up".to_owned()
        } else {
            format!("stage {}", spec.number)
        };
        notice(&format!(
            "{name}: {} {} for {} s",
            spec.process.as_str(),
            spec.rate,
            spec.duration.get()
        ));
        let progress = Progress::start(&name, spec.duration.to_duration(), shared.counters.clone());
        let ended = engine.run_stage(spec, prepared.seed).await;
        drop(progress);
        match ended {
            Ok(StageEnd { collector, .. }) if spec.warmup => {
                finished.warmup = Some(collector.counts().clone());
            }
            Ok(end) => finished.stages.push(end),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
        if place + 1 < specs.len() && stop.asked() == Stop::No {
            let mut asked = stop.subscribe();
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = asked.wait_for(|asked| *asked != Stop::No) => {}
            }
        }
    }
    finished.duration_ns = shared.origin.elapsed();
    finished.origin = Some(shared.origin);
    let ended = tokio::task::spawn_blocking(move || {
        // The engine holds senders of the journal, which ends when the last of them is gone.
        let engine = engine.finish();
        (
            engine,
            journal.map_or(Ok(()), crate::record::journal::Journal::finish),
        )
    });
    let (engine, journal) = ended.await?;
    finished.failed.extend(journal.err());
    outcome.and(engine)
}

/// The first SIGINT or SIGTERM drains, the second gives up what is in flight.
fn listen(stop: &StopSender) -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            if stop.asked() == Stop::No {
                notice(&format!(
                    "{name}: sending nothing more, waiting up to {} s for what is in flight; once more to give it up",
                    crate::engine::DRAIN_LIMIT.as_secs()
                ));
                stop.ask(Stop::Drain);
            } else {
                notice(&format!("{name}: giving up what is in flight"));
                stop.ask(Stop::Now);
            }
        }
    });
    Ok(())
}
