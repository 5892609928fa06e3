//! Conversations of several turns: made up, with common prefixes, or recorded ones held anew.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bench_contract::TokenCount;
use bench_contract::config::{Config, ConversationReplay, DataType, MultiTurn, ThinkTime};

use super::place;
use super::recorded::Recorded;
use super::shared::{Shared, of_length};
use crate::data::Item;
use crate::plan::lengths::Lengths;
use crate::plan::prompt::Role;
use crate::plan::prompts::PromptMaker;
use crate::plan::random::{self, Purpose};
use crate::plan::script::{Piece, Script, TURNS, Turn};

/// inference-perf's limit where `max_model_len` is not given.
const MODEL_LEN: u64 = 225_000;

/// Conversations.
pub(super) struct Talks {
    about: About,
    think: Think,
    most_turns: u64,
}

enum About {
    Made(Box<MadeUp>),
    Shared(Shared),
    Recorded(Recorded),
}

struct MadeUp {
    conversations: u64,
    shared: TokenCount,
    dynamic: Option<Lengths>,
    turns: Lengths,
    input: Lengths,
    output: Lengths,
    most_tokens: u64,
    seed: u64,
}

enum Think {
    Not,
    Fixed(f64),
    Exponential(f64),
    /// In seconds.
    Drawn(Lengths),
}

impl Talks {
    /// Those of `data.conversation_replay`, or of `data.shared_prefix`.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn made(config: &Config, how: &MultiTurn, seed: u64) -> Result<Self, String> {
        let most_turns = config.data.most_turns(how);
        if config.data.kind == DataType::SharedPrefix {
            let shared = Shared::new(config, seed)?;
            return Ok(Self::of(About::Shared(shared), how, most_turns));
        }
        let given = config.data.conversation_replay.clone().unwrap_or_default();
        let made = MadeUp::new(&given, seed);
        let mut talks = Self::of(About::Made(Box::new(made)), how, most_turns);
        if let Some(pause) = &given.tool_call_latency_sec {
            talks.think = Think::Drawn(Lengths::from_config(pause));
        }
        Ok(talks)
    }

    /// Recorded ones: the user says what is on record, the server answers anew.
    pub(super) fn recorded(config: &Config, recorded: Recorded, how: &MultiTurn) -> Self {
        let most_turns = config.data.most_turns(how);
        Self::of(About::Recorded(recorded), how, most_turns)
    }

    fn of(about: About, how: &MultiTurn, most_turns: u32) -> Self {
        let mean = how.think_time.get();
        let think = match how.think_time_type.unwrap_or_default() {
            _ if mean <= 0.0 => Think::Not,
            ThinkTime::Fixed => Think::Fixed(mean),
            ThinkTime::Exponential => Think::Exponential(mean),
        };
        Self {
            about,
            think,
            most_turns: u64::from(most_turns),
        }
    }

    /// Whether recorded conversations were held again.
    pub(super) fn rounds(&self) -> Option<Arc<AtomicBool>> {
        match &self.about {
            About::Recorded(recorded) => Some(recorded.rounds()),
            About::Made(_) | About::Shared(_) => None,
        }
    }

    /// In words; `prompts` says how texts are made.
    pub(super) fn describe(&self, prompts: &str) -> String {
        match &self.about {
            About::Made(made) => format!("{} conversations: {prompts}", made.conversations),
            About::Shared(shared) => format!("conversations, {}: {prompts}", shared.describe()),
            About::Recorded(recorded) => format!("conversations: {}", recorded.describe()),
        }
    }

    /// Think times of one conversation, in nanoseconds.
    pub(super) fn thinks(
        &self,
        seed: u64,
        stage: u32,
        session: u64,
    ) -> impl Fn(u64) -> u64 + use<'_> {
        move |turn| {
            let index = session * TURNS + turn;
            let mut rng = random::stream(seed, stage, Purpose::Turns, index);
            let seconds = match &self.think {
                _ if turn == 0 => 0.0,
                Think::Not => 0.0,
                Think::Fixed(mean) => *mean,
                Think::Exponential(mean) => mean * random::exponential(&mut rng),
                Think::Drawn(lengths) => {
                    f64::from(lengths.draw(seed, stage, Purpose::Turns, index))
                }
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at least 0; `as` saturates"
            )]
            let ns = (seconds * 1e9) as u64;
            ns
        }
    }

    /// Conversation `session` of a stage that has `before` conversations before it. `text` makes a text of a place, a number and a length in tokens.
    ///
    /// # Errors
    /// When a text cannot be made or read.
    pub(super) fn script(
        &self,
        before: u64,
        session: u64,
        thinks: impl Fn(u64) -> u64,
        prompts: &PromptMaker,
        text: impl Fn(u32, u64, TokenCount) -> Result<Piece, String>,
    ) -> Result<Script, String> {
        let number = before + session;
        match &self.about {
            About::Made(made) => made.script(number, self.most_turns, &thinks, &text),
            About::Shared(shared) => {
                let place = shared.place(number);
                let (group, length) = shared.system(place);
                let turn = |turn: u64| {
                    let index = place * TURNS + turn;
                    Ok(Turn {
                        says: text(place::QUESTION, index, shared.question(index))?,
                        output_tokens: shared.output(index),
                        think_ns: thinks(turn),
                    })
                };
                Ok(Script {
                    extra: None,
                    system: Some(text(place::PREFIX, group, length)?),
                    turns: (0..self.most_turns)
                        .map(turn)
                        .collect::<Result<_, String>>()?,
                })
            }
            About::Recorded(recorded) => {
                let item = recorded.item(before, session, prompts)?;
                self.of_record(recorded, number, item, &thinks, prompts)
            }
        }
    }

    fn of_record(
        &self,
        recorded: &Recorded,
        number: u64,
        item: Item,
        thinks: &impl Fn(u64) -> u64,
        prompts: &PromptMaker,
    ) -> Result<Script, String> {
        let piece = |text: String| -> Result<Piece, String> {
            let asked = prompts.count_or_guess(&text)?;
            Ok(Piece { text, asked })
        };
        let mut script = Script {
            system: None,
            turns: Vec::new(),
            extra: item.extra,
        };
        let mut system = String::new();
        for message in item.messages {
            match message.role {
                Role::System if script.turns.is_empty() => {
                    if !system.is_empty() {
                        system.push('\n');
                    }
                    system.push_str(&message.content);
                }
                // In the middle there is no place for it.
                Role::System => {}
                Role::User if script.turns.len() as u64 == self.most_turns => break,
                // Nobody says nothing.
                Role::User if message.content.trim().is_empty() => {}
                Role::User => script.turns.push(Turn {
                    says: piece(message.content)?,
                    output_tokens: recorded.output(number, script.turns.len() as u64),
                    think_ns: thinks(script.turns.len() as u64),
                }),
                Role::Assistant => {
                    let length = prompts.count_or_guess(&message.content)?.max(1);
                    if let Some(turn) = script.turns.last_mut() {
                        turn.output_tokens = length;
                    }
                }
            }
        }
        if !system.is_empty() {
            script.system = Some(piece(system)?);
        }
        Ok(script)
    }

    /// Prompt and reply lengths of the first turns of a stage that has `before` conversations before it.
    pub(super) fn lengths(&self, before: u64) -> Vec<(TokenCount, TokenCount)> {
        match &self.about {
            About::Recorded(recorded) => recorded.lengths(before),
            About::Shared(shared) => (0..shared.len())
                .map(|index| {
                    let place = shared.place(before + index);
                    let first = place * TURNS;
                    let input = shared.system(place).1 + shared.question(first);
                    (input, shared.output(first))
                })
                .collect(),
            About::Made(made) => (0..made.conversations)
                .map(|index| {
                    let talk = (before + index) % made.conversations;
                    let input = made.shared + made.dynamic(talk) + made.input(talk, 0);
                    (input, made.output(talk, 0))
                })
                .collect(),
        }
    }
}

