//! Scenarios: presets that are chosen or changed, and scenarios of the user's own.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::texts::{name, text};
use super::values::{Any, json, maybe, one_of};

/// The scenario that is chosen, and what is said of scenarios.
pub(super) fn scenarios(is_ours: bool) -> BoxedStrategy<(String, Value)> {
    let presets = match is_ours {
        true => vec!["baseline", "saturation", "production"],
        false => vec!["baseline", "saturation", "production", "sweep", "dataset"],
    };
    let changed = (
        select(presets.clone()),
        maybe(50, load(is_ours, 40)),
        maybe(50, text()),
    )
        .prop_map(|(preset, load, description)| {
            let mut change = Map::new();
            change.extend(load.map(|load| ("load".to_owned(), load)));
            change.extend(description.map(|text| ("description".to_owned(), text.into())));
            (preset.to_owned(), json!({preset: change}))
        });
    let own = (name(), maybe(50, text()), data(is_ours), load(is_ours, 100)).prop_map(
        |(name, description, data, load)| {
            let scenario = match description {
                Some(text) => json!({"description": text, "data": data, "load": load}),
                None => json!({"data": data, "load": load}),
            };
            (name.clone(), json!({name: scenario}))
        },
    );
    let bare = select(presets).prop_map(|preset| (preset.to_owned(), json!({})));
    prop_oneof![1 => bare, 2 => changed, 3 => own].boxed()
}

fn data(is_ours: bool) -> Any {
    let kinds = if is_ours {
        vec!["synthetic", "random"]
    } else {
        vec!["synthetic", "random", "shareGPT"]
    };
    let lengths = (
        1_u32..5000,
        0_u32..5000,
        0_u32..1000,
        select(vec!["normal", "lognormal", "uniform", "fixed"]),
    )
        .prop_map(move |(min, above, deviation, kind)| {
            let max = min + above;
            let mean = f64::from(min) + f64::from(above) / 4.0;
            let mut lengths =
                json!({"mean": mean, "stdDev": f64::from(deviation) / 8.0, "min": min, "max": max});
            if is_ours {
                lengths["type"] = json!(kind);
            }
            lengths
        });
    (
        select(kinds),
        lengths.clone(),
        lengths,
        maybe(50, select(vec!["run", "none"])),
    )
        .prop_map(move |(kind, input, output, salt)| match (kind, salt) {
            ("shareGPT", _) => json!({"type": kind, "path": "/data/yes.json"}),
            (_, Some(salt)) if is_ours => {
                json!({"type": kind, "input": input, "output": output, "salt": salt})
            }
            _ => json!({"type": kind, "input": input, "output": output}),
        })
        .boxed()
}

/// A load; each part is there in so many of a hundred cases.
fn load(is_ours: bool, percent: u32) -> Any {
    let mut stages = vec![
        json!({"rate": 0.1, "duration": 60}),
        json!({"rate": 1, "duration": 1e6}),
        json!({"rate": 2.5, "duration": "10m"}),
        json!({"rate": 20_000, "duration": 60}),
        json!({"rate": 1e3, "duration": "1.5h"}),
    ];
    if is_ours {
        stages.push(json!({"rate": 1e-3, "duration": 1234.5}));
    }
    let stages = json(prop::collection::vec(select(stages), 1..4));
    let kind = one_of(vec!["constant", "poisson"]);
    let part = |name: &'static str, value: Any| {
        maybe(percent, value).prop_map(move |value| Some((name.to_owned(), value?)))
    };
    let warmup = maybe(
        if is_ours { 30 } else { 0 },
        one_of(vec![json!("30s"), json!(12.5)]),
    );
    let workers = maybe(40, 1_u32..=u32::MAX);
    (part("type", kind), part("stages", stages), workers, warmup)
        .prop_map(|(kind, stages, workers, warmup)| {
            let mut load: Map<String, Value> = kind.into_iter().chain(stages).collect();
            load.extend(workers.map(|workers| ("numWorkers".to_owned(), workers.into())));
            load.extend(
                warmup.map(|duration| ("warmup".to_owned(), json!({"duration": duration}))),
            );
            load.into()
        })
        .boxed()
}
