//! What the pod of each engine is made of: image, environment, volumes, rights.

use bench_contract::FailOn;
use serde_json::{Map, Value, json};

use crate::scenario::Run;
use crate::scenario::raw::{
    CA_FILE, CA_FOLDER, Engine, Image, PullPolicy, RESULTS, SecretKey, SecurityProfile,
};

/// Where `config.yml` appears.
pub(super) const CONFIG_FILE: &str = "/workspace/config.yml";
const HF_HOME: &str = "/var/cache/huggingface";

/// Repository and tag of the engine's own image.
fn own_image(engine: Engine) -> (&'static str, &'static str) {
    match engine {
        Engine::Loadgen => ("ghcr.io/benchctl/loadgen", env!("CARGO_PKG_VERSION")),
        Engine::InferencePerf => ("quay.io/inference-perf/inference-perf", "v0.2.0"),
    }
}

/// The image's name, and its version for the label.
pub(super) fn image(image: &Image, engine: Engine) -> (String, String) {
    let (own_repository, own_tag) = own_image(engine);
    let repository = if image.repository.is_empty() {
        own_repository
    } else {
        &image.repository
    };
    let tag = if image.tag.is_empty() {
        own_tag
    } else {
        &image.tag
    };
    if image.digest.is_empty() {
        return (format!("{repository}:{tag}"), tag.to_owned());
    }
    // A tag beside a digest is for the reader alone.
    let shown = if image.tag.is_empty() {
        String::new()
    } else {
        format!(":{tag}")
    };
    let version = if image.tag.is_empty() {
        image
            .digest
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .chars()
            .take(12)
            .collect()
    } else {
        tag.to_owned()
    };
    (format!("{repository}{shown}@{}", image.digest), version)
}

/// The pull policy, where it is not what Kubernetes would take for this image by itself.
pub(super) fn pull_policy(image: &Image) -> Option<&'static str> {
    let own = if image.tag == "latest" && image.digest.is_empty() {
        PullPolicy::Always
    } else {
        PullPolicy::IfNotPresent
    };
    (image.pull_policy != own).then(|| image.pull_policy.as_str())
}

/// The command and its arguments.
pub(super) fn command(run: &Run) -> (Value, Vec<String>) {
    match run.engine() {
        Engine::Loadgen => {
            let mut arguments = vec!["--config_file".to_owned(), CONFIG_FILE.to_owned()];
            let fail_on = &run.benchmark().job.fail_on;
            if !FailOn::ALL.iter().all(|class| fail_on.contains(class)) {
                let words: Vec<&str> = fail_on.iter().map(|class| class.as_str()).collect();
                arguments.push(format!("--fail-on={}", words.join(",")));
            }
            (json!(["loadgen"]), arguments)
        }
        Engine::InferencePerf => {
            let mut script = String::new();
            let packages = &run.benchmark().dependencies.packages;
            if !packages.is_empty() {
                let quoted: Vec<String> =
                    packages.iter().map(|package| shell_word(package)).collect();
                script.push_str(&format!(
                    "set -e\npip install --no-cache-dir {}\n",
                    quoted.join(" ")
                ));
            }
            script.push_str(&format!("inference-perf --config_file {CONFIG_FILE}\n"));
            (json!(["/bin/sh", "-c"]), vec![script])
        }
    }
}

