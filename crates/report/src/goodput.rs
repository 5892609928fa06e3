//! Goodput: requests that succeeded and met every limit, divided by requests offered.

use bench_contract::{Goodput, ShareInterval};

use crate::sample::Sample;
use crate::settings::Settings;
use crate::slo_shares::share_interval;
use crate::view::View;

/// Which limits of `settings` a request meets, as bits by their place. A reply too short to have a metric of tokens meets
/// its limit; any other missing value does not. At most 16 limits are told apart; there are nine metrics to limit.
pub(crate) fn attained(sample: &Sample, settings: &Settings) -> u16 {
    let mut bits = 0;
    for (place, &(metric, limit)) in settings.goodput.iter().enumerate().take(16) {
        let is_met = match sample.value(metric, settings.streaming) {
            Some(value) => value <= limit,
            None => sample.is_too_short_for(metric),
        };
        bits |= u16::from(is_met) << place;
    }
    bits
}

/// Whether a request succeeded and met every limit.
pub(crate) fn is_good(sample: &Sample, settings: &Settings) -> bool {
    let all = settings
        .goodput
        .iter()
        .enumerate()
        .take(16)
        .fold(0, |bits, (place, _)| bits | 1 << place);
    sample.is_ok() && sample.attained & all == all
}

/// The goodput of a stage over `window_s` seconds; `None` where no limit is set.
pub(crate) fn goodput(view: &View<'_>, window_s: f64) -> Option<Goodput> {
    if view.settings.goodput.is_empty() {
        return None;
    }
    let offered = view.rows.len() as u64;
    let bad = share_interval(view, |sample| !is_good(sample, view.settings));
    let good = offered - bad.map_or(0, |(bad, ..)| bad);
    let share = |n: u64| {
        if offered == 0 {
            0.0
        } else {
            n as f64 / offered as f64
        }
    };
    let attainment =
        view.settings
            .goodput
            .iter()
            .enumerate()
            .take(16)
            .map(|(place, (metric, _))| {
                let met = view
                    .samples()
                    .filter(|sample| sample.attained >> place & 1 == 1)
                    .count() as u64;
                (metric.as_str().to_owned(), share(met))
            });
    Some(Goodput {
        good,
        offered,
        ratio: share(good),
        good_per_s: if window_s > 0.0 {
            good as f64 / window_s
        } else {
            0.0
        },
        attainment: attainment.collect(),
        interval: bad.map(|(.., of_bad)| ShareInterval {
            lower: 1.0 - of_bad.upper,
            upper: 1.0 - of_bad.lower,
            ..of_bad
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use bench_contract::{Metric, Outcome, RequestRecord, Slo};

    fn settings() -> Settings {
        Settings {
            percentiles: vec![50.0],
            slos: Vec::<Slo>::new(),
            goodput: vec![(Metric::Ttft, 0.03), (Metric::Tpot, 0.006)],
            streaming: true,
            generates: true,
            shares_prefixes: false,
            request_timeout_s: 300.0,
            max_error_messages: 10,
        }
    }

    #[test]
    fn a_single_token_meets_a_tpot_limit_and_a_failure_no_goodput() {
        let settings = settings();
        let good = |record: &RequestRecord| {
            let mut sample = Sample::new(record);
            sample.attained = attained(&sample, &settings);
            is_good(&sample, &settings)
        };
        let mut record = record(0);
        assert!(good(&record));
        record.output_tokens = Some(1);
        assert!(good(&record));
        record.output_tokens = None;
        assert!(!good(&record), "an unknown count meets nothing");
        record.output_tokens = Some(5);
        assert!(!good(&record), "tpot is 11 ms");
        record.output_tokens = Some(10);
        record.outcome = Outcome::Timeout;
        assert!(!good(&record));
    }
}
