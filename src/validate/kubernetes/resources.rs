//! Requests and limits of a container.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Container;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;

use super::quantity::{Quantity, parse};
use super::{Fault, names};

/// Names, quantities, and requests that do not exceed their limits.
pub(super) fn check(container: &Container, path: &str) -> Vec<Fault> {
    let Some(resources) = &container.resources else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let path = format!("{path}.resources");
    let requests = side(
        resources.requests.as_ref(),
        &format!("{path}.requests"),
        &mut faults,
    );
    let limits = side(
        resources.limits.as_ref(),
        &format!("{path}.limits"),
        &mut faults,
    );
    for (name, (request, shown)) in &requests {
        let path = format!("{path}.requests.{name}");
        let Some((limit, shown_limit)) = limits.get(name) else {
            if is_extended(name) {
                faults.push(
                    Fault::new("K201", path, format!("{name} request {shown} has no limit"))
                        .help(format!("set benchmark.resources.limits.{name} to the same")),
                );
            }
            continue;
        };
        let order = request.compare(*limit);
        if order == Ordering::Greater {
            faults.push(
                Fault::new(
                    "K201",
                    path,
                    format!("{name} request {shown} exceeds limit {shown_limit}"),
                )
                .help(format!(
                    "set benchmark.resources.limits.{name} to at least {shown}"
                )),
            );
        } else if order == Ordering::Less && is_extended(name) {
            faults.push(Fault::new(
                "K201",
                path,
                format!("{name} request {shown} must equal limit {shown_limit}"),
            ));
        }
    }
    faults
}

type Side<'a> = BTreeMap<&'a str, (Quantity, &'a str)>;

fn side<'a>(
    written: Option<&'a BTreeMap<String, Written>>,
    path: &str,
    faults: &mut Vec<Fault>,
) -> Side<'a> {
    let mut side = BTreeMap::new();
    for (name, quantity) in written.into_iter().flatten() {
        let path = format!("{path}.{name}");
        if let Some(reason) = not_resource(name) {
            faults.push(Fault::new(
                "K247",
                path.clone(),
                format!("`{name}` is not a resource: {reason}"),
            ));
        }
        match parse(&quantity.0) {
            Ok(amount) if is_extended(name) && !amount.is_whole() => {
                faults.push(Fault::new(
                    "K202",
                    path,
                    format!("`{}` of {name}: only whole numbers", quantity.0),
                ));
            }
            Ok(amount) => {
                side.insert(name.as_str(), (amount, quantity.0.as_str()));
            }
            Err((reason, meant)) => {
                let message = format!("`{}` is not a Kubernetes quantity: {reason}", quantity.0);
                let fault = Fault::new("K202", path, message);
                faults.push(match meant {
                    Some(meant) => fault.help(format!("did you mean {meant}?")),
                    None => fault.help("for example 500m, 2, 8Gi"),
                });
            }
        }
    }
    side
}

/// Devices and the like: they cannot be shared, and so request and limit are one whole number.
fn is_extended(name: &str) -> bool {
    name.contains('/') || name.starts_with("hugepages-")
}

fn not_resource(name: &str) -> Option<String> {
    if matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
        return None;
    }
    if !name.contains('/') {
        let near = bench_yaml::suggest(name, ["cpu", "memory", "ephemeral-storage"]);
        return Some(near.map_or_else(
            || "one of cpu, memory, ephemeral-storage, or a name with a domain".to_owned(),
            |near| format!("did you mean `{near}`?"),
        ));
    }
    names::not_label_key(name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(requests: &Value, limits: &Value) -> Vec<&'static str> {
        let container = json!({"name": "c", "resources": {"requests": requests, "limits": limits}});
        check(&serde_json::from_value(container).unwrap(), "c")
            .into_iter()
            .map(|fault| fault.code)
            .collect()
    }

    #[test]
    fn requests_do_not_exceed_limits() {
        assert_eq!(
            faults(
                &json!({"cpu": "2", "memory": "4Gi"}),
                &json!({"cpu": "4", "memory": "8Gi"})
            ),
            [""; 0]
        );
        assert_eq!(
            faults(&json!({"memory": "16Gi"}), &json!({"memory": "8Gi"})),
            ["K201"]
        );
        assert_eq!(
            faults(&json!({"cpu": "1500m"}), &json!({"cpu": "1"})),
            ["K201"]
        );
        assert_eq!(faults(&json!({"cpu": "8"}), &json!({})), [""; 0]);
    }

    #[test]
    fn devices_are_whole_and_not_shared() {
        assert_eq!(
            faults(
                &json!({"nvidia.com/gpu": "1"}),
                &json!({"nvidia.com/gpu": "1"})
            ),
            [""; 0]
        );
        assert_eq!(
            faults(&json!({"nvidia.com/gpu": "1"}), &json!({})),
            ["K201"]
        );
        assert_eq!(
            faults(
                &json!({"nvidia.com/gpu": "1"}),
                &json!({"nvidia.com/gpu": "2"})
            ),
            ["K201"]
        );
        assert_eq!(
            faults(&json!({}), &json!({"nvidia.com/gpu": "500m"})),
            ["K202"]
        );
    }

    #[test]
    fn names_and_quantities() {
        assert_eq!(faults(&json!({"memory": "8GB"}), &json!({})), ["K202"]);
        assert_eq!(faults(&json!({"mem": "8Gi"}), &json!({})), ["K247"]);
    }
}
