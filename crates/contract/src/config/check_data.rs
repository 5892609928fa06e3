//! What may be wrong with `data`.

use super::problem::{KeyPath, Problems, Text};
use super::{
    ApiType, Config, ConversationReplay, DataType, Distribution, DistributionType, Length,
    LoadType, SharedPrefix,
};

impl Config {
    /// Every distribution of lengths, with its place.
    pub(super) fn distributions(&self) -> Vec<(KeyPath, &Distribution)> {
        let data = &self.data;
        let shared = data.shared_prefix.as_ref();
        let drawn = |length: fn(&SharedPrefix) -> &Length| match shared.map(length) {
            Some(Length::Drawn(distribution)) => Some(distribution),
            Some(Length::Fixed(_)) | None => None,
        };
        let talks = data.conversation_replay.as_ref();
        let turn = |of: fn(&ConversationReplay) -> &Option<Distribution>| {
            talks.and_then(|talks| of(talks).as_ref())
        };
        [
            (
                "data",
                "input_distribution",
                data.input_distribution.as_ref(),
            ),
            (
                "data",
                "output_distribution",
                data.output_distribution.as_ref(),
            ),
            (
                "data.shared_prefix",
                "system_prompt_len",
                drawn(|s| &s.system_prompt_len),
            ),
            (
                "data.shared_prefix",
                "question_len",
                drawn(|s| &s.question_len),
            ),
            ("data.shared_prefix", "output_len", drawn(|s| &s.output_len)),
            (
                "data.shared_prefix",
                "question_distribution",
                shared.and_then(|shared| shared.question_distribution.as_ref()),
            ),
            (
                "data.shared_prefix",
                "output_distribution",
                shared.and_then(|shared| shared.output_distribution.as_ref()),
            ),
            (
                "data.conversation_replay",
                "dynamic_system_prompt_len",
                turn(|t| &t.dynamic_system_prompt_len),
            ),
            (
                "data.conversation_replay",
                "turns_per_conversation",
                turn(|t| &t.turns_per_conversation),
            ),
            (
                "data.conversation_replay",
                "input_tokens_per_turn",
                turn(|t| &t.input_tokens_per_turn),
            ),
            (
                "data.conversation_replay",
                "output_tokens_per_turn",
                turn(|t| &t.output_tokens_per_turn),
            ),
        ]
        .into_iter()
        .filter_map(|(section, name, distribution)| {
            Some((KeyPath::from(section).key(name), distribution?))
        })
        .collect()
    }

    pub(super) fn check_data(&self, found: &mut Problems) {
        let from_trace = self.data.trace.is_some() || self.load.kind == LoadType::TraceReplay;
        if self.data.kind.uses_distributions() && !from_trace {
            for (name, missing) in [
                ("input_distribution", self.data.input_distribution.is_none()),
                (
                    "output_distribution",
                    self.data.output_distribution.is_none(),
                ),
            ] {
                let is_generated = self.api.kind != ApiType::Embeddings;
                if missing && (is_generated || name == "input_distribution") {
                    let path = KeyPath::from("data").key(name);
                    let kind = self.data.kind.as_str();
                    found.error(
                        path.clone(),
                        Text::from(format!("`{kind}` data needs `"))
                            .name(path.clone())
                            .words("`"),
                        Text::from("add ")
                            .name(path.clone())
                            .words(": {mean: 512, ")
                            .name(path.key("std_dev"))
                            .words(": 0, min: 512, max: 512}"),
                    );
                }
            }
        }
        let is_drawn = self.data.kind.uses_distributions();
        for (path, distribution) in self.distributions() {
            let is_side = path.steps().len() == 2;
            check_distribution(&path, distribution, is_drawn || !is_side, found);
        }
        self.check_shared_prefix(found);
        self.check_conversations(found);
    }