/// One word for a POSIX shell, whatever it holds.
fn shell_word(text: &str) -> String {
    let is_safe = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '/' | ':' | '@' | ',')
    };
    if !text.is_empty() && text.chars().all(is_safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The environment: what the engine needs, then the user's own, which replace ours of the same name.
pub(super) fn env(run: &Run) -> Vec<Value> {
    let target = &run.benchmark().target;
    let mut ours = Vec::new();
    match run.engine() {
        Engine::Loadgen => {
            ours.push(from_field(
                "JOB_NAME",
                "metadata.labels['batch.kubernetes.io/job-name']",
            ));
            ours.push(from_field(
                "JOB_UID",
                "metadata.labels['batch.kubernetes.io/controller-uid']",
            ));
            ours.push(from_field("POD_NAME", "metadata.name"));
            ours.push(from_field("NODE_NAME", "spec.nodeName"));
            ours.push(json!({"name": "BENCHMARK_SCENARIO", "value": run.scenario}));
            ours.push(json!({"name": "HF_HOME", "value": HF_HOME}));
            ours.extend(from_secret("OPENAI_API_KEY", &target.api_key_secret));
        }
        Engine::InferencePerf => {
            if has_own_folders(run) {
                ours.push(json!({"name": "HOME", "value": "/tmp"}));
                ours.push(json!({"name": "HF_HOME", "value": HF_HOME}));
            }
            let s3 = &run.benchmark().storage.s3;
            for (name, value) in [
                ("AWS_DEFAULT_REGION", &s3.region),
                ("AWS_ENDPOINT_URL_S3", &s3.endpoint_url),
            ] {
                if !value.is_empty() {
                    ours.push(json!({"name": name, "value": value}));
                }
            }
        }
    }
    ours.extend(from_secret("HF_TOKEN", &target.hf_token_secret));
    let users: Vec<Value> = run
        .benchmark()
        .env
        .iter()
        .map(|variable| json!(variable))
        .collect();
    replaced(ours, users, "name")
}

fn from_field(name: &str, path: &str) -> Value {
    json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}})
}

fn from_secret(name: &str, secret: &SecretKey) -> Option<Value> {
    (!secret.name.is_empty())
        .then(|| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}}}))
}

/// The volumes and where they appear in the container. A mount of the user's at one of our paths takes its place.
pub(super) fn volumes(run: &Run, config_map: &str) -> (Vec<Value>, Vec<Value>) {
    let mut volumes = vec![json!({"name": "config", "configMap": {"name": config_map}})];
    let mut mounts =
        vec![json!({"name": "config", "mountPath": CONFIG_FILE, "subPath": "config.yml"})];
    let secret = &run.benchmark().target.tls.ca_secret;
    if run.engine() == Engine::Loadgen && !secret.name.is_empty() {
        volumes.push(json!({"name": "server-ca", "secret": {
            "secretName": secret.name, "items": [{"key": secret.key, "path": CA_FILE}]
        }}));
        mounts.push(json!({"name": "server-ca", "mountPath": CA_FOLDER, "readOnly": true}));
    }
    let users: Vec<Value> = run
        .benchmark()
        .volume_mounts
        .iter()
        .map(|mount| json!(mount))
        .collect();
    let claim = &run.benchmark().storage.local.claim_name;
    if !claim.is_empty() {
        volumes.push(json!({"name": "results", "persistentVolumeClaim": {"claimName": claim}}));
        mounts.push(json!({"name": "results", "mountPath": RESULTS}));
    }
    if has_own_folders(run) {
        for (name, path) in [("results", RESULTS), ("tmp", "/tmp"), ("hf-home", HF_HOME)] {
            let is_taken = |mount: &Value| {
                mount["mountPath"]
                    .as_str()
                    .is_some_and(|taken| taken.trim_end_matches('/') == path)
            };
            if !users.iter().any(is_taken) && !mounts.iter().any(is_taken) {
                volumes.push(json!({"name": name, "emptyDir": {}}));
                mounts.push(json!({"name": name, "mountPath": path}));
            }
        }
    }
    if run.engine() == Engine::Loadgen {
        mounts[0]["readOnly"] = json!(true);
    }
    volumes.extend(run.benchmark().volumes.iter().map(|volume| json!(volume)));
    mounts.extend(users);
    (volumes, mounts)
}

