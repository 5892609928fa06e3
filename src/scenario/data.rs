//! What the prompts of a scenario are, with nothing left out.

use bench_contract::TokenCount;
use bench_contract::config::{
    ConversationReplay, Distribution, Length, MultiTurn, SharedPrefix, Truncate,
};

use super::complete::{Missing, join};
use super::raw::{
    ScenarioData, ValuesConversations, ValuesDataType, ValuesDistribution, ValuesDistributionType,
    ValuesLength, ValuesMultiTurn, ValuesSharedPrefix,
};

/// What the prompts are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prompts {
    pub(super) kind: ValuesDataType,
    pub(super) input: Option<Lengths>,
    pub(super) output: Option<Lengths>,
    pub(super) path: Option<String>,
    pub(super) corpus_file_path: Option<String>,
    pub(super) shared_prefix: Option<SharedPrefix>,
    pub(super) conversation_replay: Option<ConversationReplay>,
    pub(super) multi_turn: Option<MultiTurn>,
    pub(super) reuse: bool,
}

impl Default for Prompts {
    fn default() -> Self {
        Self {
            kind: ValuesDataType::Mock,
            input: None,
            output: None,
            path: None,
            corpus_file_path: None,
            shared_prefix: None,
            conversation_replay: None,
            multi_turn: None,
            reuse: false,
        }
    }
}

/// Lengths in tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lengths {
    pub(super) kind: Option<ValuesDistributionType>,
    pub(super) mean: f64,
    pub(super) std_dev: f64,
    pub(super) min: TokenCount,
    pub(super) max: TokenCount,
    pub(super) skew: Option<f64>,
    pub(super) truncate: Option<Truncate>,
}

impl From<&Lengths> for Distribution {
    fn from(lengths: &Lengths) -> Self {
        Self {
            kind: lengths.kind.map(Into::into),
            mean: lengths.mean,
            std_dev: Some(lengths.std_dev),
            min: lengths.min,
            max: lengths.max,
            skew: lengths.skew,
            truncate: lengths.truncate,
            ..Self::default()
        }
    }
}

/// The data at `pointer`; what is missing in it goes into `missing`.
pub(super) fn complete_data(
    data: &ScenarioData,
    pointer: &str,
    missing: &mut Missing,
) -> Option<Prompts> {
    let kind = missing.value(data.kind, pointer, "type", "type: synthetic");
    let input = side(data.input.as_ref(), pointer, "input", missing);
    let output = side(data.output.as_ref(), pointer, "output", missing);
    let shared_prefix = data.shared_prefix.as_ref();
    let shared_prefix =
        shared_prefix.map(|given| shared(given, &join(pointer, "sharedPrefix"), missing));
    let conversations = data.conversation_replay.as_ref();
    let conversations =
        conversations.map(|given| talks(given, &join(pointer, "conversationReplay"), missing));
    // Whether a type needs lengths at all is for the check of the config to say.
    let (kind, input, output) = (kind?, input?, output?);
    // A preset's lengths are left over when a user changes nothing but the type.
    let has_lengths = !matches!(
        kind,
        ValuesDataType::Mock | ValuesDataType::SharedPrefix | ValuesDataType::ConversationReplay
    );
    Some(Prompts {
        kind,
        input: input.filter(|_| has_lengths),
        output: output.filter(|_| has_lengths),
        path: data.path.clone(),
        corpus_file_path: data.corpus_file_path.clone(),
        shared_prefix: shared_prefix.flatten(),
        conversation_replay: conversations.flatten(),
        multi_turn: data.multi_turn.as_ref().map(multi_turn),
        reuse: data.reuse.unwrap_or(false),
    })
}

/// Lengths that may be left out; none where something is missing in them.
#[expect(clippy::option_option, reason = "left out, or broken")]
fn side(
    lengths: Option<&ValuesDistribution>,
    pointer: &str,
    name: &str,
    missing: &mut Missing,
) -> Option<Option<Lengths>> {
    match lengths {
        None => Some(None),
        Some(lengths) => complete_lengths(lengths, &join(pointer, name), missing).map(Some),
    }
}

