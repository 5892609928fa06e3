//! Names of images: `registry.example.com:5000/team/image:tag@sha256:…`.

use k8s_openapi::api::core::v1::Container;

use super::Fault;

/// The image's name and its pull policy.
pub(super) fn check(container: &Container, path: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let image = container.image.as_deref().unwrap_or_default();
    faults.extend(name(image, &format!("{path}.image")));
    if let Some(policy) = container.image_pull_policy.as_deref()
        && !matches!(policy, "Always" | "IfNotPresent" | "Never")
    {
        let message = format!("`{policy}` is not a pull policy");
        let fault = Fault::new("K241", format!("{path}.imagePullPolicy"), message);
        faults.push(fault.help("use Always, IfNotPresent or Never"));
    }
    faults
}

/// The part of an image's name that a registry would not take: `repository`, `tag` or `digest`.
pub(crate) fn wrong_part(image: &str) -> Option<&'static str> {
    let (repository, tag, digest) = parts(image);
    if digest.is_some_and(|digest| !is_digest(digest)) {
        Some("digest")
    } else if !is_repository(repository) {
        Some("repository")
    } else {
        tag.is_some_and(|tag| !is_tag(tag)).then_some("tag")
    }
}

fn name(image: &str, path: &str) -> Option<Fault> {
    let (repository, tag, digest) = parts(image);
    let fault = |message: String| Fault::new("K241", path, message);
    let found = match wrong_part(image)? {
        "digest" => {
            let digest = digest.unwrap_or_default();
            fault(format!("`{digest}` is not a digest"))
                .help("write sha256: and 64 hexadecimal digits")
        }
        "tag" => {
            let tag = tag.unwrap_or_default();
            fault(format!("`{tag}` is not the tag of an image"))
                .help("at most 128 letters, digits, `_`, `.` and `-`, a letter, digit or `_` first")
        }
        _ => {
            let found = fault(format!("`{repository}` is not the name of an image"));
            let (_, inner, _) = parts(repository);
            match inner {
                Some(first) if is_tag(first) => {
                    let second = tag.unwrap_or_default();
                    fault(format!(
                        "an image has one tag, and this one has `{first}` and `{second}`"
                    ))
                    .help("write the one that is meant under image.tag")
                }
                _ if repository.contains(['"', '\'']) => found.help("remove the quotes"),
                _ if repository.contains("://") => found.help("leave out the scheme"),
                _ if repository.contains(|c: char| c.is_ascii_uppercase()) => {
                    found.help("a name in a registry is in lower case")
                }
                _ => found.help("for example quay.io/team/image"),
            }
        }
    };
    Some(found)
}

/// Repository, tag and digest.
fn parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    // A colon before a slash belongs to the registry's port.
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag), digest),
        _ => (name, None, digest),
    }
}

fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// A registry's host, where the first step looks like one, and steps in lower case.
fn is_repository(repository: &str) -> bool {
    let mut steps: Vec<&str> = repository.split('/').collect();
    if steps.len() > 1 && steps[0].contains(['.', ':']) || steps[0] == "localhost" {
        let (host, port) = match steps[0].split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (steps[0], None),
        };
        let is_host = host.split('.').all(|label| {
            let is_letter = |c: char| c.is_ascii_alphanumeric();
            label.starts_with(is_letter)
                && label.ends_with(is_letter)
                && label.chars().all(|c| is_letter(c) || c == '-')
        });
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
        if !is_host || !is_port || steps.len() == 1 {
            return false;
        }
        steps.remove(0);
    }
    repository.len() <= 255 && steps.iter().all(|step| is_step(step))
}

/// Lower-case letters and digits, between them `.`, `_`, `__` or dashes.
fn is_step(step: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = step.split(is_edge).filter(|run| !run.is_empty());
    let fits = |run: &str| matches!(run, "." | "_" | "__") || run.chars().all(|c| c == '-');
    step.starts_with(is_edge) && step.ends_with(is_edge) && separators.into_iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::kubernetes::Remedy;

    #[test]
    fn references() {
        let digest = format!("r@sha256:{}", "ab".repeat(32));
        for (image, expected) in [
            ("quay.io/inference-perf/inference-perf:v0.2.0", None),
            ("registry.example.com:5000/a_b/c--d:1", None),
            ("localhost/a:1", None),
            ("vllm:latest", None),
            (digest.as_str(), None),
            ("r@sha256:12", Some("digest")),
            ("", Some("repository")),
            ("\"r\":1", Some("repository")),
            ("r:1:2", Some("repository")),
            ("Team/r:1", Some("repository")),
            ("https://r.io/a:1", Some("repository")),
            ("r:-x", Some("tag")),
            ("r:a b", Some("tag")),
        ] {
            assert_eq!(wrong_part(image), expected, "{image}");
        }
    }

    #[test]
    fn a_tag_in_the_repository_is_moved() {
        let fault = name("r.io/a:v1:0.1.0", "image").unwrap();
        assert_eq!(
            fault.help,
            [Remedy::Words(
                "write the one that is meant under image.tag".to_owned()
            )]
        );
        let fault = name("'r.io/a':0.1.0", "image").unwrap();
        assert_eq!(fault.help, [Remedy::Words("remove the quotes".to_owned())]);
    }
}
