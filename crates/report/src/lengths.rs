//! Lengths in tokens, asked for, generated and counted by the server.

use bench_contract::{LengthHistogram, LengthHistograms, LengthSummary, Lengths};

use crate::StageCollector;
use crate::sample::Sample;
use crate::view::View;

/// More than what chat templates have in common.
const UNASKED: f64 = 0.05;

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
        if let Some(reasoning) = sample.reasoning.get() {
            *lengths.reasoning.get_or_insert(0) += u64::from(reasoning);
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
    lengths.cached_unasked = !view.settings.shares_prefixes
        && cached_share(&lengths).is_some_and(|share| share > UNASKED);
    lengths
}

/// The share of the prompts' tokens that the server had in its cache, where it says so.
pub(crate) fn cached_share(lengths: &Lengths) -> Option<f64> {
    let server = lengths
        .input_server
        .as_ref()
        .filter(|server| server.total > 0)?;
    Some(lengths.input_cached? as f64 / server.total as f64)
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

/// Most bins of a histogram.
const MOST_BINS: u32 = 40;

/// Histograms of lengths over the successful requests of all stages of a run.
#[must_use]
pub fn length_histograms(stages: &[&StageCollector]) -> LengthHistograms {
    let ok = || {
        let samples = stages.iter().flat_map(|stage| stage.samples());
        samples.filter(|sample| sample.is_ok())
    };
    LengthHistograms {
        input: histogram(ok().map(Sample::prompt_tokens)),
        output: histogram(ok().filter_map(|sample| sample.output.get())),
    }
}

fn histogram(values: impl Iterator<Item = u32> + Clone) -> Option<LengthHistogram> {
    let (min, max) = (values.clone().min()?, values.clone().max()?);
    let widths = (0..9).flat_map(|power| [1, 2, 5].map(|n| n * 10_u32.pow(power)));
    let fits = |width: &u32| max / width - min / width < MOST_BINS;
    let width = widths.into_iter().find(fits).unwrap_or(MAX_WIDTH);
    let mut counts = vec![0; (max / width - min / width + 1) as usize];
    for value in values {
        counts[(value / width - min / width) as usize] += 1;
    }
    Some(LengthHistogram {
        first: min / width * width,
        width,
        counts,
    })
}

/// A width of which [`MOST_BINS`] hold every length.
const MAX_WIDTH: u32 = 500_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_length_is_in_one_bin(values in prop::collection::vec(prop_oneof![0..50_u32, 0..10_000_u32, any::<u32>()], 1..100)) {
            let histogram = histogram(values.iter().copied()).unwrap();
            prop_assert_eq!(histogram.counts.iter().sum::<u64>(), values.len() as u64);
            prop_assert!(histogram.counts.len() <= MOST_BINS as usize);
            let (least, greatest) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
            let end = u64::from(histogram.first) + u64::from(histogram.width) * histogram.counts.len() as u64;
            prop_assert!(histogram.first <= least && u64::from(greatest) < end);
            prop_assert!(histogram.counts.first() != Some(&0) && histogram.counts.last() != Some(&0));
        }
    }

    #[test]
    fn bins_have_round_edges() {
        let lengths = histogram([130, 2047, 800].into_iter()).unwrap();
        assert_eq!(
            (lengths.first, lengths.width, lengths.counts.len()),
            (100, 50, 39)
        );
        let one = histogram([512, 512].into_iter()).unwrap();
        assert_eq!((one.first, one.width, one.counts), (512, 1, vec![2]));
        assert_eq!(histogram(std::iter::empty()), None);
    }
}
