//! Throughput while requests were due: without the time that the first ones took to fill the server, and without the drain.

use bench_contract::SteadyThroughput;

use crate::derive::seconds_between;
use crate::percentile::Sorted;
use crate::view::View;

/// Throughput from one median time after the first planned instant to the last one, or up to where records are missing (`known_until_ns`).
/// None where that is shorter than a median request, of which it would say more than of the server.
pub(crate) fn steady(view: &View<'_>, known_until_ns: Option<u64>) -> Option<SteadyThroughput> {
    let tried = || {
        view.samples()
            .filter(|sample| sample.dispatched.get().is_some())
    };
    let (first, last) = (
        tried().map(|sample| sample.scheduled_ns).min()?,
        tried().map(|sample| sample.scheduled_ns).max()?,
    );
    let last = last.min(known_until_ns.unwrap_or(u64::MAX));
    let ok = || view.samples().filter(|sample| sample.is_ok());
    let took =
        ok().filter_map(|sample| Some(sample.end.get()?.saturating_sub(sample.scheduled_ns)));
    let median = Sorted::new(took.map(|ns| ns as f64).collect()).percentile(50.0)?;
    let median = median.round() as u64;
    let from = first + median;
    if last.saturating_sub(from) < median.max(1) {
        return None;
    }
    let window_s = seconds_between(from, last);
    let ended = ok().filter(|sample| {
        sample
            .end
            .get()
            .is_some_and(|end| from <= end && end < last)
    });
    let tokens: f64 = ok()
        .map(|sample| {
            let n = f64::from(sample.output.get().unwrap_or(0));
            let end = sample.last_token.get().or(sample.end.get()).unwrap_or(0);
            let begin = sample.first_token.get().unwrap_or(end);
            n * share_within(begin, end, from, last)
        })
        .sum();
    Some(SteadyThroughput {
        after_s: seconds_between(first, from),
        window_s,
        requests_per_s: ended.count() as f64 / window_s,
        output_tokens_per_s: tokens / window_s,
    })
}

/// The share of the time from `begin` to `end` that lies from `from` on and before `until`. Of an instant, all or nothing.
fn share_within(begin: u64, end: u64, from: u64, until: u64) -> f64 {
    if begin >= end {
        return f64::from(u8::from(from <= end && end < until));
    }
    let within = end.min(until).saturating_sub(begin.max(from));
    within as f64 / (end - begin) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_what_overlaps() {
        assert_eq!(share_within(0, 10, 5, 20), 0.5);
        assert_eq!(share_within(0, 10, 2, 4), 0.2);
        assert_eq!(share_within(0, 10, 10, 20), 0.0);
        assert_eq!(share_within(30, 40, 10, 20), 0.0);
        assert_eq!(share_within(10, 10, 10, 20), 1.0);
        assert_eq!(share_within(20, 20, 10, 20), 0.0);
    }
}
