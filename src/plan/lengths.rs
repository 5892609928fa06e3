//! Mean lengths of what a config sends, and how long a request may take.

use bench_contract::Config;
use bench_contract::config::{ApiType, ConversationReplay, DataType, Length};

use super::{Assumption, mean_length};

/// Mean lengths in tokens, where the config says them, and how long a request may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// Of prompts; of turns, with everything that was said before.
    pub(super) input: Option<f64>,
    /// Of replies.
    pub(super) output: Option<f64>,
    /// Requests for each arrival: the turns of a conversation, which are all due if the stage lasts long enough; else 1.
    pub(super) turns: f64,
    /// Seconds between two turns.
    pub(super) think: f64,
    timeout: f64,
}

impl Lengths {
    /// Those of a config.
    pub(super) fn of(config: &Config) -> Self {
        let data = &config.data;
        let known = data.kind.uses_distributions();
        let mean =
            |distribution: &Option<_>| distribution.as_ref().filter(|_| known).map(mean_length);
        let mut lengths = Self {
            input: mean(&data.input_distribution),
            output: mean(&data.output_distribution),
            turns: 1.0,
            think: 0.0,
            timeout: config.load.request_timeout().get(),
        };
        let talks = data.conversations();
        lengths.think = talks.as_ref().map_or(0.0, |how| how.think_time.get());
        match data.kind {
            DataType::SharedPrefix => {
                let shared = data.shared_prefix.clone().unwrap_or_default();
                lengths.turns = talks.map_or(1.0, |how| f64::from(data.most_turns(&how)));
                lengths.converse(
                    of(&shared.system_prompt_len),
                    of(&shared.question()),
                    of(&shared.output()),
                );
            }
            DataType::ConversationReplay => {
                let made = data.conversation_replay.clone().unwrap_or_default();
                let most = talks.map_or(f64::INFINITY, |how| f64::from(data.most_turns(&how)));
                lengths.of_conversations(&made, most);
            }
            _ => {}
        }
        if config.api.kind == ApiType::Embeddings {
            lengths.output = Some(0.0);
        }
        lengths
    }

    fn of_conversations(&mut self, made: &ConversationReplay, most_turns: f64) {
        self.turns = of(&made.turns()).min(most_turns);
        if let Some(pause) = &made.tool_call_latency_sec {
            self.think = mean_length(pause);
        }
        let dynamic = made.dynamic_system_prompt_len.as_ref();
        let system = f64::from(made.shared_system_prompt_len) + dynamic.map_or(0.0, mean_length);
        self.converse(system, of(&made.input()), of(&made.output()));
    }

    /// Prompts that begin with `system` tokens: turn k of n carries k turns of the user's and k - 1 answers.
    fn converse(&mut self, system: f64, says: f64, answer: f64) {
        let before = (self.turns - 1.0).max(0.0) / 2.0;
        self.input = Some(system + says + before * (says + answer));
        self.output = Some(answer);
    }

    /// How long a request takes, in seconds: after its timeout it is given up.
    pub(super) fn service(self, assumption: Assumption) -> Option<f64> {
        Some(self.whole(assumption)?.min(self.timeout))
    }

    /// How long a request would take that nobody gives up, in seconds.
    pub(super) fn whole(self, assumption: Assumption) -> Option<f64> {
        let output = self.output?;
        Some(assumption.ttft + (output - 1.0).max(0.0) * assumption.tpot)
    }
}

fn of(length: &Length) -> f64 {
    match length {
        Length::Fixed(length) => f64::from(*length),
        Length::Drawn(distribution) => mean_length(distribution),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(data: &serde_json::Value) -> (Option<f64>, Option<f64>, f64) {
        let config = serde_json::json!({"data": data});
        let lengths = Lengths::of(&serde_json::from_value(config).unwrap());
        (lengths.input, lengths.output, lengths.turns)
    }

    #[test]
    fn a_turn_carries_what_was_said_before() {
        let always =
            |mean: u32| serde_json::json!({"type": "fixed", "mean": mean, "min": 1, "max": 10_000});
        let talks = serde_json::json!({"type": "conversation_replay", "conversation_replay": {
            "shared_system_prompt_len": 100, "turns_per_conversation": always(3),
            "input_tokens_per_turn": always(10), "output_tokens_per_turn": always(20)}});
        // 110, 140 and 170 tokens.
        assert_eq!(lengths(&talks), (Some(140.0), Some(20.0), 3.0));
        let mut shared = serde_json::json!({"type": "shared_prefix", "shared_prefix": {
            "system_prompt_len": 1000, "question_len": always(30), "output_len": 40}});
        assert_eq!(lengths(&shared), (Some(1030.0), Some(40.0), 1.0));
        shared["multi_turn"] = serde_json::json!({"max_turns": 2});
        // 1030 and 1100 tokens.
        assert_eq!(lengths(&shared), (Some(1065.0), Some(40.0), 2.0));
    }
}
