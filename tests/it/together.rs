//! All that is wrong is said in one run, and nothing that is wrong only because of something else.

use std::collections::BTreeSet;

use benchctl::chart::Chart;
use benchctl::pipeline::{Checked, Skip, Wanted};
use benchctl::values::{Sources, load};

/// Mistakes in different places (as `--set-json` takes them), each with the code of what is said about it.
const MISTAKES: [(&str, &str); 41] = [
    (r#"nameOverride="A_b""#, "K204"),
    (r#"benchmark.enabled="yes""#, "B103"),
    (r#"benchmark.foo="x""#, "B101"),
    (r#"benchmark.namespace="Bad_Name""#, "K204"),
    (r#"benchmark.scenario="prodution""#, "B102"),
    (r#"benchmark.image.digest="abc""#, "K241"),
    (r#"benchmark.serviceAccount.name="My_SA""#, "K204"),
    (r#"benchmark.job.backoffLimit=1.5"#, "B103"),
    (r#"benchmark.target.baseUrl="ftp://x""#, "B121"),
    (r#"benchmark.target.modelName=5"#, "B106"),
    (r#"benchmark.target.headers={"X Y": "z"}"#, "B121"),
    (r#"benchmark.target.apiKeySecret.name="a""#, "B122"),
    (r#"benchmark.api.type="chta""#, "B103"),
    (r#"benchmark.storage.s3.path="x""#, "B122"),
    (r#"benchmark.dependencies.packages=["x"]"#, "B122"),
    (r#"benchmark.resources.requests.memory="16Gi""#, "K201"),
    (r#"benchmark.affinity.mode="never""#, "B103"),
    (
        r#"benchmark.slo=[{"metric": "error_rate", "max": 5}]"#,
        "B121",
    ),
    (r#"benchmark.goodput.foo=1"#, "B121"),
    (r#"benchmark.metrics.urls=["qwen:8000"]"#, "B121"),
    (r#"benchmark.seed=-1"#, "B103"),
    (r#"benchmark.nodeSelector.pool="a b""#, "K207"),
    (
        r#"benchmark.tolerations=[{"key": "gpu", "operator": "Is"}]"#,
        "K243",
    ),
    (r#"benchmark.podAnnotations={"a b": "c"}"#, "K206"),
    (r#"benchmark.podLabels={"job-name": "x"}"#, "B127"),
    (r#"benchmark.priorityClassName=null"#, "B104"),
    (r#"benchmark.env=[{"name": "1"}]"#, "K242"),
    (
        r#"benchmark.envFrom=[{"secretReff": {"name": "a"}}]"#,
        "K101",
    ),
    (
        r#"benchmark.volumes=[{"name": "a", "emptydir": {}}]"#,
        "K101",
    ),
    (
        r#"benchmark.volumeMounts=[{"name": "b", "mountPath": "/b"}]"#,
        "K246",
    ),
    (r#"benchmark.securityContext.pod={"runAsUser": -1}"#, "K249"),
    (r#"benchmark.job.run="hf_AbCdEfGhIjKlMnOpQr1234""#, "B130"),
    (
        r#"benchmark.scenarios.mine={"load": {"type": "poisson"}}"#,
        "B111",
    ),
    (
        r#"benchmark.scenarios.baseline.data.input.mean=9000"#,
        "B120",
    ),
    (r#"benchmark.scenarios.sweep.load.numWorkers=0"#, "B103"),
    (r#"benchmark.scenarios.baseline.load.burstiness=2"#, "B121"),
    (
        r#"benchmark.scenarios.production.load.maxInFlight=0"#,
        "B103",
    ),
    (r#"benchmark.target.tls.caSecret.name="a""#, "B122"),
    (r#"benchmark.target.dns="always""#, "B103"),
    (r#"fullnameOverride="C_d""#, "K204"),
    (r#"typo=1"#, "B101"),
];

/// What is said: code and message of each error.
fn said(chart: &Chart, mistakes: &[&str]) -> BTreeSet<(&'static str, String)> {
    let sources = Sources {
        set_json: mistakes.iter().map(|text| (*text).to_owned()).collect(),
        ..Sources::default()
    };
    let checked = Checked::new(chart, load(&sources), Skip::default());
    match checked.whole(chart, Wanted::default()) {
        Ok(_) => BTreeSet::new(),
        Err(refused) => refused
            .problems
            .into_iter()
            .filter(bench_yaml::Diagnostic::is_error)
            .map(|problem| (problem.code, problem.message))
            .collect(),
    }
}

/// Two mistakes of which only the first is said, and why.
const HIDDEN: [(&str, &str); 1] = [
    // Which scenario was meant is not known, and what is wrong with another one does not matter.
    ("benchmark.scenario=", "benchmark.scenarios.baseline."),
];

#[test]
fn no_mistake_hides_another_and_none_is_said_twice() {
    let chart = Chart::built_in().unwrap();
    let alone: Vec<_> = MISTAKES
        .iter()
        .map(|(mistake, code)| {
            let said = said(&chart, &[mistake]);
            let codes: Vec<&str> = said.iter().map(|(code, _)| *code).collect();
            assert_eq!(codes, [*code], "{mistake}: {said:?}");
            said
        })
        .collect();
    let mut wrong = Vec::new();
    for (first, (one, _)) in MISTAKES.iter().enumerate() {
        for (second, (other, _)) in MISTAKES.iter().enumerate().skip(first + 1) {
            let is_hidden = HIDDEN
                .iter()
                .any(|(first, second)| one.starts_with(first) && other.starts_with(second));
            let expected: BTreeSet<_> = if is_hidden {
                alone[first].clone()
            } else {
                alone[first].union(&alone[second]).cloned().collect()
            };
            let found = said(&chart, &[one, other]);
            if found != expected {
                wrong.push(format!("{one} and {other}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Mistakes that have consequences, none of which is said.
#[test]
fn what_follows_from_a_mistake_is_not_said() {
    let chart = Chart::built_in().unwrap();
    for (mistakes, code) in [
        // It may be inference-perf that was meant, which does all of this.
        (
            &[
                r#"benchmark.engine="inference_perff""#,
                "benchmark.scenario=\"sweep\"",
                r#"benchmark.target.baseUrl="https://a""#,
                r#"benchmark.storage.s3.bucketName="b""#,
            ][..],
            "B103",
        ),
        (
            &[
                r#"benchmark.engin="inference-perf""#,
                r#"benchmark.dependencies.packages=["x"]"#,
            ],
            "B101",
        ),
        // The type decides whether a path is read.
        (
            &[
                r#"benchmark.scenarios.baseline.data.type="shareGTP""#,
                r#"benchmark.scenarios.baseline.data.path="/data""#,
            ],
            "B103",
        ),
        // What the misspelt key was to hold is missing.
        (
            &[r#"benchmark.slo=[{"metric": "ttft", "percentil": 99, "max": 1}]"#],
            "B101",
        ),
        (
            &[r#"benchmark.slo=[{"metric": "ttft", "percentile": 99, "limit": 1}]"#],
            "B101",
        ),
        (
            &[r#"benchmark.scenarios.baseline.load.stages=[{"rat": 5, "duration": 600}]"#],
            "B101",
        ),
        (
            &[
                r#"benchmark.scenarios.mine={"data": {"tpye": "mock"}, "load": {"type": "poisson", "stages": [{"rate": 1, "duration": 60}]}}"#,
                r#"benchmark.scenario="mine""#,
            ],
            "B101",
        ),
        (&[r#"benchmark.env=[{"nam": "A", "value": "x"}]"#], "B101"),
        // Mounts of volumes that could not be looked at.
        (
            &[
                "benchmark.volumes=5",
                r#"benchmark.volumeMounts=[{"name": "data", "mountPath": "/data"}]"#,
            ],
            "B103",
        ),
        // Streams decide what can be measured, and a URL where the pod is placed.
        (
            &[
                "benchmark.api.streaming=\"no\"",
                r#"benchmark.slo=[{"metric": "ttft", "percentile": 99, "max": 1}]"#,
            ],
            "B103",
        ),
        (
            &[
                r#"benchmark.target.baseUrl="10.0.0.1:8000""#,
                r#"benchmark.affinity.mode="required""#,
            ],
            "B121",
        ),
        // Wrong in two ways is wrong once.
        (&[r#"benchmark.podLabels={"job-name": "a b"}"#], "B127"),
        (
            &[r#"benchmark.target={"baseUrl": null, "modelName": "x"}"#],
            "B104",
        ),
        (&["benchmark=5"], "B103"),
        (&["benchmark=null"], "B104"),
        (
            &["benchmark.scenarios=[]", "benchmark.scenario=\"mine\""],
            "B103",
        ),
    ] {
        let found = said(&chart, mistakes);
        let codes: Vec<&str> = found.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [code], "{mistakes:?}: {found:?}");
    }
}
