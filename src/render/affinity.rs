//! Where the pod runs: in the zone of the target's pods, so that no zone boundary is measured.

use serde_json::{Map, Value, json};

use crate::scenario::raw::{Affinity, AffinityMode, Engine};

/// A Service in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) namespace: String,
}

/// The pod's affinity; none when it is off, or when nothing says who the target's pods are.
pub(super) fn affinity(
    affinity: &Affinity,
    engine: Engine,
    base_url: &str,
    namespace: &str,
) -> Option<Value> {
    if !affinity.enabled {
        return None;
    }
    let service = service(base_url, namespace);
    let labels: Map<String, Value> = if affinity.target_labels.is_empty() {
        let service = service.as_ref()?;
        Map::from_iter([(
            "app.kubernetes.io/component".to_owned(),
            json!(service.name),
        )])
    } else {
        affinity
            .target_labels
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect()
    };
    let target_namespace = if affinity.target_namespace.is_empty() {
        service.map(|service| service.namespace)
    } else {
        Some(affinity.target_namespace.clone())
    };
    let mut term = json!({"labelSelector": {"matchLabels": labels}, "topologyKey": "topology.kubernetes.io/zone"});
    // Without it a term looks in the Job's own namespace only.
    if let Some(namespace) = target_namespace {
        term["namespaces"] = json!([namespace]);
    }
    let is_required = match affinity.mode {
        AffinityMode::Auto => engine == Engine::InferencePerf,
        AffinityMode::Preferred => false,
        AffinityMode::Required => true,
    };
    Some(if is_required {
        json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    } else {
        let wish = json!({"weight": 100, "podAffinityTerm": term});
        json!({"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}})
    })
}

/// The Service that a base URL names: `svc`, `svc.ns`, `svc.ns.svc` and what follows. Other hosts are none.
///
/// `name.word` can be a Service in a namespace or a host on the internet; it counts as a Service unless the word is one
/// of the usual top-level domains.
pub(super) fn service(base_url: &str, own_namespace: &str) -> Option<Service> {
    // Words that one would call a namespace (dev, app, ai, cloud …) are none of these.
    const DOMAINS: [&str; 24] = [
        "com",
        "net",
        "org",
        "io",
        "edu",
        "gov",
        "mil",
        "info",
        "biz",
        "co",
        "us",
        "eu",
        "uk",
        "de",
        "fr",
        "jp",
        "kr",
        "cn",
        "ca",
        "au",
        "internal",
        "local",
        "localhost",
        "lan",
    ];
    let authority = base_url
        .split_once("://")?
        .1
        .split(['/', '?', '#'])
        .next()?;
    if authority.starts_with('[') {
        return None;
    }
    let host = authority.split(':').next()?.trim_end_matches('.');
    let labels: Vec<&str> = host.split('.').collect();
    if !labels.iter().all(|label| is_dns_label(label)) {
        return None;
    }
    let (name, namespace) = match labels.as_slice() {
        ["localhost"] => return None,
        [name] => (*name, own_namespace),
        [name, namespace] if !DOMAINS.contains(namespace) => (*name, *namespace),
        [name, namespace, "svc", ..] => (*name, *namespace),
        _ => return None,
    };
    // The name of a Service starts with a letter; an address does not.
    name.starts_with(|c: char| c.is_ascii_lowercase())
        .then(|| Service {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        })
}

/// Whether a host could be one on the internet as well: `svc.dev`, or two letters as a country has.
pub(super) fn is_guess(service: &Service, base_url: &str) -> bool {
    const WORDS: [&str; 11] = [
        "ai", "app", "cloud", "dev", "int", "me", "page", "run", "site", "tech", "xyz",
    ];
    let namespace = service.namespace.as_str();
    let has_two_labels = base_url.contains(&format!("://{}.{namespace}", service.name))
        && !base_url.contains(&format!("://{}.{namespace}.", service.name));
    has_two_labels && (namespace.len() == 2 || WORDS.contains(&namespace))
}

fn is_dns_label(label: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    label.len() <= 63
        && is_edge(label.chars().next())
        && is_edge(label.chars().next_back())
        && label
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_from_hosts() {
        for (url, expected) in [
            (
                "http://qwen3-vllm.default:8000",
                Some(("qwen3-vllm", "default")),
            ),
            (
                "http://your-model.your-namespace:8000",
                Some(("your-model", "your-namespace")),
            ),
            ("http://svc.ns.svc:80/prefix", Some(("svc", "ns"))),
            ("http://svc.ns.svc.cluster.local", Some(("svc", "ns"))),
            ("http://svc.ns.svc.cluster.local.:8000", Some(("svc", "ns"))),
            ("http://vllm:8000", Some(("vllm", "own"))),
            ("https://api.openai.com", None),
            ("https://example.com", None),
            ("https://example.co.uk/v1", None),
            ("http://vllm.dev:8000", Some(("vllm", "dev"))),
            ("http://vllm.ai:8000", Some(("vllm", "ai"))),
            ("http://10.0.0.1:8000", None),
            ("http://[::1]:8000", None),
            ("http://localhost:8000", None),
            ("http://host.docker.internal:8000", None),
            ("http://node.local:8000", None),
            ("http://Not_A_Name.ns:8000", None),
        ] {
            let found = service(url, "own");
            let found = found
                .as_ref()
                .map(|service| (service.name.as_str(), service.namespace.as_str()));
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn guesses_are_told_from_what_is_certain() {
        for (url, expected) in [
            ("http://vllm.dev:8000", true),
            ("http://vllm.ai", true),
            ("http://vllm.default:8000", false),
            ("http://vllm.dev.svc:8000", false),
            ("http://vllm", false),
        ] {
            let service = service(url, "benchmarking").unwrap();
            assert_eq!(is_guess(&service, url), expected, "{url}");
        }
    }

    #[test]
    fn the_mode_decides_wish_or_condition() {
        let values = |mode| Affinity {
            enabled: true,
            mode,
            target_labels: [].into(),
            target_namespace: String::new(),
        };
        let is_required = |mode, engine| {
            affinity(&values(mode), engine, "http://a.b", "own").is_some_and(|term| {
                term["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"].is_array()
            })
        };
        assert!(!is_required(AffinityMode::Auto, Engine::Loadgen));
        assert!(is_required(AffinityMode::Auto, Engine::InferencePerf));
        assert!(is_required(AffinityMode::Required, Engine::Loadgen));
        assert!(!is_required(AffinityMode::Preferred, Engine::InferencePerf));
    }

    #[test]
    fn given_labels_win_over_the_url() {
        let values = Affinity {
            enabled: true,
            mode: AffinityMode::Auto,
            target_labels: [("app".to_owned(), "x".to_owned())].into(),
            target_namespace: String::new(),
        };
        let term = affinity(
            &values,
            Engine::InferencePerf,
            "https://api.openai.com",
            "own",
        )
        .unwrap();
        let term = &term["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0];
        assert_eq!(term["labelSelector"]["matchLabels"], json!({"app": "x"}));
        assert!(term.get("namespaces").is_none());
    }
}
