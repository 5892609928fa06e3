//! Lengths in tokens, asked for, generated and counted by the server.

use bench_contract::{LengthSummary, Lengths};

use crate::sample::Sample;
use crate::view::View;

/// Lengths over the successful requests of a stage.
pub(crate) fn lengths(view: &View<'_>) -> Lengths {
    let ok = || view.samples().filter(|sample| sample.is_ok());
    let known = |of: fn(&Sample) -> Option<u32>| summary(ok().filter_map(of));
    let mut lengths = Lengths {
        input_asked: summary(ok().map(|sample| sample.input_asked)).unwrap_or_default(),
        input_generated: known(|sample| sample.input.get()),
        input_server: known(|sample| sample.input_server.get()),
        output_asked: summary(ok().map(|sample| sample.output_asked)).unwrap_or_default(),
        output: known(|sample| sample.output.get()),
        ..Lengths::default()
    };
    for sample in ok() {
        if let Some(cached) = sample.input_cached.get() {
            *lengths.input_cached.get_or_insert(0) += u64::from(cached);
        }
        if let Some(source) = sample.token_source {
            *lengths.token_sources.entry(source).or_default() += 1;
        }
        lengths.output_mismatches += u64::from(
            sample
                .output
                .get()
                .is_some_and(|n| n != sample.output_asked),
        );
    }
    let counted =
        ok().filter_map(|sample| Some((u64::from(sample.events), u64::from(sample.output.get()?))));
    let (events, tokens) =
        counted.fold((0, 0), |(events, tokens), (e, n)| (events + e, tokens + n));
    lengths.events_per_token = (tokens > 0 && events > 0).then(|| events as f64 / tokens as f64);
    lengths
}

fn summary(values: impl Iterator<Item = u32>) -> Option<LengthSummary> {
    let mut count = 0_u64;
    let mut all = LengthSummary {
        min: u32::MAX,
        ..LengthSummary::default()
    };
    for value in values {
        count += 1;
        all.total += u64::from(value);
        all.min = all.min.min(value);
        all.max = all.max.max(value);
    }
    all.mean = all.total as f64 / count as f64;
    (count > 0).then_some(all)
}
