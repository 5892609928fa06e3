//! Keys of `data` that nothing looks at: because of its type, or because of the engine.

use bench_contract::config::{DataType, Length, SHAREGPT};

use super::complete::{Scenario, join};
use super::data::Lengths;
use super::engine::{CODE, Found};
use super::raw::{
    Benchmark, Scenario as RawScenario, ScenarioData, ValuesApiType, ValuesDataType,
    ValuesDistributionType,
};
use crate::problem::Problem;

/// Keys that the type of the data does not look at.
pub(super) fn without_effect(
    raw: &RawScenario,
    scenario: &Scenario,
    pointer: &str,
    given: &dyn Fn(&str) -> bool,
) -> Vec<Problem> {
    let data = join(pointer, "data");
    let kind = scenario.data.kind;
    let mut problems = Vec::new();
    let mut idle = |name: &str, message: &str, help: &str| {
        problems.push(Problem::key(CODE, join(&data, name), message).help(help));
    };
    let own = match kind {
        ValuesDataType::Mock => Some(("`mock` prompts have no lengths", "use type: synthetic")),
        ValuesDataType::SharedPrefix => Some((
            "`shared_prefix` prompts have their lengths in sharedPrefix",
            "set sharedPrefix.questionLen or sharedPrefix.outputLen",
        )),
        ValuesDataType::ConversationReplay => Some((
            "conversations have their lengths in conversationReplay",
            "set conversationReplay.inputTokensPerTurn or .outputTokensPerTurn",
        )),
        _ => None,
    };
    for name in ["input", "output"] {
        if let Some((message, help)) = own
            && given(&join(&data, name))
        {
            idle(name, message, help);
        }
    }
    let Some(written) = &raw.data else {
        return problems;
    };
    let ScenarioData {
        path,
        corpus_file_path,
        shared_prefix,
        conversation_replay,
        reuse,
        ..
    } = written;
    let reads = DataType::from(kind).reads_a_file();
    let is_foreign = matches!(
        kind,
        ValuesDataType::CnnDailymail
            | ValuesDataType::InfinityInstruct
            | ValuesDataType::BillsumConversations
    );
    if path.is_some() && !reads && !is_foreign {
        idle(
            "path",
            "prompts of this type are made, not read from a file",
            "remove it, or use type: shareGPT",
        );
    }
    if corpus_file_path.is_some() && kind != ValuesDataType::Synthetic {
        idle(
            "corpusFilePath",
            "only `synthetic` prompts are cut from a text",
            "remove it, or use type: synthetic",
        );
    }
    if shared_prefix.is_some() && kind != ValuesDataType::SharedPrefix {
        idle(
            "sharedPrefix",
            "only `shared_prefix` prompts have prefixes in common",
            "remove it, or use type: shared_prefix",
        );
    }
    if conversation_replay.is_some() && kind != ValuesDataType::ConversationReplay {
        idle(
            "conversationReplay",
            "only `conversation_replay` makes conversations up",
            "remove it, or use type: conversation_replay",
        );
    }
    if reuse.is_some() && !reads {
        idle(
            "reuse",
            "prompts of this type are made, and do not run out",
            "remove it",
        );
    }
    problems
}

/// What inference-perf 0.2.0 does not do with data.
pub(super) fn for_inference_perf(
    found: &mut Found,
    benchmark: &Benchmark,
    raw: &RawScenario,
    scenario: &Scenario,
    pointer: &str,
) {
    let data = join(pointer, "data");
    let at = |name: &str| join(&data, name);
    let prompts = &scenario.data;
    found.when(
        raw.data.as_ref().is_some_and(|data| data.salt.is_some()),
        &at("salt"),
        "inference-perf 0.2.0 sends the same text in every run",
    );
    for (name, is_given, message) in [
        (
            "corpusFilePath",
            prompts.corpus_file_path.is_some(),
            "inference-perf 0.2.0 has one text that prompts are cut from",
        ),
        (
            "multiTurn",
            prompts.multi_turn.is_some(),
            "inference-perf 0.2.0 holds no conversations",
        ),
        (
            "reuse",
            prompts.reuse,
            "inference-perf 0.2.0 begins anew without being asked",
        ),
    ] {
        found.when(is_given, &at(name), message);
    }
    found.when_value(
        matches!(
            prompts.kind,
            ValuesDataType::Jsonl | ValuesDataType::ConversationReplay
        ),
        &at("type"),
        "inference-perf 0.2.0 does not know this type",
    );
    let speaks_chat = !matches!(
        prompts.kind,
        ValuesDataType::Synthetic
            | ValuesDataType::Random
            | ValuesDataType::CnnDailymail
            | ValuesDataType::SharedPrefix
    );
    found.when_value(
        benchmark.api.kind == ValuesApiType::Chat && !speaks_chat,
        "/benchmark/api/type",
        "inference-perf 0.2.0 cannot send prompts of this data type as chats",
    );
    for (name, lengths) in [("input", &prompts.input), ("output", &prompts.output)] {
        let other = |lengths: &Lengths| {
            !matches!(lengths.kind, None | Some(ValuesDistributionType::Normal))
        };
        found.when_value(
            lengths.as_ref().is_some_and(other),
            &join(&at(name), "type"),
            "inference-perf 0.2.0 draws lengths from a normal distribution only",
        );
        found.when(
            lengths
                .as_ref()
                .is_some_and(|lengths| lengths.truncate.is_some()),
            &join(&at(name), "truncate"),
            "inference-perf 0.2.0 clamps lengths",
        );
    }
    if let Some(shared) = &prompts.shared_prefix {
        for (name, length) in [
            ("systemPromptLen", &shared.system_prompt_len),
            ("questionLen", &shared.question_len),
            ("outputLen", &shared.output_len),
        ] {
            found.when_value(
                matches!(length, Length::Drawn(_)),
                &join(&at("sharedPrefix"), name),
                "inference-perf 0.2.0 takes one number here",
            );
        }
    }
    let is_remote = |path: &String| path != SHAREGPT && path.contains("://");
    found.when_value(
        prompts.path.as_ref().is_some_and(is_remote),
        &at("path"),
        "inference-perf 0.2.0 reads files of the pod only",
    );
}
