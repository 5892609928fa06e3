//! `loadgen run`: from a config to a report and an exit code.

mod documents;
mod files;
mod finish;
mod head;
mod logbook;
mod pod;
mod prepare;
mod sending;
mod upload;

use std::io::{IsTerminal, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bench_contract::{Config, ExitCode, FailOn, Report};
use bench_report::{ServerReads, StageFacts};
use bench_yaml::{Color, Diagnostic, Source, render};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{ConfigArgs, RunArgs};
use crate::config::{Override, load};
use crate::engine::{Engine, Stop, StopSender};
use crate::metrics::{self, Metrics};
use crate::notice;
use crate::progress::Progress;
use crate::ready::{Awaited, NotReady, Ready, wait};
use crate::record::journal::Journal;
use crate::scrape::{Scraper, Tested};
use crate::tokenize::calibrate;

use finish::{Finished, begin, conclude, finish, give_up};
use logbook::Logbook;
use prepare::{Audience, Prepared, Supplies};

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
    let listener = match args.metrics_listen.map(metrics::listen).transpose() {
        Ok(listener) => listener,
        Err(error) => {
            notice(&format!("error: {error}"));
            return ExitCode::Failed;
        }
    };
    let (prepared, mut supplies) = match Prepared::new(loaded.config, Audience::Person) {
        Ok(prepared) => prepared,
        Err((code, error)) => {
            notice(&format!("error: {error}"));
            return code;
        }
    };
    let goes_on = match begin(&prepared, &fail_on, &args.termination_log) {
        Ok(goes_on) => goes_on,
        Err(code) => return code,
    };
    // Whatever comes of it, this run has a report from here on.
    supplies.journal = match prepared.take_folder() {
        Ok(journal) => journal,
        Err(error) => {
            give_up(&prepared, &error, &args.termination_log);
            return ExitCode::Failed;
        }
    };
    let finished = if goes_on {
        execute(&prepared, supplies, listener)
    } else {
        let mut finished = Finished::interrupted();
        let journal = supplies.journal.map(Journal::finish);
        finished.failed.extend(journal.into_iter().flatten());
        finished
    };
    finish(&prepared, finished, &fail_on, &args.termination_log)
}

/// Runs a config for the sake of its report alone: nothing is shown, and of files, only those that the config asks for are
/// written while it runs.
///
/// # Errors
/// When the run cannot start, with the exit code.
pub fn measure(config: Config) -> Result<Report, (ExitCode, String)> {
    let (prepared, mut supplies) = Prepared::new(config, Audience::Program)?;
    let journal = prepared.take_folder();
    supplies.journal = journal.map_err(|error| (ExitCode::Failed, error))?;
    let mut finished = execute(&prepared, supplies, None);
    Ok(conclude(&prepared, &mut finished, &FailOn::ALL))
}

fn execute(prepared: &Prepared, supplies: Supplies, listener: Option<TcpListener>) -> Finished {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let finished = runtime.block_on(supervise(prepared, supplies, listener));
            // A name that is still being resolved is not waited for.
            runtime.shutdown_background();
            finished
        }
        Err(error) => Finished::failed(format!("cannot start the event loop: {error}")),
    }
}

/// Waits for the server, runs the stages, and gathers what came of it. Whatever fails on the way, what was measured stays.
async fn supervise(
    prepared: &Prepared,
    mut supplies: Supplies,
    listener: Option<TcpListener>,
) -> Finished {
    let stop = StopSender::new();
    let signalled = match listen(&stop) {
        Ok(signalled) => signalled,
        Err(error) => return Finished::failed(format!("cannot listen for signals: {error}")),
    };
    let metrics = Arc::new(Metrics::new(&prepared.run_id, prepared.counters.clone()));
    if let Some(listener) = listener
        && let Err(error) = metrics::serve(listener, metrics.clone())
    {
        return Finished::failed(format!("cannot serve metrics: {error}"));
    }
    let mut finished = Finished {
        prompts: supplies.workload.describe(),
        ..Finished::default()
    };
    let awaited = Awaited {
        config: prepared.config.clone(),
        server: prepared.server.clone(),
        target: prepared.target.clone(),
        tls: prepared.tls.clone(),
        key: prepared.api_key.clone(),
    };
    let ready = wait(awaited.clone(), &stop).await;
    match ready {
        Ok(ready) => {
            finished.ready = Some(ready.clone());
            match calibrate(supplies.workload, awaited, &ready).await {
                Ok((workload, warning)) => {
                    supplies.workload = workload;
                    warning.iter().for_each(|line| prepared.tell(line));
                }
                Err(error) => {
                    finished.failed.push(format!("{error:#}"));
                    return finished;
                }
            }
            finished.prompts = supplies.workload.describe();
            if let Err(error) =
                run_stages(prepared, supplies, &ready, &stop, &metrics, &mut finished).await
            {
                finished.failed.push(format!("{error:#}"));
            }
        }
        Err(NotReady::Stopped) => {}
        Err(NotReady::Failed(reason)) => finished.failed.push(reason),
    }
    finished.signalled = signalled.load(Ordering::Relaxed);
    finished
}

