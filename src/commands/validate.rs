//! `benchctl validate`.

use std::sync::atomic::{AtomicUsize, Ordering};

use bench_yaml::{Diagnostic, Severity, Source};

use super::chart;
use crate::chart::Chart;
use crate::cli::ValidateArgs;
use crate::output::{Failure, Output};
use crate::validate::file::check_text;
use crate::validate::kubernetes::KubeVersion;
use crate::values::read_text;

pub(super) fn run(args: &ValidateArgs, output: &Output) -> Result<(), Failure> {
    if args.files.iter().filter(|file| *file == "-").count() > 1 {
        return Err(Failure::usage(
            "standard input can be read once, and `-` is there twice",
            "name it once",
        ));
    }
    let chart = chart(args.chart.as_deref(), "nothing was checked")?;
    output.warn(chart.warnings());
    let mut found = check_all(&chart, &args.files, args.kube_version);
    if args.strict {
        for problem in found.iter_mut().flatten() {
            problem.severity = Severity::Error;
        }
    }
    let is_bad = |problems: &&Vec<Diagnostic>| problems.iter().any(Diagnostic::is_error);
    let bad = found.iter().filter(is_bad).count();
    let problems: Vec<Diagnostic> = found.into_iter().flatten().collect();
    if bad == 0 {
        output.warn(&problems);
        return Ok(());
    }
    let count = args.files.len();
    let consequence = match (bad, count) {
        (1, 1) => "the file is invalid".to_owned(),
        _ => format!("{bad} of {count} files are invalid"),
    };
    Err(Failure::of(problems, consequence))
}

/// The problems of each file, in the order of the command line.
fn check_all(chart: &Chart, files: &[String], version: KubeVersion) -> Vec<Vec<Diagnostic>> {
    /// More threads than this wait for each other.
    const MOST_THREADS: usize = 8;
    /// A thread costs as much as some files.
    const FILES_PER_THREAD: usize = 16;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores
        .min(MOST_THREADS)
        .min(files.len().div_ceil(FILES_PER_THREAD));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else {
                return done;
            };
            done.push((index, check_file(chart, file, version)));
        }
    };
    let mut all: Vec<Vec<Diagnostic>> = vec![Vec::new(); files.len()];
    let found: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut found = vec![work()];
        // A panic of a thread is one of this program.
        found.extend(others.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }));
        found
    });
    for (index, problems) in found.into_iter().flatten() {
        if let Some(place) = all.get_mut(index) {
            *place = problems;
        }
    }
    all
}

fn check_file(chart: &Chart, path: &str, version: KubeVersion) -> Vec<Diagnostic> {
    let source: Source = match read_text(path, "file") {
        Ok(source) => source,
        Err(problem) => return vec![*problem],
    };
    check_text(chart, &source, version)
}