/// Our items but those whose `key` an item of the user's has too, then the user's.
fn replaced(ours: Vec<Value>, users: Vec<Value>, key: &str) -> Vec<Value> {
    let is_kept = |item: &Value| users.iter().all(|user| user[key] != item[key]);
    let mut all: Vec<Value> = ours.into_iter().filter(is_kept).collect();
    all.extend(users);
    all
}

/// What pod and container may do.
pub(super) fn security(run: &Run) -> (Value, Value) {
    let security = &run.benchmark().security_context;
    let (pod, container) = if is_restricted(run) {
        (
            json!({
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"}
            }),
            json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]}
            }),
        )
    } else {
        (json!({}), json!({}))
    };
    (
        laid_over(pod, &security.pod),
        laid_over(container, &security.container),
    )
}

fn is_restricted(run: &Run) -> bool {
    match run.benchmark().security_context.profile {
        SecurityProfile::Auto => run.engine() == Engine::Loadgen,
        SecurityProfile::Restricted => true,
        SecurityProfile::None => false,
    }
}

/// Whether results, temporary files and downloads go to folders of their own: always for loadgen; for inference-perf
/// where its image may not be written to.
pub(super) fn has_own_folders(run: &Run) -> bool {
    run.engine() == Engine::Loadgen || is_restricted(run)
}

fn laid_over(mut base: Value, over: &Map<String, Value>) -> Value {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(inner @ Value::Object(_)), Value::Object(value)) => {
                *inner = laid_over(inner.take(), value);
            }
            (_, Value::Null) => {
                base.as_object_mut().map(|base| base.remove(key));
            }
            _ => base[key] = value.clone(),
        }
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_of(repository: &str, tag: &str, digest: &str, pull_policy: PullPolicy) -> Image {
        Image {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest: digest.to_owned(),
            pull_policy,
            pull_secrets: Vec::new(),
        }
    }

    #[test]
    fn images_are_named_as_registries_want() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let policy = PullPolicy::IfNotPresent;
        let (name, version) = image(&image_of("", "", "", policy), Engine::InferencePerf);
        assert_eq!(
            (name.as_str(), version.as_str()),
            ("quay.io/inference-perf/inference-perf:v0.2.0", "v0.2.0")
        );
        let (name, version) = image(&image_of("r", "", &digest, policy), Engine::Loadgen);
        assert_eq!(
            (name, version.as_str()),
            (format!("r@{digest}"), "abababababab")
        );
        let (name, version) = image(&image_of("r", "1", &digest, policy), Engine::Loadgen);
        assert_eq!((name, version.as_str()), (format!("r:1@{digest}"), "1"));
    }

    #[test]
    fn the_pull_policy_is_written_where_it_says_something() {
        assert_eq!(
            pull_policy(&image_of("", "", "", PullPolicy::IfNotPresent)),
            None
        );
        assert_eq!(
            pull_policy(&image_of("", "latest", "", PullPolicy::IfNotPresent)),
            Some("IfNotPresent")
        );
        assert_eq!(
            pull_policy(&image_of("", "latest", "", PullPolicy::Always)),
            None
        );
        assert_eq!(
            pull_policy(&image_of("", "1", "", PullPolicy::Never)),
            Some("Never")
        );
    }

    #[test]
    fn packages_cannot_leave_their_word() {
        assert_eq!(shell_word("protobuf==5.29.2"), "protobuf==5.29.2");
        assert_eq!(shell_word("a; rm -rf /"), "'a; rm -rf /'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }

    #[test]
    fn rights_are_laid_over_and_taken_back() {
        let over = json!({"runAsUser": null, "seccompProfile": {"type": "Unconfined"}, "x": 1});
        let base =
            json!({"runAsUser": 1, "fsGroup": 2, "seccompProfile": {"type": "RuntimeDefault"}});
        assert_eq!(
            laid_over(base, over.as_object().unwrap()),
            json!({"fsGroup": 2, "seccompProfile": {"type": "Unconfined"}, "x": 1})
        );
    }
}
