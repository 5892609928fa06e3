//! Prompts of a data set.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bench_contract::TokenCount;
use bench_contract::config::{ApiType, Config, DataType, Distribution};

use crate::data::{Choice, Chosen, DataSet, Item, Limits, Needed, choose};
use crate::plan::lengths::Lengths;
use crate::plan::prompt::{Made, Message, Prompt};
use crate::plan::prompts::PromptMaker;
use crate::plan::random::Purpose;
use crate::plan::script::TURNS;

use super::{place, said};

/// The entries of a data set that a run sends.
pub(super) struct Recorded {
    set: DataSet,
    chosen: Vec<Chosen>,
    /// Lengths of replies to entries that do not say.
    output: Option<Lengths>,
    /// Whether lengths are counted and not guessed.
    counted: bool,
    is_recorded: bool,
    seed: u64,
    /// Whether an entry was read again, because a stage had more requests than there are entries.
    rounds: Arc<AtomicBool>,
}

impl Recorded {
    /// Opens the data set at `path` and draws the entries of a run of `needed` requests.
    ///
    /// # Errors
    /// What is wrong with the data, with file and line.
    pub(super) fn open(
        config: &Config,
        path: &Path,
        seed: u64,
        needed: Needed,
        prompts: &PromptMaker,
    ) -> Result<Self, String> {
        let data = &config.data;
        let is_recorded = data.kind == DataType::ShareGpt;
        let is_chat = config.api.kind.takes_messages();
        let set = DataSet::open(data.kind, path).map_err(|error| error.to_string())?;
        let limits = |distribution: &Option<Distribution>| -> Option<Limits> {
            distribution
                .as_ref()
                .map(|lengths| (lengths.min, lengths.max))
        };
        let choice = Choice {
            seed,
            needed,
            input: limits(&data.input_distribution),
            output: limits(&data.output_distribution),
            reuse: data.reuse.unwrap_or(false),
        };
        let has_turns = data.conversations().is_some();
        // As long as every other one.
        let salt = prompts.salt(place::SALT, 0)?;
        let count = |item: &Item| {
            let (asked, answer) = exchange(item, is_recorded || has_turns)
                .ok_or_else(|| "nobody asks anything".to_owned())?;
            let asked = salted(asked, salt.as_deref());
            let input = count(prompts, &asked, is_chat)?;
            let output = match (item.output_tokens, answer) {
                (Some(tokens), _) => Some(tokens),
                (None, Some(answer)) => Some(prompts.count_or_guess(answer)?.max(1)),
                (None, None) => None,
            };
            Ok((input, output))
        };
        let chosen = choose(&set, &choice, count).map_err(|error| error.to_string())?;
        let output = data.output_distribution.as_ref().map(Lengths::from_config);
        if output.is_none()
            && config.api.kind != ApiType::Embeddings
            && let Some(open) = chosen.iter().find(|chosen| chosen.output.is_none())
        {
            let (file, line) = set.place(open.item as usize);
            return Err(format!(
                "{}, line {line}: nothing says how long the reply is to be; add `max_tokens` to the line, or set data.output_distribution (in values: data.output)",
                file.display()
            ));
        }
        Ok(Self {
            set,
            chosen,
            output,
            counted: prompts.can_count(),
            is_recorded,
            seed,
            rounds: Arc::default(),
        })
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        format!(
            "{} of {} entries of {}{}; lengths {}",
            self.chosen.len(),
            self.set.len(),
            self.set.file().display(),
            self.set.left_out(),
            if self.counted {
                "counted by the tokenizer"
            } else {
                "guessed, four characters a token (no tokenizer at hand)"
            }
        )
    }

    /// The prompt of request `index` of a stage that has `before` requests before it.
    ///
    /// # Errors
    /// When the file cannot be read any more, or the tokenizer fails on it.
    pub(super) fn make(
        &self,
        before: u64,
        index: u64,
        api: ApiType,
        prompts: &PromptMaker,
    ) -> Result<Made, String> {
        let item = self.item(before, index, prompts)?;
        let (asked, _) =
            exchange(&item, self.is_recorded).ok_or_else(|| "nobody asks anything".to_owned())?;
        let prompt = if api.takes_messages() {
            Prompt::Messages(asked.to_vec())
        } else {
            Prompt::Text(said(asked))
        };
        Ok(Made {
            prompt,
            tokens: None,
            extra: item.extra,
        })
    }

    /// The entry that request `index` of such a stage carries, beginning as no other run's does unless that was asked for.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub(super) fn item(
        &self,
        before: u64,
        index: u64,
        prompts: &PromptMaker,
    ) -> Result<Item, String> {
        if index >= self.len() {
            self.rounds.store(true, Ordering::Relaxed);
        }
        let number = before + index;
        let item = self.set.read(self.at(number).item as usize);
        let mut item = item.map_err(|error| error.to_string())?;
        let salt = prompts.salt(place::SALT, number)?;
        item.messages = salted(&item.messages, salt.as_deref());
        Ok(item)
    }

    /// Whether entries were sent again.
    pub(super) fn rounds(&self) -> Arc<AtomicBool> {
        self.rounds.clone()
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        self.chosen.len() as u64
    }

    /// Prompt and reply lengths of a stage that has `before` requests before it.
    pub(super) fn lengths(&self, before: u64) -> Vec<(TokenCount, TokenCount)> {
        let lengths = (0..self.len()).map(|index| {
            let number = before + index;
            (self.at(number).input, self.output(number, 0))
        });
        lengths.collect()
    }

    /// The length of the reply to turn `turn` of the run's entry `number`, where no answer is on record: what the entry says, else
    /// drawn.
    pub(super) fn output(&self, number: u64, turn: u64) -> TokenCount {
        let place = number * TURNS + turn;
        let draw = |lengths: &Lengths| {
            lengths.draw(self.seed, place::QUESTION, Purpose::OutputLength, place)
        };
        let drawn = || self.output.as_ref().map_or(1, draw);
        self.at(number).output.unwrap_or_else(drawn)
    }

    fn at(&self, number: u64) -> &Chosen {
        let place = number.checked_rem(self.len()).unwrap_or(0);
        #[expect(clippy::cast_possible_truncation, reason = "below a length in memory")]
        &self.chosen[place as usize]
    }
}

/// What of an entry is asked in a request of its own, and the answer on record: of recorded conversations the first exchange,
/// of lists of messages what leads up to the last turn of the user's.
fn exchange(item: &Item, is_recorded: bool) -> Option<(&[Message], Option<&str>)> {
    if is_recorded {
        item.first_exchange()
    } else {
        item.last_exchange()
    }
}

fn count(prompts: &PromptMaker, asked: &[Message], is_chat: bool) -> Result<TokenCount, String> {
    if is_chat {
        return prompts.count_messages(asked);
    }
    prompts.count_prompt(&said(asked))
}

/// Messages that begin with `salt`, on a line of its own.
fn salted(messages: &[Message], salt: Option<&str>) -> Vec<Message> {
    let mut messages = messages.to_vec();
    if let (Some(salt), Some(first)) = (salt, messages.first_mut()) {
        first.content = format!("{salt}\n{}", first.content);
    }
    messages
}
