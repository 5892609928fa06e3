//! Values that can be used: as they are, or with stand-ins for what is wrong, so that the rest can be looked at.

use std::borrow::Cow;

use serde_json::Value;
use serde_path_to_error::Segment;

use super::Skip;
use crate::chart::Chart;
use crate::problem::{Anchor, Problem};
use crate::scenario::raw::Values;

/// Values, and the pointers of what stands in for something else.
#[derive(Debug)]
pub(super) struct Usable {
    /// None where nothing can be used.
    pub(super) values: Option<Values>,
    pub(super) replaced: Vec<String>,
}

/// The values without unknown keys; with the schema switched off, also with the defaults that were deleted. What cannot
/// be read then is replaced by its default, or left out.
pub(super) fn usable(chart: &Chart, json: &Value, problems: &[Problem], skip: Skip) -> Usable {
    let mut json = Cow::Borrowed(json);
    for problem in problems.iter().filter(|problem| problem.code == "B101") {
        if let Anchor::Key(pointer) = &problem.anchor {
            remove(json.to_mut(), pointer);
        }
    }
    if skip.schema {
        refill(json.to_mut(), &without_scenarios(chart.default_json()));
    }
    let mut replaced = Vec::new();
    let mut is_refilled = false;
    loop {
        let error = match serde_path_to_error::deserialize(&*json) {
            Ok(values) => {
                return Usable {
                    values: Some(values),
                    replaced,
                };
            }
            Err(error) => error,
        };
        let defaults = chart.default_json();
        let json = json.to_mut();
        if !is_refilled {
            refill(json, &without_scenarios(defaults));
            is_refilled = true;
            continue;
        }
        let Some(pointer) = replace(json, &defaults, pointer(error.path())) else {
            return Usable {
                values: None,
                replaced,
            };
        };
        replaced.push(pointer);
    }
}

/// Puts the default in the place of a value, or takes the value away; where neither changes anything, what it stands in.
fn replace(values: &mut Value, defaults: &Value, pointer: String) -> Option<String> {
    let mut pointer = pointer;
    loop {
        let (parent, _) = pointer.rsplit_once('/')?;
        let default = defaults.pointer(&pointer);
        let found = values.pointer(&pointer);
        // Without an item the others would not be where they were.
        let is_item = values.pointer(parent).is_some_and(Value::is_array);
        if !is_item && (default.is_some() || found.is_some()) && default != found {
            let key = bench_yaml::pointer_tokens(&pointer).last()?;
            let fields = values.pointer_mut(parent)?.as_object_mut()?;
            match default {
                Some(default) => fields.insert(key, default.clone()),
                None => fields.shift_remove(&key),
            };
            return Some(pointer);
        }
        pointer = parent.to_owned();
    }
}

fn remove(values: &mut Value, pointer: &str) {
    let Some((parent, _)) = pointer.rsplit_once('/') else {
        return;
    };
    let key = bench_yaml::pointer_tokens(pointer)
        .last()
        .unwrap_or_default();
    if let Some(parent) = values.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.shift_remove(&key);
    }
}

/// Puts defaults where there is nothing.
fn refill(values: &mut Value, defaults: &Value) {
    let (Value::Object(values), Value::Object(defaults)) = (values, defaults) else {
        return;
    };
    for (key, default) in defaults {
        match values.get_mut(key) {
            None | Some(Value::Null) => {
                values.insert(key.clone(), default.clone());
            }
            Some(value) => refill(value, default),
        }
    }
}

/// What is missing in scenarios is for [`crate::scenario::resolve`] to say.
fn without_scenarios(mut defaults: Value) -> Value {
    remove(&mut defaults, "/benchmark/scenarios");
    defaults
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                bench_yaml::pointer_push(&mut pointer, key);
            }
            Segment::Unknown => {}
        }
    }
    pointer
}
