//! Whole values files by chance, with every section that there is: most of what they say is allowed, and much of it odd.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::pod;
use super::scenario::scenarios;
use super::spoil::spoilt;
use super::texts::{label, label_key, name, some_text, text};

pub(super) type Any = BoxedStrategy<Value>;

/// A value in so many of a hundred cases.
pub(super) fn maybe<S: Strategy + 'static>(
    percent: u32,
    value: S,
) -> BoxedStrategy<Option<S::Value>>
where
    S::Value: 'static,
{
    (0..100_u32, value)
        .prop_map(move |(chance, value)| (chance >= 100 - percent).then_some(value))
        .boxed()
}

/// A mapping that has each of these keys or has it not.
pub(super) fn section(keys: Vec<(&'static str, Any)>) -> Any {
    let entries: Vec<_> = keys
        .into_iter()
        .map(|(key, value)| (Just(key), maybe(40, value)))
        .collect();
    entries
        .prop_map(|entries| {
            let given = entries
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)));
            Value::Object(given.collect())
        })
        .boxed()
}

pub(super) fn one_of<T: Into<Value> + Clone + std::fmt::Debug + 'static>(choices: Vec<T>) -> Any {
    select(choices).prop_map(Into::into).boxed()
}

pub(super) fn json<T: Into<Value> + std::fmt::Debug + 'static>(
    strategy: impl Strategy<Value = T> + 'static,
) -> Any {
    strategy.prop_map(Into::into).boxed()
}

pub(super) fn list(item: Any, most: usize) -> Any {
    json(prop::collection::vec(item, 0..=most))
}

pub(super) fn map(key: BoxedStrategy<String>, value: BoxedStrategy<String>) -> Any {
    prop::collection::btree_map(key, value, 0..4)
        .prop_map(|map| {
            map.into_iter()
                .map(|(key, value)| (key, Value::from(value)))
                .collect()
        })
        .boxed()
}

/// A values file as JSON: as a careful user writes it, or with a few things of any kind in any place.
pub(super) fn values(defaults: Vec<String>) -> Any {
    let tidy = prop_oneof![fitting(true), fitting(false)].boxed();
    prop_oneof![3 => tidy.clone(), 2 => spoilt(tidy, defaults)].boxed()
}

/// Values that the engine can honour, as far as a strategy can tell.
fn fitting(is_ours: bool) -> Any {
    let benchmark = (common(is_ours), of_engine(is_ours), scenarios(is_ours)).prop_map(
        move |(mut common, own, (chosen, scenarios))| {
            merge(&mut common, own);
            let engine = if is_ours { "loadgen" } else { "inference-perf" };
            merge(
                &mut common,
                json!({"engine": engine, "scenario": chosen, "scenarios": scenarios}),
            );
            common
        },
    );
    let name_or_none = || json(prop_oneof![Just(String::new()), name()]);
    (
        name_or_none(),
        name_or_none(),
        maybe(50, name_or_none()),
        benchmark,
    )
        .prop_map(|(app, full, is_given, benchmark)| match is_given {
            Some(_) => {
                json!({"nameOverride": app, "fullnameOverride": full, "benchmark": benchmark})
            }
            None => json!({"benchmark": benchmark}),
        })
        .boxed()
}

fn merge(values: &mut Value, over: Value) {
    match (values, over) {
        (Value::Object(values), Value::Object(over)) => {
            for (key, value) in over {
                merge(values.entry(key).or_insert(Value::Null), value);
            }
        }
        (values, over) => *values = over,
    }
}

/// What both engines honour.
fn common(is_ours: bool) -> Any {
    let urls = [
        "http://qwen3-vllm.default:8000",
        "http://svc.ns.svc.cluster.local/prefix",
        "http://10.0.0.1:8000",
        "http://[::1]:80",
        "http://vllm",
    ];
    let digest = format!("sha256:{}", "0e".repeat(32));
    let keys = section(vec![
        ("enabled", one_of(vec![true])),
        ("namespace", json(name())),
        (
            "image",
            section(vec![
                (
                    "repository",
                    one_of(vec![
                        "",
                        "r",
                        "registry.example.com:5000/a_b/c--d",
                        "0644/1e3",
                    ]),
                ),
                (
                    "tag",
                    one_of(vec![
                        "",
                        "latest",
                        "1.10",
                        "0644",
                        "1e3",
                        "yes",
                        "1_000",
                        "2026-11-24",
                    ]),
                ),
                ("digest", json(select(vec![String::new(), digest]))),
                (
                    "pullPolicy",
                    one_of(vec!["IfNotPresent", "Always", "Never"]),
                ),
                ("pullSecrets", list(json(name()), 2)),
            ]),
        ),
        (
            "serviceAccount",
            section(vec![
                ("create", json(any::<bool>())),
                ("name", json(name())),
                ("annotations", map(label_key(), text())),
            ]),
        ),
        (
            "job",
            section(vec![
                ("run", json(text())),
                ("backoffLimit", one_of(vec![0, 2, 6, i32::MAX])),
                ("ttlSecondsAfterFinished", json(0..i32::MAX)),
                (
                    "activeDeadlineSeconds",
                    prop_oneof![Just(json!("auto")), json(100_000_000..u32::MAX)].boxed(),
                ),
                ("terminationGracePeriodSeconds", json(0..i32::MAX)),
                ("nameSuffix", one_of(vec!["hash", "none"])),
            ]),
        ),
        (
            "target",
            section(vec![
                ("serverType", one_of(vec!["vllm", "sglang", "tgi"])),
                ("modelName", json(some_text())),
                ("baseUrl", one_of(urls.to_vec())),
                ("tokenizerPath", json(some_text())),
                ("ignoreEos", json(any::<bool>())),
                (
                    "headers",
                    map(
                        r"X-[A-Za-z0-9_!~]{1,8}".boxed(),
                        r"[ -~]{0,20}|yes|12:30|0644|é".boxed(),
                    ),
                ),
                ("hfTokenSecret", pod::secret_key()),
            ]),
        ),
        // `chat` goes with made prompts only, where the engine is inference-perf.
        (
            "api",
            section(vec![(
                "type",
                one_of(if is_ours {
                    vec!["completion", "chat"]
                } else {
                    vec!["completion"]
                }),
            )]),
        ),
        ("resources", pod::resources()),
        (
            "affinity",
            section(vec![
                ("enabled", json(any::<bool>())),
                ("mode", one_of(vec!["auto", "preferred"])),
                ("targetLabels", map(label_key(), label())),
            ]),
        ),
        ("nodeSelector", map(label_key(), label())),
        ("tolerations", list(pod::toleration(), 3)),
        ("podAnnotations", map(label_key(), text())),
        ("podLabels", map(label_key(), label())),
        (
            "priorityClassName",
            json(prop_oneof![Just(String::new()), name()]),
        ),
        ("env", pod::env()),
        ("envFrom", list(pod::env_from(), 2)),
        ("securityContext", pod::security_context()),
    ]);
    (keys, pod::volumes_and_mounts())
        .prop_map(|(mut keys, volumes)| {
            merge(&mut keys, volumes);
            keys
        })
        .boxed()
}

