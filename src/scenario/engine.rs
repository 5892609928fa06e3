//! What the chosen engine cannot honour is refused: a key that does nothing would be believed.

use bench_contract::config::{Connections, IfExists};
use bench_contract::{FailOn, Seconds};

use super::complete::{Scenario, join};
use super::data_keys;
use super::raw::{
    Benchmark, Engine, Scenario as RawScenario, ValuesApiType, ValuesDataType, ValuesDns,
    ValuesLoadType, ValuesResponseFormatType, ValuesServerType,
};
use super::storage;
use crate::problem::Problem;

/// The code of a key that does nothing.
pub(super) const CODE: &str = "B122";
const SWITCH: &str = "set benchmark.engine: loadgen, or leave it out";

/// Everything that is written and that the engine would not do.
pub(super) fn unhonoured(
    benchmark: &Benchmark,
    raw: &RawScenario,
    scenario: &Scenario,
    pointer: &str,
    given: &dyn Fn(&str) -> bool,
) -> Vec<Problem> {
    let mut problems = match benchmark.engine {
        Engine::Loadgen => for_loadgen(benchmark),
        Engine::InferencePerf => for_inference_perf(benchmark, raw, scenario, pointer),
    };
    problems.extend(without_effect(benchmark, raw, scenario, pointer, given));
    problems.extend(load_without_effect(scenario, pointer));
    problems
}

/// Keys that no engine would look at because of what another key says.
fn without_effect(
    benchmark: &Benchmark,
    raw: &RawScenario,
    scenario: &Scenario,
    pointer: &str,
    given: &dyn Fn(&str) -> bool,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(storage::without_effect(benchmark));
    let account = &benchmark.service_account;
    if account.create && account.name.is_empty() {
        problems.push(
            Problem::value(
                CODE,
                "/benchmark/serviceAccount/name",
                "a ServiceAccount that is rendered needs a name",
            )
            .help(
                "name it, or write benchmark.serviceAccount.create: false for the namespace's own",
            ),
        );
    }
    if !account.create && !account.annotations.is_empty() {
        problems.push(
            Problem::key(
                CODE,
                "/benchmark/serviceAccount/annotations",
                "there is no ServiceAccount to annotate: none is rendered",
            )
            .help("annotate the one that exists, or write benchmark.serviceAccount.create: true"),
        );
    }
    let target = &benchmark.target;
    for (name, secret) in [
        ("apiKeySecret", &target.api_key_secret),
        ("hfTokenSecret", &target.hf_token_secret),
        ("tls/caSecret", &target.tls.ca_secret),
    ] {
        if secret.name.is_empty() != secret.key.is_empty() {
            problems.push(
                Problem::key(
                    CODE,
                    format!("/benchmark/target/{name}"),
                    "a Secret needs both `name` and `key`",
                )
                .help(if name.starts_with("tls") {
                    "caSecret: {name: my-secret, key: ca.crt}".to_owned()
                } else {
                    format!("{name}: {{name: my-secret, key: token}}")
                }),
            );
        }
    }
    problems.extend(data_keys::without_effect(raw, scenario, pointer, given));
    let data = join(pointer, "data");
    if benchmark.api.kind == ValuesApiType::Embeddings {
        let output = join(&data, "output");
        if given(&output) {
            problems.push(
                Problem::key(CODE, output, "embeddings have no generated tokens")
                    .help("remove it, or set benchmark.api.type: completion"),
            );
        }
    }
    let format = &benchmark.api.response_format;
    if format.kind != ValuesResponseFormatType::JsonSchema && !format.json_schema.is_empty() {
        problems.push(
            Problem::key(
                CODE,
                "/benchmark/api/responseFormat/jsonSchema",
                "only `json_schema` asks for a schema",
            )
            .help("remove it, or set type: json_schema"),
        );
    }
    problems
}

/// Keys of `load` that its type does not look at.
fn load_without_effect(scenario: &Scenario, pointer: &str) -> Vec<Problem> {
    let load = join(pointer, "load");
    let mut problems = Vec::new();
    if scenario.load != ValuesLoadType::TraceReplay {
        if scenario.trace.is_some() {
            problems.push(
                Problem::key(
                    CODE,
                    join(&load, "trace"),
                    "only `trace_replay` looks at a trace",
                )
                .help("remove it, or set type: trace_replay"),
            );
        }
        return problems;
    }
    for (index, stage) in scenario.stages.iter().enumerate() {
        if stage.rate.is_some() {
            problems.push(
                Problem::key(
                    CODE,
                    format!("{load}/stages/{index}/rate"),
                    "the trace says when requests arrive",
                )
                .help("remove it; trace: {speedup: 2} replays it faster"),
            );
        }
    }
    problems
}

