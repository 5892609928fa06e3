//! The name of a run.

use sha2::{Digest, Sha256};

/// The run id: in a Kubernetes Job its name and 8 characters of its UID, which the manifest hands in; elsewhere the start
/// instant and 6 characters of the config's hash.
#[must_use]
pub fn run_id(
    env: impl Fn(&str) -> Option<String>,
    config: &str,
    started: jiff::Timestamp,
) -> String {
    let given = |name: &str| env(name).filter(|value| !value.is_empty());
    if let (Some(job), Some(uid)) = (given("JOB_NAME"), given("JOB_UID")) {
        let uid: String = uid
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect();
        return format!("{job}-{uid}");
    }
    let hash = Sha256::digest(config.as_bytes());
    let short: String = hash
        .iter()
        .take(3)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}-{short}", timestamp(started))
}

/// The name of the pod, where this is a Job's: its run id is that of every attempt.
#[must_use]
pub fn pod(env: impl Fn(&str) -> Option<String>) -> Option<String> {
    let given = |name: &str| env(name).filter(|value| !value.is_empty());
    given("JOB_NAME").and(given("POD_NAME"))
}

/// How the first line of a run's `config.yaml` begins.
#[must_use]
pub fn mark(run_id: &str) -> String {
    format!("# run: {run_id} ")
}

/// That line: what tells this attempt at a run from all others, wherever they are, also from one with the same config.
#[must_use]
pub fn identity(run_id: &str, host: &str, started: jiff::Timestamp) -> String {
    format!(
        "{}{host} {started:.9} {}\n",
        mark(run_id),
        std::process::id()
    )
}

/// `YYYYmmdd-HHMMSS` in UTC.
#[must_use]
pub fn timestamp(at: jiff::Timestamp) -> String {
    at.strftime("%Y%m%d-%H%M%S").to_string()
}

/// Fills in the placeholders of a path: `{timestamp}` and `{run_id}`.
#[must_use]
pub fn fill(text: &str, run_id: &str, started: jiff::Timestamp) -> String {
    text.replace("{timestamp}", &timestamp(started))
        .replace("{run_id}", run_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_at_a_run_have_the_same_mark_and_lines_of_their_own() {
        let at = |ns| jiff::Timestamp::from_nanosecond(ns).unwrap();
        let line = identity("run-1", "pod-a", at(1_800_000_000_000_000_001));
        let pid = std::process::id();
        assert_eq!(
            line,
            format!("# run: run-1 pod-a 2027-01-15T08:00:00.000000001Z {pid}\n")
        );
        assert!(line.starts_with(&mark("run-1")) && !line.starts_with(&mark("run")));
        let given =
            |set: &'static [&str]| pod(|name| set.contains(&name).then(|| format!("the {name}")));
        assert_eq!(given(&["POD_NAME"]), None);
        assert_eq!(given(&["POD_NAME", "JOB_NAME"]).unwrap(), "the POD_NAME");
    }

    #[test]
    fn a_job_gives_its_name_and_elsewhere_the_instant_does() {
        let started = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let job = run_id(
            |name| {
                Some(
                    if name == "JOB_NAME" {
                        "production-abc"
                    } else {
                        "0f1e2d3c-4b5a-6978"
                    }
                    .to_owned(),
                )
            },
            "config",
            started,
        );
        assert_eq!(job, "production-abc-0f1e2d3c");
        assert_eq!(
            run_id(|_| None, "config", started),
            "20270115-080000-b79606"
        );
        assert_ne!(
            run_id(|_| None, "other", started),
            run_id(|_| None, "config", started)
        );
    }
}
