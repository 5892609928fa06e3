//! Prompts with common prefixes: groups of users, each with a system prompt of its own.

use bench_contract::TokenCount;
use bench_contract::config::{Config, Length, SharedPrefix};

use crate::plan::lengths::Lengths;
use crate::plan::random::{self, Purpose};

use super::place;

/// The prompts of `data.shared_prefix`: each of a prefix, which its group shares, and a question of its own.
#[derive(Debug)]
pub(super) struct Shared {
    groups: u64,
    users: u64,
    seed: u64,
    prefix: Lengths,
    question: Lengths,
    output: Lengths,
    /// Places of prompts in the order in which they are sent.
    order: Vec<u32>,
}

/// A text by its place among those of its kind, and its length in tokens.
pub(super) type Part = (u64, TokenCount);

impl Shared {
    /// The prompts of a config, or those of inference-perf's defaults.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn new(config: &Config, seed: u64) -> Result<Self, String> {
        let given = config.data.shared_prefix.clone().unwrap_or_default();
        let SharedPrefix {
            num_groups: groups,
            num_prompts_per_group: users,
            ..
        } = given;
        let total = u64::from(groups) * u64::from(users);
        let total = u32::try_from(total)
            .map_err(|_| format!("data.shared_prefix describes {total} prompts, more than 2^32"))?;
        let seed = given.seed.unwrap_or(seed);
        let mut order: Vec<u32> = (0..total).collect();
        random::shuffle(
            &mut order,
            &mut random::stream(seed, place::PREFIX, Purpose::Choice, 0),
        );
        Ok(Self {
            groups: groups.into(),
            users: users.into(),
            seed,
            prefix: of_length(&given.system_prompt_len),
            question: of_length(&given.question()),
            output: of_length(&given.output()),
            order,
        })
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        format!(
            "{} system prompts with {} users each",
            self.groups, self.users
        )
    }

    /// How many different prompts there are.
    pub(super) fn len(&self) -> u64 {
        self.order.len() as u64
    }

    /// Prefix and question of the run's request `number`.
    pub(super) fn pieces(&self, number: u64) -> (Part, Part) {
        let place = self.place(number);
        (self.system(place), (place, self.question(place)))
    }

    /// Which prompt the run's request `number` carries.
    pub(super) fn place(&self, number: u64) -> u64 {
        let index = number.checked_rem(self.len()).unwrap_or(0);
        #[expect(clippy::cast_possible_truncation, reason = "below a length in memory")]
        let place = self.order.get(index as usize);
        place.copied().unwrap_or(0).into()
    }

    /// The prefix of a prompt.
    pub(super) fn system(&self, place: u64) -> Part {
        let group = place / self.users.max(1);
        let length = self
            .prefix
            .draw(self.seed, place::PREFIX, Purpose::InputLength, group);
        (group, length)
    }

    /// The length of what follows a prefix, by its place.
    pub(super) fn question(&self, place: u64) -> TokenCount {
        self.question
            .draw(self.seed, place::QUESTION, Purpose::InputLength, place)
    }

    /// The length of the reply to it.
    pub(super) fn output(&self, place: u64) -> TokenCount {
        self.output
            .draw(self.seed, place::QUESTION, Purpose::OutputLength, place)
    }

    /// Prompt and reply lengths of a stage that has `before` requests before it.
    pub(super) fn lengths(&self, before: u64) -> Vec<(TokenCount, TokenCount)> {
        (0..self.len())
            .map(|index| {
                let place = self.place(before + index);
                (
                    self.system(place).1 + self.question(place),
                    self.output(place),
                )
            })
            .collect()
    }
}

/// Lengths of a config's.
pub(super) fn of_length(length: &Length) -> Lengths {
    match length {
        Length::Fixed(length) => Lengths::fixed(*length),
        Length::Drawn(distribution) => Lengths::from_config(distribution),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(seed: u64) -> Shared {
        let config = serde_json::json!({"data": {"type": "shared_prefix", "shared_prefix": {
            "num_groups": 3, "num_prompts_per_group": 4, "system_prompt_len": {"mean": 50, "std_dev": 20, "min": 10, "max": 90},
            "question_len": 7, "output_len": 5}}});
        Shared::new(&serde_json::from_value(config).unwrap(), seed).unwrap()
    }

    #[test]
    fn every_prompt_comes_before_any_comes_again() {
        let shared = shared(1);
        let mut places: Vec<u64> = (0..12).map(|number| shared.place(number)).collect();
        assert_ne!(places, (0..12).collect::<Vec<_>>());
        assert_eq!(shared.place(0), shared.place(12));
        places.sort_unstable();
        assert_eq!(places, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn users_of_a_group_have_one_prefix() {
        let shared = shared(1);
        let mut prefixes: Vec<Part> = (0..12).map(|place| shared.system(place)).collect();
        prefixes.dedup();
        assert_eq!(
            prefixes.iter().map(|part| part.0).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        let (system, question) = shared.pieces(5);
        assert_eq!(shared.lengths(5)[0], (system.1 + question.1, 5));
        assert_eq!(question.1, 7);
    }
}
