//! What happened over time, over the stages of a run.

use bench_contract::{Metric, TimeSeries};

use crate::flow::{Flow, width_for};
use crate::format::digits;
use crate::percentile::Sorted;
use crate::sample::Sample;
use crate::{StageCollector, view::is_measured};

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// The series of a run, from the collectors of its stages; `None` where no request was planned.
#[must_use]
pub fn time_series(stages: &[&StageCollector]) -> Option<TimeSeries> {
    let mut flow = Flow::default();
    stages.iter().for_each(|stage| flow.add(stage.flow()));
    let samples = || stages.iter().flat_map(|stage| stage.samples());
    let least = samples().map(|sample| sample.scheduled_ns / SECOND).min()?;
    let greatest = samples().map(|sample| ended(sample) / SECOND).max()?;
    let (first, last) = flow.span().map_or((least, greatest), |(first, last)| {
        (least.min(first), greatest.max(last))
    });
    let width = width_for(flow.width(), first, last);
    let bins = Bins {
        first: first / width,
        count: (last / width - first / width + 1) as usize,
        width_ns: width * SECOND,
    };

    let count = |of: &dyn Fn(&Sample) -> Option<u64>| {
        let mut counts = vec![0; bins.count];
        for at in samples().filter_map(of) {
            counts[bins.of(at)] += 1;
        }
        counts
    };
    let unless_none = |counts: Vec<u64>| match counts.iter().all(|&n| n == 0) {
        true => Vec::new(),
        false => counts,
    };
    let is_sent = |sample: &Sample| sample.outcome.is_sent();
    let when = |is: bool, at: u64| is.then_some(at);
    let mut series = TimeSeries {
        start_s: bins.first * width,
        width_s: width,
        scheduled: count(&|sample| Some(sample.scheduled_ns)),
        not_sent: unless_none(count(&|sample| when(!is_sent(sample), sample.scheduled_ns))),
        sent: count(&|sample| when(is_sent(sample), sent(sample))),
        ok: count(&|sample| when(sample.is_ok(), ended(sample))),
        failed: unless_none(count(&|sample| {
            when(is_sent(sample) && sample.is_error(), ended(sample))
        })),
        cancelled: unless_none(count(&|sample| when(sample.cancelled, ended(sample)))),
        in_flight: in_flight(samples(), bins),
        output_tokens: vec![0; bins.count],
        ..TimeSeries::default()
    };

    let mut ttfts: Vec<Vec<f64>> = vec![Vec::new(); bins.count];
    for stage in stages {
        let streaming = stage.settings().streaming;
        for sample in stage.samples() {
            let ttft = sample.value(Metric::TtftScheduled, streaming);
            if let Some(ttft) = ttft.filter(|_| is_measured(sample, Metric::TtftScheduled)) {
                ttfts[bins.of(sample.scheduled_ns)].push(ttft);
            }
        }
    }
    if ttfts.iter().any(|values| !values.is_empty()) {
        for values in ttfts {
            let sorted = Sorted::new(values);
            let at = |p| sorted.percentile(p).filter(|x| x.is_finite()).map(digits);
            series.ttft_scheduled_p50.push(at(50.0));
            series.ttft_scheduled_p95.push(at(95.0));
        }
    }
    let mut gaps = vec![None; bins.count];
    for (start, bin) in flow.bins_of(width) {
        let place = bins.of(start * SECOND);
        series.output_tokens[place] = bin.tokens;
        gaps[place] = bin.gaps([50.0, 99.0]);
    }
    if gaps.iter().any(Option::is_some) {
        let of = |which: usize| {
            let values = gaps.iter().map(|gap| gap.map(|gap| digits(gap[which])));
            values.collect()
        };
        (series.chunk_gap_p50, series.chunk_gap_p99) = (of(0), of(1));
    }
    Some(series)
}

/// Bins of equal width.
#[derive(Clone, Copy, Debug)]
struct Bins {
    first: u64,
    count: usize,
    width_ns: u64,
}

impl Bins {
    /// The place of the bin of an instant; instants outside belong to the nearest bin.
    fn of(self, at_ns: u64) -> usize {
        let place = (at_ns / self.width_ns).saturating_sub(self.first);
        (place as usize).min(self.count - 1)
    }
}

/// When a request was sent, or tried to be.
fn sent(sample: &Sample) -> u64 {
    let at = sample.sent.get().or(sample.dispatched.get());
    at.unwrap_or(sample.scheduled_ns)
}

/// When a request ended.
fn ended(sample: &Sample) -> u64 {
    sample.end.get().unwrap_or_else(|| sent(sample))
}

/// Mean number of requests between dispatch and end, over each bin.
fn in_flight<'a>(samples: impl Iterator<Item = &'a Sample>, bins: Bins) -> Vec<f64> {
    let mut within = vec![0.0; bins.count];
    // Requests that fly through whole bins: where their number goes up and down.
    let mut through = vec![0_i64; bins.count + 1];
    for sample in samples {
        let Some(from) = sample.dispatched.get() else {
            continue;
        };
        let to = ended(sample).max(from);
        let (first, last) = (bins.of(from), bins.of(to));
        let start = |place: usize| (bins.first + place as u64) * bins.width_ns;
        if first == last {
            within[first] += (to - from) as f64;
        } else {
            within[first] += start(first + 1).saturating_sub(from) as f64;
            within[last] += to.saturating_sub(start(last)) as f64;
            through[first + 1] += 1;
            through[last] -= 1;
        }
    }
    let mut flying = 0;
    let means = within.iter().zip(&through).map(|(within, change)| {
        flying += change;
        digits(within / bins.width_ns as f64 + flying as f64)
    });
    means.collect()
}