    fn check_shared_prefix(&self, found: &mut Problems) {
        let Some(shared) = &self.data.shared_prefix else {
            return;
        };
        let path = KeyPath::from("data.shared_prefix");
        for (name, number) in [
            ("num_groups", shared.num_groups),
            ("num_prompts_per_group", shared.num_prompts_per_group),
        ] {
            if number == 0 {
                found.error(path.key(name), "there would be no prompt", "at least 1");
            }
        }
        for (name, length) in [
            ("system_prompt_len", &shared.system_prompt_len),
            ("question_len", &shared.question_len),
            ("output_len", &shared.output_len),
        ] {
            if *length == Length::Fixed(0) {
                found.error(
                    path.key(name),
                    "a length of 0 tokens cannot be asked for",
                    "at least 1",
                );
            }
        }
        if shared.multimodal.is_some() {
            found.error(
                path.key("multimodal"),
                "pictures, sound and films are not sent",
                "remove it",
            );
        }
    }

    fn check_conversations(&self, found: &mut Problems) {
        let data = &self.data;
        if let Some(how) = &data.multi_turn {
            let path = KeyPath::from("data.multi_turn");
            let holds = data.kind.reads_a_file()
                || matches!(
                    data.kind,
                    DataType::SharedPrefix | DataType::ConversationReplay
                );
            if !holds {
                found.error(
                    path,
                    format!("`{}` prompts are no conversations", data.kind.as_str()),
                    "use `conversation_replay`, `shared_prefix`, `shareGPT` or `jsonl` data",
                );
            } else if let Some(most) = how.max_turns.filter(|most| !(1..=1000).contains(most)) {
                found.error(
                    path.key("max_turns"),
                    format!("{most} is not between 1 and 1000"),
                    "for example 10",
                );
            }
        }
        if let Some(talks) = &data.conversation_replay
            && talks.num_conversations == 0
        {
            found.error(
                "data.conversation_replay.num_conversations",
                "there would be no conversation",
                "at least 1",
            );
        }
        if data.conversations().is_some() && self.load.max_in_flight.is_some() {
            found.error(
                "load.max_in_flight",
                "a cap on requests in flight would leave out turns of conversations",
                "remove it; load.type: concurrent holds so many conversations at once",
            );
        }
        if data.conversations().is_some() && self.api.kind == ApiType::Embeddings {
            found.error(
                "api.type",
                "embeddings answer nothing that a conversation could go on from",
                "use `chat`",
            );
        }
    }
}

fn check_distribution(
    path: &KeyPath,
    distribution: &Distribution,
    is_drawn: bool,
    found: &mut Problems,
) {
    let Distribution { mean, min, max, .. } = *distribution;
    if min > max {
        found.error(
            path.key("min"),
            format!("min {min} is above max {max}"),
            "swap them",
        );
    } else if is_drawn
        && distribution.kind != Some(DistributionType::Uniform)
        && !(f64::from(min)..=f64::from(max)).contains(&mean)
    {
        found.error(
            path.key("mean"),
            format!("mean {mean} is outside min..max ({min}..{max})"),
            "move the mean, or set min and max too",
        );
    }
    if is_drawn && max == 0 {
        found.error(
            path.key("max"),
            "a length of 0 tokens cannot be asked for",
            "set max to at least 1",
        );
    }
    if distribution
        .std_dev
        .is_some_and(|sd| sd.is_nan() || sd < 0.0)
    {
        found.error(
            path.key("std_dev"),
            "a standard deviation is at least 0",
            "0 = always the mean",
        );
    }
    if let Some(variance) = distribution.variance {
        if variance.is_nan() || variance < 0.0 {
            let help = "0 = always the mean";
            found.error(path.key("variance"), "a variance is at least 0", help);
        } else if distribution.std_dev.is_some_and(|sd| sd > 0.0) {
            found.error(
                path.key("variance"),
                Text::from("`variance` and `")
                    .name(path.key("std_dev"))
                    .words("` say the same thing twice"),
                "keep one of them",
            );
        }
    }
}