fn complete_lengths(
    lengths: &ValuesDistribution,
    pointer: &str,
    missing: &mut Missing,
) -> Option<Lengths> {
    let is_fixed = lengths.kind == Some(ValuesDistributionType::Fixed);
    let is_uniform = lengths.kind == Some(ValuesDistributionType::Uniform);
    let is_poisson = lengths.kind == Some(ValuesDistributionType::Poisson);
    let mean = match (lengths.mean, lengths.min, lengths.max) {
        (None, Some(min), Some(max)) if is_uniform => {
            Some(f64::midpoint(f64::from(min), f64::from(max)))
        }
        (mean, ..) => missing.value(mean, pointer, "mean", "mean: 512"),
    };
    let std_dev = match lengths.std_dev {
        None if is_fixed || is_uniform || is_poisson => Some(0.0),
        std_dev => missing.value(std_dev, pointer, "stdDev", "stdDev: 0"),
    };
    let min = missing.value(lengths.min, pointer, "min", "min: 1");
    let max = missing.value(lengths.max, pointer, "max", "max: 4096");
    Some(Lengths {
        kind: lengths.kind,
        mean: mean?,
        std_dev: std_dev?,
        min: min?,
        max: max?,
        skew: lengths.skew,
        truncate: lengths.truncate,
    })
}

fn shared(
    given: &ValuesSharedPrefix,
    pointer: &str,
    missing: &mut Missing,
) -> Option<SharedPrefix> {
    let default = SharedPrefix::default();
    let mut length = |given: &Option<ValuesLength>, name: &str, otherwise: Length| match given {
        None => Some(otherwise),
        Some(ValuesLength::Fixed(length)) => Some(Length::Fixed(*length)),
        Some(ValuesLength::Drawn(lengths)) => {
            complete_lengths(lengths, &join(pointer, name), missing)
                .map(|lengths| Length::Drawn((&lengths).into()))
        }
    };
    Some(SharedPrefix {
        num_groups: given.num_groups.unwrap_or(default.num_groups),
        num_prompts_per_group: given
            .num_prompts_per_group
            .unwrap_or(default.num_prompts_per_group),
        system_prompt_len: length(
            &given.system_prompt_len,
            "systemPromptLen",
            default.system_prompt_len.clone(),
        )?,
        question_len: length(
            &given.question_len,
            "questionLen",
            default.question_len.clone(),
        )?,
        output_len: length(&given.output_len, "outputLen", default.output_len.clone())?,
        ..default
    })
}

fn talks(
    given: &ValuesConversations,
    pointer: &str,
    missing: &mut Missing,
) -> Option<ConversationReplay> {
    let default = ConversationReplay::default();
    let mut lengths = |given: &Option<ValuesDistribution>, name: &str| {
        let lengths = side(given.as_ref(), pointer, name, missing)?;
        Some(lengths.as_ref().map(Distribution::from))
    };
    Some(ConversationReplay {
        num_conversations: given.num_conversations.unwrap_or(default.num_conversations),
        shared_system_prompt_len: given
            .shared_system_prompt_len
            .unwrap_or(default.shared_system_prompt_len),
        dynamic_system_prompt_len: lengths(
            &given.dynamic_system_prompt_len,
            "dynamicSystemPromptLen",
        )?,
        turns_per_conversation: lengths(&given.turns_per_conversation, "turnsPerConversation")?,
        input_tokens_per_turn: lengths(&given.input_tokens_per_turn, "inputTokensPerTurn")?,
        output_tokens_per_turn: lengths(&given.output_tokens_per_turn, "outputTokensPerTurn")?,
        max_model_len: given.max_model_len,
        ..default
    })
}

fn multi_turn(given: &ValuesMultiTurn) -> MultiTurn {
    let default = MultiTurn::default();
    MultiTurn {
        think_time: given.think_time.unwrap_or(default.think_time),
        think_time_type: given.think_time_type,
        max_turns: given.max_turns,
    }
}