async fn run_stages(
    prepared: &Prepared,
    supplies: Supplies,
    ready: &Ready,
    stop: &StopSender,
    metrics: &Metrics,
    finished: &mut Finished,
) -> anyhow::Result<()> {
    let logbook = Logbook::start(prepared);
    let shared = Arc::new(prepared.shared(ready));
    finished.origin = Some(shared.origin);
    let scraper = Scraper::start(
        Tested {
            config: &prepared.config,
            server: &prepared.server,
            target: &prepared.target,
            tls: prepared.tls.as_ref(),
            key: prepared.api_key.as_deref(),
            addresses: &ready.addresses,
        },
        shared.origin,
        prepared.audience == Audience::Person,
    );
    logbook.note(finished, None);
    prepared.tell(&format!(
        "run {}: {} at {}, seed {}, {} workers; {}",
        prepared.run_id,
        ready.model,
        prepared.server.base_url,
        prepared.seed,
        prepared.workers,
        finished.prompts
    ));
    let sender = supplies.journal.as_ref().map(Journal::sender);
    let misses = supplies.workload.misses();
    let rounds = supplies.workload.rounds();
    let mut engine = Engine::start(
        prepared.workers,
        shared.clone(),
        Arc::new(prepared.settings.clone()),
        prepared.recipe(supplies.workload, ready),
        sender,
        stop,
    )?;
    let interval = prepared.config.load.interval().to_duration();
    let (mut outcome, mut warmed_up_ns) = (Ok(()), 0);
    for (place, spec) in prepared.specs.iter().enumerate() {
        if place > 0 {
            let mut asked = stop.subscribe();
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = asked.wait_for(|asked| *asked != Stop::No) => {}
            }
        }
        if stop.asked() != Stop::No {
            break;
        }
        let name = spec.title();
        metrics.stage(&name);
        prepared.tell(&format!("{name}: {}", spec.load()));
        let progress = (prepared.audience == Audience::Person)
            .then(|| Progress::start(&name, spec.duration(), shared.counters.clone()));
        let begun =
            |facts: &StageFacts| logbook.note(finished, Some(facts).filter(|_| !spec.warmup));
        scraper.iter().for_each(Scraper::mark);
        let ended = engine.run_stage(spec, prepared.seed, begun).await;
        scraper.iter().for_each(Scraper::mark);
        drop(progress);
        match ended {
            Ok(end) => {
                finished.add(spec, end);
                finished.duration_ns = shared.origin.elapsed();
                if spec.warmup {
                    warmed_up_ns = finished.duration_ns;
                }
                logbook.note(finished, None);
            }
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    finished.duration_ns = shared.origin.elapsed();
    if rounds.is_some_and(|rounds| rounds.load(Ordering::Relaxed)) {
        prepared.tell("warning: there were more requests than entries in the data set, and some came again: the server may have answered them from its prefix cache");
    }
    let missed = misses.load(Ordering::Relaxed);
    if missed > 0 {
        prepared.tell(&format!(
            "warning: {missed} prompts could not be made in exactly the asked length; their records have the length that they were sent in. The least is what the server adds (its chat template) and a token: raise data.input_distribution.min"
        ));
    }
    drop(logbook);
    let ended = tokio::task::spawn_blocking(move || {
        // The engine holds senders of the journal, which ends when the last of them is gone.
        let mut failures = engine.finish();
        failures.extend(supplies.journal.map(Journal::finish).into_iter().flatten());
        failures
    });
    if let Some(scraper) = scraper {
        finished.server = scraper.finish().await.map(|reads| ServerReads {
            warmed_up_ns,
            ..reads
        });
    }
    finished.failed.extend(ended.await?);
    outcome
}

/// The first SIGINT or SIGTERM drains, the second gives up what is in flight. Returns a flag that says whether one has come.
fn listen(stop: &StopSender) -> std::io::Result<Arc<AtomicBool>> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let stop = stop.clone();
    let signalled = Arc::new(AtomicBool::new(false));
    let flag = signalled.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            flag.store(true, Ordering::Relaxed);
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
    Ok(signalled)
}
