//! Names and label values: composed here, and short enough for Kubernetes.

use sha2::{Digest, Sha256};

use crate::names::corrected;
use crate::problem::{Anchor, Problem};
use crate::scenario::raw::{NameSuffix, Values};

/// What stands in front where nothing else is given.
const DEFAULT_NAME: &str = "inference-perf";

/// The longest name of a Job: it becomes a label value of its pods.
pub(super) const LONGEST: usize = 63;

/// How many characters of the hash a name carries.
const HASH: usize = 8;

/// The names that everything of a run shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Label `app.kubernetes.io/name`.
    pub(super) app: String,
    /// NAME, and label `app.kubernetes.io/instance`.
    pub(super) instance: String,
    /// `<NAME>-<scenario>`, not shortened.
    pub(super) base: String,
}

/// The names for NAME as it was given on the command line, if it was; corrected where they cannot be part of the name of
/// an object, which is a problem.
pub(super) fn names(values: &Values, given: Option<&str>, scenario: &str) -> (Names, Vec<Problem>) {
    let mut problems = Vec::new();
    let app = or_default(&values.name_override, DEFAULT_NAME);
    let instance = given.unwrap_or(app);
    let first = or_default(&values.fullname_override, instance);
    let anchors = [
        (
            first,
            &values.fullname_override,
            Anchor::Value("/fullnameOverride".to_owned()),
        ),
        (
            app,
            &values.name_override,
            Anchor::Value("/nameOverride".to_owned()),
        ),
    ];
    if let Some(name) = given {
        problems.extend(check(name, || Anchor::Argument("NAME", name.to_owned())));
    }
    for (name, written, anchor) in anchors {
        if !written.is_empty() {
            problems.extend(check(name, || anchor));
        }
    }
    let first = if problems.is_empty() {
        first.to_owned()
    } else {
        or_default(&corrected(first), DEFAULT_NAME).to_owned()
    };
    let names = Names {
        app: app.to_owned(),
        instance: instance.to_owned(),
        base: format!("{first}-{}", corrected(scenario)),
    };
    (names, problems)
}

/// The name of Job and ConfigMap: shortened before the hash, never after.
///
/// # Errors
/// When there is no hash that would keep shortened names apart, and the name is too long.
pub(super) fn full_name(
    names: &Names,
    suffix: NameSuffix,
    hash: &str,
    given: Option<&str>,
) -> Result<String, Box<Problem>> {
    match suffix {
        NameSuffix::Hash => {
            let room = LONGEST - 1 - HASH;
            let short: String = names.base.chars().take(room).collect();
            Ok(format!(
                "{}-{}",
                short.trim_end_matches('-'),
                hash.get(..HASH).unwrap_or(hash)
            ))
        }
        NameSuffix::None if names.base.len() > LONGEST => {
            let length = names.base.len();
            let anchor = match given {
                Some(name) if names.base.starts_with(name) => {
                    Anchor::Argument("NAME", name.to_owned())
                }
                _ => Anchor::Value("/benchmark/job/nameSuffix".to_owned()),
            };
            let problem = Problem::error(
                "K203",
                anchor,
                format!("the Job's name would be {length} characters; the limit is {LONGEST}"),
            )
            .note("a Job's name is copied into the label batch.kubernetes.io/job-name")
            .note(format!("name + scenario: {}", names.base))
            .help(
                "use a shorter NAME, or benchmark.job.nameSuffix: hash, with which it is shortened",
            );
            Err(Box::new(problem))
        }
        NameSuffix::None => Ok(names.base.clone()),
    }
}

/// A hash over everything that `parts` hold and where each ends.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut text = String::with_capacity(64);
    for byte in hasher.finalize() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// `text` as a label value: at most 63 characters, letters and digits at both ends, `/` and the like become `-`.
pub(super) fn label_value(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(LONGEST)
        .collect();
    kept.trim_matches(['-', '_', '.']).to_owned()
}

fn or_default<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

fn check(name: &str, anchor: impl FnOnce() -> Anchor) -> Option<Problem> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = |c: char| c != '-';
    let fits = name.chars().all(is_allowed)
        && name.starts_with(ends)
        && name.ends_with(ends)
        && !name.is_empty();
    if fits {
        return None;
    }
    let better = corrected(name);
    let problem = Problem::error(
        "K204",
        anchor(),
        format!("`{name}` cannot be part of a name in Kubernetes"),
    )
    .note("lower-case letters, digits and `-`, a letter or digit at both ends (RFC 1123)");
    Some(if better.is_empty() {
        problem.help("for example `bench`")
    } else {
        problem.help(format!("use `{better}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(base: &str) -> Names {
        Names {
            app: "a".to_owned(),
            instance: "a".to_owned(),
            base: base.to_owned(),
        }
    }

    #[test]
    fn long_names_are_shortened_before_the_hash() {
        let hash = hash(&["x"]);
        let long = full_name(&names_of(&"n".repeat(80)), NameSuffix::Hash, &hash, None).unwrap();
        assert_eq!(long.len(), LONGEST);
        assert!(long.ends_with(&hash[..8]));
        let short = full_name(
            &names_of("inference-perf-production"),
            NameSuffix::None,
            &hash,
            None,
        )
        .unwrap();
        assert_eq!(short, "inference-perf-production");
        assert!(full_name(&names_of(&"n".repeat(64)), NameSuffix::None, &hash, None).is_err());
    }

    #[test]
    fn a_cut_at_a_dash_leaves_no_dash() {
        let base = format!("{}-{}", "n".repeat(53), "tail");
        let name = full_name(&names_of(&base), NameSuffix::Hash, "0123456789", None).unwrap();
        assert_eq!(name, format!("{}-01234567", "n".repeat(53)));
    }

    #[test]
    fn hashes_tell_where_a_part_ends() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }

    #[test]
    fn label_values_are_what_kubernetes_takes() {
        assert_eq!(label_value("Qwen/Qwen3-8B"), "Qwen-Qwen3-8B");
        assert_eq!(label_value("v1.0+build"), "v1.0-build");
        assert_eq!(label_value("_x_"), "x");
        assert_eq!(label_value(&"l".repeat(70)).len(), 63);
    }

    #[test]
    fn names_are_checked_and_corrected() {
        let problem = check("My_Bench", || Anchor::Nowhere).unwrap();
        assert_eq!(problem.help, ["use `my-bench`"]);
        assert_eq!(check("my-bench-1", || Anchor::Nowhere), None);
    }
}