impl MadeUp {
    fn new(given: &ConversationReplay, seed: u64) -> Self {
        Self {
            conversations: u64::from(given.num_conversations).max(1),
            shared: given.shared_system_prompt_len,
            dynamic: given
                .dynamic_system_prompt_len
                .as_ref()
                .map(Lengths::from_config),
            turns: of_length(&given.turns()),
            input: of_length(&given.input()),
            output: of_length(&given.output()),
            most_tokens: given.max_model_len.unwrap_or(MODEL_LEN),
            seed,
        }
    }

    fn dynamic(&self, talk: u64) -> TokenCount {
        let draw =
            |lengths: &Lengths| lengths.draw(self.seed, place::SYSTEM, Purpose::InputLength, talk);
        self.dynamic.as_ref().map_or(0, draw)
    }

    fn input(&self, talk: u64, turn: u64) -> TokenCount {
        let index = talk * TURNS + turn;
        self.input
            .draw(self.seed, place::SAYS, Purpose::InputLength, index)
    }

    fn output(&self, talk: u64, turn: u64) -> TokenCount {
        let index = talk * TURNS + turn;
        self.output
            .draw(self.seed, place::SAYS, Purpose::OutputLength, index)
    }

    fn script(
        &self,
        number: u64,
        most_turns: u64,
        thinks: &impl Fn(u64) -> u64,
        text: &impl Fn(u32, u64, TokenCount) -> Result<Piece, String>,
    ) -> Result<Script, String> {
        let talk = number % self.conversations;
        let turns = self
            .turns
            .draw(self.seed, place::SAYS, Purpose::Turns, talk);
        let mut parts = Vec::new();
        if self.shared > 0 {
            parts.push(text(place::PREFIX, 0, self.shared)?);
        }
        let dynamic = self.dynamic(talk);
        if dynamic > 0 {
            parts.push(text(place::SYSTEM, talk, dynamic)?);
        }
        let system = parts.into_iter().reduce(|first, second| Piece {
            text: format!("{} {}", first.text, second.text),
            asked: first.asked + second.asked,
        });
        let mut length = u64::from(system.as_ref().map_or(0, |piece| piece.asked));
        let mut script = Script {
            system,
            turns: Vec::new(),
            extra: None,
        };
        for turn in 0..u64::from(turns).min(most_turns) {
            let (input, output) = (self.input(talk, turn), self.output(talk, turn));
            length += u64::from(input) + u64::from(output);
            if length > self.most_tokens && turn > 0 {
                break;
            }
            script.turns.push(Turn {
                says: text(place::SAYS, talk * TURNS + turn, input)?,
                output_tokens: output,
                think_ns: thinks(turn),
            });
        }
        Ok(script)
    }
}