/// Places that results go to.
fn storage(is_ours: bool) -> Any {
    let folder = || {
        prop_oneof![
            Just(String::new()),
            "[a-z0-9 _=-]{1,8}(/[a-z0-9{}_-]{1,8}){0,2}"
        ]
    };
    let url = prop_oneof![
        Just(String::new()),
        Just("http://minio.storage:9000".to_owned())
    ];
    let s3 = (name(), folder(), folder(), text(), url).prop_map(|(bucket, prefix, path, region, url)| {
        json!({"bucketName": bucket, "pathPrefix": prefix, "path": path, "region": region, "endpointUrl": url})
    });
    let gcs =
        (name(), folder()).prop_map(|(bucket, path)| json!({"bucketName": bucket, "path": path}));
    let local =
        (name(), folder()).prop_map(|(claim, path)| json!({"claimName": claim, "path": path}));
    let mut places = vec![
        ("s3", s3.boxed()),
        ("gcs", gcs.boxed()),
        ("local", local.boxed()),
    ];
    if is_ours {
        let azure = (name(), name(), folder()).prop_map(|(account, container, path)| {
            json!({"accountName": account, "containerName": container, "path": path, "ifExists": "suffix"})
        });
        places.push(("azure", azure.boxed()));
    }
    section(places)
}

/// What only one of the engines honours.
fn of_engine(is_ours: bool) -> Any {
    if !is_ours {
        return section(vec![
            ("storage", storage(false)),
            (
                "dependencies",
                section(vec![("packages", list(json(text()), 3))]),
            ),
        ]);
    }
    let classes = vec!["slo", "inconclusive", "invalid", "error"];
    section(vec![
        ("storage", storage(true)),
        (
            "job",
            section(vec![("failOn", json(subsequence(classes, 1..=4)))]),
        ),
        (
            "target",
            section(vec![
                (
                    "serverType",
                    one_of(vec!["vllm", "sglang", "tgi", "openai"]),
                ),
                ("tokenizerPath", json(text())),
                (
                    "readyTimeout",
                    one_of(vec![
                        json!(0),
                        json!(0.5),
                        json!("10m"),
                        json!("250us"),
                        json!(1e-9),
                        json!(1e9),
                    ]),
                ),
                ("apiKeySecret", pod::secret_key()),
            ]),
        ),
        (
            "api",
            section(vec![("connections", one_of(vec!["reuse", "fresh"]))]),
        ),
        (
            "seed",
            prop_oneof![json(any::<u64>()), json(0..100_u64)].boxed(),
        ),
        ("slo", slos()),
        (
            "goodput",
            section(vec![("ttft", limit()), ("itl", limit()), ("e2e", limit())]),
        ),
    ])
}

fn limit() -> Any {
    one_of(vec![
        json!(0.5),
        json!("1200ms"),
        json!(30),
        json!("50us"),
        json!(1e-7),
        json!(0.1 + 0.2),
    ])
}

fn slos() -> Any {
    let latency = (
        select(vec!["ttft", "ttft_scheduled", "e2e", "tpot", "chunk_gap"]),
        select(vec![50.0, 99.0, 99.9]),
        limit(),
    )
        .prop_map(|(metric, p, max)| json!({"metric": metric, "percentile": p, "max": max}));
    let share = json(select(vec![0.01, 1.0, 1e-6]))
        .prop_map(|max| json!({"metric": "error_rate", "max": max}));
    let rate = json(select(vec![0.5, 1000.0, 1e17]))
        .prop_map(|min| json!({"metric": "throughput", "min": min}));
    list(prop_oneof![latency, share, rate].boxed(), 3)
}
