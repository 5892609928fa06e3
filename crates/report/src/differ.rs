//! Where two values differ, key by key.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The key, as people write it: `load.stages[0].rate`.
    pub path: String,
    /// Its value in the first; `None` where it is not there.
    pub first: Option<Value>,
    /// Its value in the second.
    pub second: Option<Value>,
}

/// Every key at which two values differ, in order. Lists are compared item by item.
#[must_use]
pub fn differences(first: &Value, second: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(Some(first), Some(second), "", &mut found);
    found
}

fn walk(first: Option<&Value>, second: Option<&Value>, path: &str, found: &mut Vec<Difference>) {
    match (first, second) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let separator = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{separator}{key}");
                walk(a.get(key), b.get(key), &path, found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for place in 0..a.len().max(b.len()) {
                walk(
                    a.get(place),
                    b.get(place),
                    &format!("{path}[{place}]"),
                    found,
                );
            }
        }
        (Some(Value::Number(a)), Some(Value::Number(b))) if is_same(a, b) => {}
        (a, b) if a == b => {}
        (a, b) => found.push(Difference {
            path: path.to_owned(),
            first: a.cloned(),
            second: b.cloned(),
        }),
    }
}

/// Whether two numbers are equal, however they are written. Of whole ones every digit counts, also beyond those that a float
/// holds.
fn is_same(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64() == b.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_found_at_their_keys() {
        let a = json!({"load": {"stages": [{"rate": 5}, {"rate": 10}]}, "same": 1, "gone": null});
        let b = json!({"load": {"stages": [{"rate": 6}]}, "same": 1.0, "new": "x"});
        let found: Vec<String> = differences(&a, &b)
            .into_iter()
            .map(|one| {
                let text = |value: Option<Value>| value.map_or("-".to_owned(), |it| it.to_string());
                format!("{} {} {}", one.path, text(one.first), text(one.second))
            })
            .collect();
        assert_eq!(
            found,
            [
                "gone null -",
                "load.stages[0].rate 5 6",
                "load.stages[1] {\"rate\":10} -",
                "new - \"x\""
            ]
        );
        assert_eq!(differences(&a, &a), []);
        let seed = |seed: u64| json!({"seed": seed});
        assert_eq!(
            differences(&seed(9_007_199_254_740_992), &seed(9_007_199_254_740_993)).len(),
            1
        );
        assert_eq!(differences(&seed(u64::MAX), &seed(u64::MAX - 1)).len(), 1);
    }
}
