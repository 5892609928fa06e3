//! `benchctl report compare`.

use std::path::Path;

use bench_contract::{ExitCode, Metric, Report};
use bench_report::compare::{
    CompareError, Compared, Comparison, Gate, Gated, Margin, compare_all, html, json, table,
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
    let mut others = Vec::new();
    for path in &args.others {
        others.push(current(path, CONSEQUENCE, output)?);
    }
    let named: Vec<(&str, &Report)> = names[1..].iter().map(String::as_str).zip(&others).collect();
    let comparisons = compared_all((&names[0], &base), &named, &compared)?;
    let mut gates = match &args.fail_on_regression {
        Some(margins) => Gate::on_all(&comparisons, margins)
            .into_iter()
            .map(Some)
            .collect(),
        None => vec![None; comparisons.len()],
    };
    let comparisons: Vec<(Comparison, Option<Gate>)> =
        comparisons.into_iter().zip(gates.drain(..)).collect();
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
        let p = margin.percentile;
        if let Some(Gated::Latency(metric)) = margin.figure
            && !compared.metrics.contains(&metric)
        {
            compared.metrics.push(metric);
        }
        let p = p.filter(|it| !compared.percentiles.contains(it));
        compared.percentiles.extend(p);
    }
    compared
}

fn compared_all(
    base: (&str, &Report),
    others: &[(&str, &Report)],
    compared: &Compared,
) -> Result<Vec<Comparison>, Failure> {
    compare_all(base, others, compared).map_err(|(place, error)| {
        let name = others.get(place).map_or("", |other| other.0);
        let problem = Diagnostic::error(INCOMPARABLE, error.to_string())
            .at(&Source::unread(name), Span::default())
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
    })
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

/// What a margin is about.
fn gated(text: &str) -> Result<Gated, String> {
    let shares = [
        ("error_rate", Gated::ErrorRate),
        ("goodput", Gated::Goodput),
    ];
    if let Some((_, share)) = shares.into_iter().find(|(name, _)| *name == text) {
        return Ok(share);
    }
    if text == "throughput" {
        return Err(
            "throughput is one number a stage, without an interval: no margin can be tested on it"
                .to_owned(),
        );
    }
    match metric(text)? {
        metric if metric.is_pooled() => Err(format!(
            "{text} pools token gaps, which have no interval: no margin can be tested on it; tpot, one value a request, has one"
        )),
        metric => Ok(Gated::Latency(metric)),
    }
}

/// `5%`, `0.05`, `tpot=5%`, `ttft_scheduled:p99=10%`, `error_rate=1%`.
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
    let margin = Margin {
        figure: name.map(gated).transpose()?,
        percentile: p.map(percentile).transpose()?,
        share,
    };
    match (margin.figure, margin.percentile) {
        (Some(Gated::ErrorRate | Gated::Goodput), Some(_)) => Err(format!(
            "{} is a share of all requests, which has no percentile",
            name.unwrap_or_default()
        )),
        _ => Ok(margin),
    }
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
        let read = |text: &str| margin(text).map(|it| (it.figure, it.percentile, it.share));
        assert_eq!(read("5%"), Ok((None, None, 0.05)));
        assert_eq!(read("0.1"), Ok((None, None, 0.1)));
        assert_eq!(
            read("tpot=3 %"),
            Ok((Some(Gated::Latency(Metric::Tpot)), None, 0.03))
        );
        assert_eq!(
            read("ttft_scheduled:p99=10%"),
            Ok((Some(Gated::Latency(Metric::TtftScheduled)), Some(99.0), 0.1))
        );
        assert_eq!(
            read("e2e:50=0"),
            Ok((Some(Gated::Latency(Metric::E2e)), Some(50.0), 0.0))
        );
        assert_eq!(
            read("error_rate=1%"),
            Ok((Some(Gated::ErrorRate), None, 0.01))
        );
        assert_eq!(read("goodput=0.02"), Ok((Some(Gated::Goodput), None, 0.02)));
        for (text, why) in [
            ("fast", "`fast` is no margin"),
            ("-5%", "no margin"),
            ("ttfd=5%", "did you mean `ttft`?"),
            ("ttft:p100=5%", "no percentile"),
            ("x=5%", "one of schedule_delay"),
            ("itl=5%", "token gaps, which have no interval"),
            ("chunk_gap:p99=5%", "tpot, one value a request"),
            ("throughput=5%", "without an interval"),
            ("error_rate:p99=1%", "has no percentile"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
