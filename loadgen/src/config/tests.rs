use bench_yaml::{Color, render};

use super::*;

const SEED: &str = "\
api:
  type: completion
  streaming: true
data:
  type: synthetic
  input_distribution:
    mean: 1024
    std_dev: 512
    min: 128
    max: 4096
  output_distribution:
    mean: 512
    std_dev: 256
    min: 50
    max: 2048
load:
  type: poisson  # bursts
  stages:
    - rate: 15
      duration: 600
  num_workers: 8
server:
  type: vllm
  model_name: qwen3-8b
  base_url: http://qwen3-vllm.default:8000
  ignore_eos: true
tokenizer:
  pretrained_model_name_or_path: Qwen/Qwen3-8B
storage:
  simple_storage_service:
    bucket_name: \"inference-perf-results\"
    path: \"production-sim/results\"
";

fn messages(text: &str, overrides: &[Override], strict: bool) -> String {
    let source = Source::new("config.yml", text);
    match load(&source, overrides, strict) {
        Ok(loaded) => render(&loaded.warnings, Color::Never),
        Err(problems) => render(&problems, Color::Never),
    }
}

fn change(path: &str, text: &str) -> Override {
    Override {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn the_guides_own_file_runs_unchanged() {
    let loaded = load(&Source::new("config.yml", SEED), &[], false).unwrap();
    assert_eq!(loaded.config.load.stages.len(), 1);
    assert!(loaded.warnings.is_empty());
    let storage = loaded.config.storage.unwrap();
    let bucket = storage.simple_storage_service.unwrap();
    assert_eq!(bucket.bucket_name, "inference-perf-results");
}

#[test]
fn an_unknown_key_is_a_warning_with_a_suggestion_or_an_error() {
    let text = SEED.replace("num_workers", "num_worker");
    let said = messages(&text, &[], false);
    assert!(
        said.contains("warning[C002]: unknown key `num_worker` in `load`"),
        "{said}"
    );
    assert!(
        said.contains("config.yml:21:3") && said.contains("did you mean `num_workers`?"),
        "{said}"
    );
    assert!(messages(&text, &[], true).contains("error[C002]"));
}

#[test]
fn a_wrong_type_and_a_contradiction_are_pointed_at() {
    let said = messages(&SEED.replace("rate: 15", "rate: fifteen"), &[], false);
    assert!(
        said.contains("config.yml:19:13") && said.contains("load.stages[0].rate"),
        "{said}"
    );
    let said = messages(&SEED.replace("mean: 1024", "mean: 6000"), &[], false);
    assert!(
        said.contains("config.yml:7:11") && said.contains("outside min..max"),
        "{said}"
    );
    let text = SEED.replace("http://qwen3", "https://qwen3");
    let given = [change("server.key_path", "/tls.key")];
    let said = messages(&text, &given, false);
    assert!(
        said.contains("there is no `cert_path`") && said.contains("--server.key_path"),
        "{said}"
    );
}

#[test]
fn overrides_win_and_are_named_in_messages() {
    let source = Source::new("config.yml", SEED);
    let changes = [
        change("load.type", "constant"),
        change("load.stages", r#"[{"rate": 2, "duration": 3}]"#),
    ];
    let config = load(&source, &changes, false).unwrap().config;
    assert_eq!(config.load.kind.as_str(), "constant");
    assert_eq!(config.load.stages[0].duration.unwrap().get(), 3.0);
    let config = load(&source, &[change("load.stages.0.duration", "7")], false)
        .unwrap()
        .config;
    assert_eq!(config.load.stages[0].duration.unwrap().get(), 7.0);
    assert!(config.load.stages[0].rate.is_some());
    let said = messages(SEED, &[change("load.stages.0.rate", "-3")], false);
    assert!(
        said.contains("--load.stages.0.rate") && said.contains("greater than 0"),
        "{said}"
    );
}

#[test]
fn nothing_a_list_two_documents_and_broken_text_are_explained() {
    assert!(messages("", &[], false).contains("there is no server to test"));
    assert!(messages("- 1\n", &[], false).contains("a config is a mapping"));
    assert!(messages("a: 1\n---\nb: 2\n", &[], false).contains("one document"));
    assert!(messages("server: [\n", &[], false).contains("error[B001]"));
    assert!(messages("load_generator: {concurrency: 4}\n", &[], false).contains("load.stages"));
}

#[test]
fn the_command_line_is_split() {
    let arguments = [
        "run",
        "-c",
        "f.yml",
        "--load.type",
        "poisson",
        "--load.stages.0.rate=5",
        "--strict",
    ];
    let (rest, overrides) = split_overrides(arguments.into_iter().map(Into::into)).unwrap();
    assert_eq!(rest, ["run", "-c", "f.yml", "--strict"]);
    assert_eq!(
        overrides,
        [
            change("load.type", "poisson"),
            change("load.stages.0.rate", "5")
        ]
    );
    assert!(split_overrides(["--load.type".into()].into_iter()).is_err());
}
