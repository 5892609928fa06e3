//! Shares of offered requests that are bad, and objectives on them.

use bench_contract::{Check, CheckVerdict, ShareInterval, Slo, SloMetric};

use crate::autocorrelation::autocorrelation_time;
use crate::in_order::Series;
use crate::sample::Sample;
use crate::slo::Evidence;
use crate::view::View;

/// Judges a share by the requests of a stage, or of several, one behind the other: no more than `allowed` may be bad.
pub(crate) fn share(
    slo: &Slo,
    views: &[View<'_>],
    allowed: f64,
    is_bad: impl Fn(&Sample) -> bool,
    word: &str,
) -> Check {
    let (bad, of, n_eff) = counted(views, is_bad);
    share_of(slo, (bad, of), n_eff, allowed, word)
}

/// How many requests are bad, of how many, and how many independent ones these are worth: `n / tau`, tau being that of the
/// series of what is bad, in order of schedule; all of them where none is.
fn counted(views: &[View<'_>], is_bad: impl Fn(&Sample) -> bool) -> (u64, u64, f64) {
    let of = |sample: &Sample| Some(f64::from(u8::from(is_bad(sample))));
    let parts = views.iter().map(|view| view.series(view.samples(), of));
    let series = Series::behind_each_other(parts);
    let bad: f64 = series.iter().sum();
    let time = if bad == 0.0 {
        1.0
    } else {
        autocorrelation_time(&series)
    };
    (bad as u64, series.len() as u64, series.len() as f64 / time)
}

/// How many requests are bad, of how many, with the exact interval of the share; none where nothing was offered.
pub(crate) fn share_interval(
    view: &View<'_>,
    is_bad: impl Fn(&Sample) -> bool,
) -> Option<(u64, u64, ShareInterval)> {
    let (bad, of, n_eff) = counted(std::slice::from_ref(view), is_bad);
    let evidence = Evidence::new(bad as f64 / of as f64, n_eff);
    let interval = ShareInterval {
        lower: evidence.lower,
        upper: evidence.upper,
        n_eff,
    };
    (of > 0).then_some((bad, of, interval))
}

/// The objective that no more than `allowed` are bad, where `bad` of `of` are, which are worth `n_eff` independent ones.
pub(crate) fn share_of(
    slo: &Slo,
    (bad, of): (u64, u64),
    n_eff: f64,
    allowed: f64,
    word: &str,
) -> Check {
    let share = bad as f64 / of as f64;
    let evidence = Evidence::new(share, n_eff);
    // No number of samples proves that nothing ever fails; asked for it, what was seen decides.
    let verdict = match evidence.verdict(allowed) {
        CheckVerdict::Inconclusive if allowed <= 0.0 && bad == 0 => CheckVerdict::Pass,
        verdict => verdict,
    };
    let reason = evidence.describe(bad, of, allowed, word);
    let observed = if slo.metric == SloMetric::Goodput {
        1.0 - share
    } else {
        share
    };
    Check {
        observed: Some(observed),
        ..evidence.check(slo, verdict, of, reason)
    }
}