fn for_loadgen(benchmark: &Benchmark) -> Vec<Problem> {
    let mut problems = Vec::new();
    if benchmark.job.fail_on.is_empty() {
        problems.push(
            Problem::value(
                CODE,
                "/benchmark/job/failOn",
                "loadgen needs at least one class of results that fails the Job",
            )
            .help("failOn: [error]"),
        );
    }
    if !benchmark.dependencies.packages.is_empty() {
        problems.push(
            Problem::key(
                CODE,
                "/benchmark/dependencies/packages",
                "loadgen is one static binary and installs nothing",
            )
            .help("remove it, or set benchmark.engine: inference-perf"),
        );
    }
    problems
}

fn for_inference_perf(
    benchmark: &Benchmark,
    raw: &RawScenario,
    scenario: &Scenario,
    pointer: &str,
) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    let target = &benchmark.target;
    found.when(
        !benchmark.slo.is_empty(),
        "/benchmark/slo",
        "inference-perf 0.2.0 judges nothing",
    );
    found.when(
        raw.slo.as_ref().is_some_and(|slo| !slo.is_empty()),
        &join(pointer, "slo"),
        "inference-perf 0.2.0 judges nothing",
    );
    found.when(
        !benchmark.goodput.is_empty(),
        "/benchmark/goodput",
        "inference-perf 0.2.0 does not know goodput",
    );
    found.when(
        !benchmark.metrics.scrape,
        "/benchmark/metrics/scrape",
        "inference-perf 0.2.0 does not ask the server for its metrics",
    );
    found.when(
        !benchmark.metrics.urls.is_empty(),
        "/benchmark/metrics/urls",
        "inference-perf 0.2.0 does not ask the server for its metrics",
    );
    found.when(
        benchmark.seed != 0,
        "/benchmark/seed",
        "inference-perf 0.2.0 takes no seed",
    );
    found.when(
        benchmark.api.connections != Connections::default(),
        "/benchmark/api/connections",
        "inference-perf 0.2.0 does not let one choose how it connects",
    );
    found.when_value(
        !matches!(
            benchmark.api.kind,
            ValuesApiType::Completion | ValuesApiType::Chat
        ),
        "/benchmark/api/type",
        "inference-perf 0.2.0 speaks completion and chat only",
    );
    found.when(
        !benchmark.api.extra_body.is_empty(),
        "/benchmark/api/extraBody",
        "inference-perf 0.2.0 sends no keys of one's own",
    );
    found.when(
        benchmark.api.response_format.kind != ValuesResponseFormatType::None,
        "/benchmark/api/responseFormat/type",
        "inference-perf 0.2.0 asks for no form of replies",
    );
    found.when(
        target.ready_timeout != Seconds::whole(600),
        "/benchmark/target/readyTimeout",
        "inference-perf 0.2.0 does not wait for the server",
    );
    found.when(
        !target.tls.ca_secret.name.is_empty(),
        "/benchmark/target/tls/caSecret",
        "inference-perf 0.2.0 trusts the authorities of its image, and no others",
    );
    found.when(
        target.tls.insecure_skip_verify,
        "/benchmark/target/tls/insecureSkipVerify",
        "inference-perf 0.2.0 always checks the server's certificate",
    );
    found.when(
        target.dns != ValuesDns::Once,
        "/benchmark/target/dns",
        "inference-perf 0.2.0 does not let one choose when the host is resolved",
    );
    found.when(
        benchmark.job.fail_on.len() != FailOn::ALL.len(),
        "/benchmark/job/failOn",
        "inference-perf 0.2.0 has no verdict that could fail the Job",
    );
    let storage = &benchmark.storage;
    found.when(
        !storage.azure.container_name.is_empty(),
        "/benchmark/storage/azure/containerName",
        "inference-perf 0.2.0 does not upload to Azure",
    );
    for (place, if_exists) in [("s3", storage.s3.if_exists), ("gcs", storage.gcs.if_exists)] {
        found.when(
            if_exists != IfExists::default(),
            &format!("/benchmark/storage/{place}/ifExists"),
            "inference-perf 0.2.0 leaves alone what exists, and does not upload in its place",
        );
    }
    found.when_value(
        target.server_type == ValuesServerType::Openai,
        "/benchmark/target/serverType",
        "inference-perf 0.2.0 refuses the server type `openai`",
    );
    found.when(
        !target.api_key_secret.name.is_empty(),
        "/benchmark/target/apiKeySecret",
        "inference-perf 0.2.0 takes a key only in its config file, which would be a ConfigMap",
    );
    if target.tokenizer_path.is_empty() {
        found.0.push(
            Problem::value(
                CODE,
                "/benchmark/target/tokenizerPath",
                "inference-perf 0.2.0 cannot do without a tokenizer: it would take the model's name for one",
            )
            .help("set it to a Hugging Face id, for example Qwen/Qwen3-8B, or use benchmark.engine: loadgen"),
        );
    }
    data_keys::for_inference_perf(&mut found, benchmark, raw, scenario, pointer);
    found.load(scenario, pointer);
    found.0
}

