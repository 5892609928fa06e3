//! Requests and limits of a container.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Container;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;

use super::quantity::{Quantity, parse, remedy};
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
        let limit_path = format!("{path}.limits.{name}");
        let path = format!("{path}.requests.{name}");
        let Some((limit, shown_limit)) = limits.get(name) else {
            if is_extended(name) {
                faults.push(
                    Fault::new("K201", path, format!("{name} request {shown} has no limit"))
                        .help_at("set ", limit_path, format!(" to {shown} too")),
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
                .help_at("set ", limit_path, format!(" to at least {shown}")),
            );
        } else if order == Ordering::Less && is_extended(name) {
            let message = format!("{name} request {shown} must equal limit {shown_limit}");
            let fault = Fault::new("K201", path, message);
            faults.push(fault.help_at("set ", limit_path, format!(" to {shown}")));
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
        if let Some((reason, help)) = not_resource(name) {
            let message = format!("`{name}` is not a resource{reason}");
            let fault = Fault::new("K247", path.clone(), message);
            faults.push(fault.at_key().help(help));
        }
        match parse(&quantity.0) {
            Ok(amount) if is_extended(name) && !amount.is_whole() => {
                let message = format!("`{}` of {name}: only whole numbers", quantity.0);
                faults.push(Fault::new("K202", path, message).help("for example 1"));
            }
            Ok(amount) => {
                side.insert(name.as_str(), (amount, quantity.0.as_str()));
            }
            Err((reason, meant)) => {
                let message = format!("`{}` is not a Kubernetes quantity: {reason}", quantity.0);
                faults.push(Fault::new("K202", path, message).help(remedy(meant)));
            }
        }
    }
    side
}

/// Devices and the like: they cannot be shared, and so request and limit are one whole number.
fn is_extended(name: &str) -> bool {
    name.contains('/') || name.starts_with("hugepages-")
}

/// Why a name is none of a resource, and what helps.
fn not_resource(name: &str) -> Option<(String, String)> {
    const EXAMPLES: &str =
        "use cpu, memory, ephemeral-storage, or a device with its domain: nvidia.com/gpu";
    if matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
        return None;
    }
    if !name.contains('/') {
        let near = bench_yaml::suggest(name, ["cpu", "memory", "ephemeral-storage"]);
        let help = near.map_or_else(
            || EXAMPLES.to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Some((String::new(), help));
    }
    let reason = names::not_label_key(name)?;
    Some((format!(": {reason}"), EXAMPLES.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validate::kubernetes::codes;

    fn faults(requests: &Value, limits: &Value) -> Vec<&'static str> {
        let container = json!({"name": "c", "resources": {"requests": requests, "limits": limits}});
        codes(check(&serde_json::from_value(container).unwrap(), "c"))
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
