//! `benchctl report compare`.

use std::path::Path;

use bench_contract::{ExitCode, Metric, Report};
use bench_report::compare::{
    CompareError, Compared, Comparison, Gate, Margin, compare, html, json, table,
};
use bench_report::plot;
use bench_yaml::{Diagnostic, Source, Span};

use super::super::files::{NewFile, write_all};
use super::INCOMPARABLE;
use super::records::current;
use crate::cli::{CompareArgs, CompareFormat};
use crate::output::{Failure, Output};

/// What did not happen.
const CONSEQUENCE: &str = "nothing was compared";

/// Compares every other run with the base, and tells by the exit code where a margin is set.
pub(super) fn run(args: &CompareArgs, output: &Output) -> Result<(), Failure> {
    let compared = compared(args);
    let base = current(&args.base, CONSEQUENCE, output)?;
    let names = names(std::iter::once(&args.base).chain(&args.others));
    let mut comparisons = Vec::new();
    for (path, name) in args.others.iter().zip(&names[1..]) {
        let other = current(path, CONSEQUENCE, output)?;
        comparisons.push(one((&names[0], &base), (name, &other), &compared, args)?);
    }
    pictures(args, &comparisons, output)?;
    let text = match args.output {
        CompareFormat::Table => {
            let of =
                |(comparison, gate): &(Comparison, Option<Gate>)| table(comparison, gate.as_ref());
            comparisons.iter().map(of).collect::<Vec<_>>().join("\n")
        }
        CompareFormat::Json => {
            let of =
                |(comparison, gate): &(Comparison, Option<Gate>)| json(comparison, gate.as_ref());
            let all = serde_json::Value::Array(comparisons.iter().map(of).collect());
            bench_report::json(&all)
        }
        CompareFormat::Html => html(&comparisons),
    };
    output.data(&text)?;
    let gates = comparisons.iter().filter_map(|(_, gate)| gate.as_ref());
    match ExitCode::first_of(&gates.map(Gate::exit_code).collect::<Vec<_>>()) {
        ExitCode::Done => Ok(()),
        code => Err(Failure::Verdict(code)),
    }
}

/// What runs are called: by their folders where that tells all of them apart, else as they were named.
fn names<'a>(paths: impl Iterator<Item = &'a String> + Clone) -> Vec<String> {
    let short = |path: &String| {
        let path = Path::new(path);
        let is_file = path
            .extension()
            .is_some_and(|it| it == "json" || it == "zst");
        let folder = path.parent().filter(|_| is_file).unwrap_or(path);
        let name = folder.file_name().or(path.file_name());
        name.map(|name| name.to_string_lossy().into_owned())
    };
    let shortened: Vec<String> = paths.clone().filter_map(short).collect();
    let mut distinct = shortened.clone();
    distinct.sort();
    distinct.dedup();
    if distinct.len() == paths.clone().count() {
        shortened
    } else {
        paths.cloned().collect()
    }
}

/// What is compared: what is asked for, and what margins are about.
fn compared(args: &CompareArgs) -> Compared {
    let mut compared = Compared::default();
    if let Some(metrics) = &args.metric {
        compared.metrics.clone_from(metrics);
    }
    if let Some(percentiles) = &args.percentile {
        compared.percentiles.clone_from(percentiles);
    }
    for margin in args.fail_on_regression.iter().flatten() {
        let (metric, p) = (margin.metric, margin.percentile);
        let metric = metric.filter(|it| !compared.metrics.contains(it));
        compared.metrics.extend(metric);
        let p = p.filter(|it| !compared.percentiles.contains(it));
        compared.percentiles.extend(p);
    }
    compared
}

fn one(
    base: (&str, &Report),
    other: (&str, &Report),
    compared: &Compared,
    args: &CompareArgs,
) -> Result<(Comparison, Option<Gate>), Failure> {
    let comparison = compare(base, other, compared).map_err(|error| {
        let problem = Diagnostic::error(INCOMPARABLE, error.to_string())
            .at(&Source::unread(other.0), Span::default())
            .note(format!("the base is {}", base.0));
        let problem = problem.help(match error {
            CompareError::Definitions(..) => {
                "measure again with one version of loadgen; figures of different definitions are not comparable"
            }
            CompareError::NoCommonLoad(..) => {
                "stages are matched by type and rate, however long they last: run both with the same load"
            }
        });
        Failure::of(vec![problem], CONSEQUENCE)
    })?;
    let gate = args.fail_on_regression.as_ref();
    let gate = gate.map(|margins| Gate::on(&comparison, margins));
    Ok((comparison, gate))
}

