//! What may be wrong with `metrics`: where the server's own metrics are read.

use super::Config;
use super::problem::{KeyPath, Problems, Spot, Text};
use super::server::check_base_url;

/// Less between two reads would be load of our own, in seconds.
const LEAST_INTERVAL_S: f64 = 0.1;

impl Config {
    pub(super) fn check_metrics(&self, found: &mut Problems) {
        let Some(metrics) = &self.metrics else {
            return;
        };
        if metrics.interval().get() < LEAST_INTERVAL_S {
            found.error(
                "metrics.interval",
                "reading the server's metrics more often than every 100 ms is a load of its own",
                "leave it out for 1 s, or set it to at least 100ms",
            );
        }
        let urls = KeyPath::from("metrics.urls");
        for (index, url) in metrics.urls.iter().enumerate() {
            if let Err(wrong) = check_base_url(url) {
                // Where a key belongs is not said: none is sent there.
                let help = if url.contains('@') {
                    "leave them out: pages that ask for a password are not read".into()
                } else {
                    wrong.help
                };
                found.error_at(
                    Spot::Part(wrong.part),
                    urls.index(index),
                    format!("not the URL of a page of metrics: {}", wrong.reason),
                    help,
                );
            }
        }
        if !metrics.scrape() && !metrics.urls.is_empty() {
            found.error_at(
                Spot::Key,
                urls,
                Text::from("these pages are not read: `")
                    .path("metrics.scrape")
                    .words("` is false"),
                "remove one of the two",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn problems(metrics: &serde_json::Value) -> Vec<String> {
        let config = serde_json::json!({
            "load": {"stages": [{"rate": 1, "duration": 1}]},
            "data": {"type": "mock"},
            "server": {"base_url": "http://h:8000"},
            "metrics": metrics,
        });
        let config: Config = serde_json::from_value(config).unwrap();
        let found = config.check().into_iter();
        found
            .map(|problem| format!("{}: {}", problem.path, problem.message))
            .collect()
    }

    #[test]
    fn pages_that_cannot_be_read_are_named() {
        use serde_json::json;
        let none: [String; 0] = [];
        for fine in [
            json!({}),
            json!({"scrape": false}),
            json!({"urls": ["http://h:9/metrics", "https://[::1]/m"], "interval": "100ms"}),
            json!({"type": "prometheus", "prometheus": {"scrape_interval": 15, "url": "http://p"}}),
        ] {
            assert_eq!(problems(&fine), none);
        }
        for (wrong, path) in [
            (json!({"interval": 0}), "metrics.interval"),
            (json!({"interval": "50ms"}), "metrics.interval"),
            (json!({"urls": ["h:9/metrics"]}), "metrics.urls[0]"),
            (
                json!({"urls": ["http://h", "http://u:p@h"]}),
                "metrics.urls[1]",
            ),
            (
                json!({"scrape": false, "urls": ["http://h"]}),
                "metrics.urls",
            ),
        ] {
            let found = problems(&wrong.clone());
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].starts_with(&format!("{path}: ")),
                "{wrong}: {found:?}"
            );
        }
    }
}