/// What an engine does not do, as it is found.
pub(super) struct Found(Vec<Problem>);

impl Found {
    /// A key that the engine does not know.
    pub(super) fn when(&mut self, is_wrong: bool, pointer: &str, message: &str) {
        if is_wrong {
            self.0
                .push(Problem::key(CODE, pointer, message).help(SWITCH));
        }
    }

    /// A value that it does not take.
    pub(super) fn when_value(&mut self, is_wrong: bool, pointer: &str, message: &str) {
        if is_wrong {
            self.0
                .push(Problem::value(CODE, pointer, message).help(SWITCH));
        }
    }

    fn load(&mut self, scenario: &Scenario, pointer: &str) {
        let load = join(pointer, "load");
        self.when(
            scenario.warmup.is_some(),
            &join(&load, "warmup"),
            "inference-perf 0.2.0 has no warm-up",
        );
        self.when(
            !matches!(
                scenario.load,
                ValuesLoadType::Constant | ValuesLoadType::Poisson
            ),
            &join(&load, "type"),
            "inference-perf 0.2.0 knows constant and poisson load only",
        );
        for (name, is_given, message) in [
            (
                "loraTrafficSplit",
                !scenario.adapters.is_empty(),
                "inference-perf 0.2.0 asks for one model only",
            ),
            (
                "cancel",
                scenario.cancel.is_some(),
                "inference-perf 0.2.0 gives no request up",
            ),
            (
                "maxInFlight",
                scenario.max_in_flight.is_some(),
                "inference-perf 0.2.0 has a cap of its own, which it applies without a word",
            ),
        ] {
            self.when(is_given, &join(&load, name), message);
        }
        let is_whole = |seconds: Seconds| seconds.get().fract() == 0.0;
        for (index, stage) in scenario.stages.iter().enumerate() {
            let is_slope = stage.end_rate.is_some() && stage.steps.is_none();
            self.when(
                is_slope,
                &format!("{load}/stages/{index}/endRate"),
                "inference-perf 0.2.0 holds a rate; with `steps` it is a stage for each",
            );
            let mut steps = stage
                .in_steps()
                .into_iter()
                .filter_map(|step| step.duration);
            self.when_value(
                !steps.all(is_whole),
                &format!("{load}/stages/{index}/duration"),
                "inference-perf 0.2.0 takes whole seconds only",
            );
        }
        let Some(sweep) = &scenario.sweep else { return };
        self.when_value(
            !is_whole(sweep.stage_duration),
            &join(&join(&load, "sweep"), "stageDuration"),
            "inference-perf 0.2.0 takes whole seconds only",
        );
        let sizes_its_lengths_by_stages = matches!(
            scenario.data.kind,
            ValuesDataType::Synthetic | ValuesDataType::Random
        );
        if sizes_its_lengths_by_stages && scenario.stages.is_empty() {
            self.0.push(
                Problem::key(
                    "B123",
                    join(&load, "sweep"),
                    "inference-perf 0.2.0 ends with an error when it sweeps with made prompts and no stages",
                )
                .warning()
                .note("it sizes its table of lengths by the stages, and there are none")
                .help("write the rates as stages, or sweep over a data set: data: {type: shareGPT, input: null, output: null}"),
            );
        }
    }
}