fn pictures(
    args: &CompareArgs,
    comparisons: &[(Comparison, Option<Gate>)],
    output: &Output,
) -> Result<(), Failure> {
    let Some(folder) = &args.plots else {
        return Ok(());
    };
    let files: Vec<NewFile> = (1..)
        .zip(comparisons)
        .map(|(number, (comparison, _))| {
            let (name, svg) = plot::shifts(comparison);
            let name = match comparisons.len() {
                1 => name,
                _ => format!("{number}-{name}"),
            };
            (folder.join(name), svg)
        })
        .collect();
    write_all(&files)?;
    output.note(&format!(
        "wrote {} pictures into {}",
        files.len(),
        folder.display()
    ));
    Ok(())
}

/// The name of a latency, as SLOs have it.
pub(crate) fn metric(text: &str) -> Result<Metric, String> {
    let mut all = Metric::ALL.into_iter();
    all.find(|metric| metric.as_str() == text).ok_or_else(|| {
        let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
        let near = bench_yaml::suggest(text, names.iter().copied());
        match near {
            Some(near) => format!("no latency; did you mean `{near}`?"),
            None => format!("no latency; one of {}", names.join(", ")),
        }
    })
}

/// A percentile between 0 and 100, with or without its `p`.
pub(crate) fn percentile(text: &str) -> Result<f64, String> {
    let number = text.strip_prefix('p').unwrap_or(text).parse::<f64>();
    number
        .ok()
        .filter(|p| *p > 0.0 && *p < 100.0)
        .ok_or_else(|| "no percentile between 0 and 100, for example 99".to_owned())
}

/// `5%`, `0.05`, `tpot=5%`, `ttft_scheduled:p99=10%`.
pub(crate) fn margin(text: &str) -> Result<Margin, String> {
    let (figure, share) = match text.rsplit_once('=') {
        Some((figure, share)) => (Some(figure), share),
        None => (None, text),
    };
    let number = match share.trim().strip_suffix('%') {
        Some(number) => number.trim().parse::<f64>().map(|it| it / 100.0),
        None => share.trim().parse::<f64>(),
    };
    let share = number
        .ok()
        .filter(|share| share.is_finite() && *share >= 0.0)
        .ok_or_else(|| format!("`{share}` is no margin, for example 5% or 0.05"))?;
    let (name, p) = match figure.map(|figure| figure.split_once(':').unwrap_or((figure, ""))) {
        None => (None, None),
        Some((name, "")) => (Some(name), None),
        Some((name, p)) => (Some(name), Some(p)),
    };
    Ok(Margin {
        metric: name.map(metric).transpose()?,
        percentile: p.map(percentile).transpose()?,
        share,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_their_folders_where_that_tells_them_apart() {
        let of = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            names(paths.iter())
        };
        assert_eq!(of(&["runs/a", "runs/b/report.json"]), ["a", "b"]);
        assert_eq!(of(&["a/results", "b/results"]), ["a/results", "b/results"]);
        assert_eq!(of(&["a.json", "b.json"]), ["a.json", "b.json"]);
        assert_eq!(of(&["-", "x/"]), ["-", "x"]);
    }

    #[test]
    fn margins_read_as_people_write_them() {
        let read = |text: &str| margin(text).map(|it| (it.metric, it.percentile, it.share));
        assert_eq!(read("5%"), Ok((None, None, 0.05)));
        assert_eq!(read("0.1"), Ok((None, None, 0.1)));
        assert_eq!(read("tpot=3 %"), Ok((Some(Metric::Tpot), None, 0.03)));
        assert_eq!(
            read("ttft_scheduled:p99=10%"),
            Ok((Some(Metric::TtftScheduled), Some(99.0), 0.1))
        );
        assert_eq!(read("e2e:50=0"), Ok((Some(Metric::E2e), Some(50.0), 0.0)));
        for (text, why) in [
            ("fast", "`fast` is no margin"),
            ("-5%", "no margin"),
            ("ttfd=5%", "did you mean `ttft`?"),
            ("ttft:p100=5%", "no percentile"),
            ("x=5%", "one of schedule_delay"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
