//! inference-perf's `goodput_metrics`: over successes only.

use bench_contract::Metric;
use serde_json::{Map, Value};

use super::{Tried, limit_name, span};
use crate::StageCollector;

/// `None` where no limit is set. A missing value fails its limit; rates are over the span of successes.
pub(super) fn goodput(collectors: &[&StageCollector], ok: &[&Tried<'_>]) -> Option<Value> {
    let settings = collectors.first()?.settings();
    if settings.goodput.is_empty() {
        return None;
    }
    let value = |one: &Tried<'_>, metric: Metric| match metric {
        Metric::Ttft => one.ttft(),
        Metric::Tpot => one.tpot(),
        Metric::Itl => one.itl(),
        Metric::Ntpot => Some(one.ntpot()),
        Metric::E2e => Some(one.latency()),
        other => one.sample.value(other, settings.streaming),
    };
    let meets = |one: &Tried<'_>, (metric, limit): (Metric, f64)| {
        value(one, metric).is_some_and(|value| value <= limit)
    };
    let good: Vec<&&Tried<'_>> = ok
        .iter()
        .filter(|one| settings.goodput.iter().all(|&limit| meets(one, limit)))
        .collect();
    let seconds = span(ok.iter().copied());
    let per_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
    let percentage = |n: usize| {
        if ok.is_empty() {
            0.0
        } else {
            n as f64 / ok.len() as f64 * 100.0
        }
    };
    let tokens: f64 = good
        .iter()
        .map(|one| f64::from(one.sample.prompt_tokens()) + one.output())
        .sum();

    let mut map = Map::new();
    map.insert(
        "goodput_percentage".to_owned(),
        percentage(good.len()).into(),
    );
    map.insert(
        "request_goodput".to_owned(),
        per_second(good.len() as f64).into(),
    );
    map.insert("token_goodput".to_owned(), per_second(tokens).into());
    map.insert("good_requests".to_owned(), good.len().into());
    map.insert("total_requests".to_owned(), ok.len().into());
    for &limit in &settings.goodput {
        let met = ok.iter().filter(|one| meets(one, limit)).count();
        map.insert(
            format!("{}_attainment_percentage", limit_name(limit.0)),
            percentage(met).into(),
        );
    }
    Some(map.into())
}
