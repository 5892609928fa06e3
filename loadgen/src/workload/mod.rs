//! What a run sends: which prompt each planned request carries, and what the conversations are about. A function of the seed,
//! the config and, where there is one, the data set.

mod recorded;
mod shared;
mod talks;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bench_contract::TokenCount;
use bench_contract::config::{ApiType, Config, DataType};

use crate::plan::lengths::Lengths;
use crate::plan::prompt::{Made, Message, Prompt, Role};
use crate::plan::prompts::{Counter, PromptMaker};
use crate::plan::random::Purpose;
use crate::plan::script::{Piece, Script};
use crate::plan::trace::Trace;
use crate::plan::{Planned, StagePlan, StageSpec};
use recorded::Recorded;
use shared::Shared;
use talks::Talks;

/// Numbers in place of a stage's, with which texts are drawn that belong to no stage: a text is a function of the seed, such a
/// number and its place, and no stage has one of these.
mod place {
    /// Blocks that prompts of a trace have in common.
    pub(super) const BLOCK: u32 = u32::MAX - 1;
    /// Prefixes that prompts have in common.
    pub(super) const PREFIX: u32 = u32::MAX - 2;
    /// What follows a prefix.
    pub(super) const QUESTION: u32 = u32::MAX - 3;
    /// What a conversation adds to the system prompt.
    pub(super) const SYSTEM: u32 = u32::MAX - 4;
    /// What users say in made-up conversations.
    pub(super) const SAYS: u32 = u32::MAX - 5;
}

/// Tokens of a block of a trace.
const BLOCK: TokenCount = 512;

/// What a run sends.
pub struct Workload {
    prompts: PromptMaker,
    api: ApiType,
    seed: u64,
    kind: Kind,
}

enum Kind {
    /// Prompts that are made, each of its own.
    Made,
    /// Prompts of the blocks that a trace names.
    Blocks(Arc<[Vec<u64>]>),
    /// Prompts with common prefixes.
    Shared(Shared),
    /// Prompts of a data set.
    Recorded(Recorded),
    /// Conversations.
    Talks(Talks),
}

impl Workload {
    /// The workload of a config that passed its checks, whose texts are made by `prompts`. Lengths that it decides about are put into `specs`; `data` is where
    /// the files of the data set are on this machine.
    ///
    /// # Errors
    /// When a data set cannot be used.
    pub fn new(
        prompts: PromptMaker,
        config: &Config,
        seed: u64,
        specs: &mut [StageSpec],
        trace: Option<&Trace>,
        data: Option<&Path>,
    ) -> Result<Self, String> {
        let needed = number(specs, seed);
        let recorded = || -> Result<Recorded, String> {
            let path = data.ok_or_else(|| {
                format!(
                    "`{}` data is read from a file, and data.path names none",
                    config.data.kind.as_str()
                )
            })?;
            Recorded::open(config, path, seed, needed, &prompts)
        };
        let kind = match (config.data.kind, config.data.conversations()) {
            (_, Some(how)) => Kind::Talks(match config.data.kind {
                DataType::ShareGpt | DataType::Jsonl => Talks::recorded(recorded()?, &how),
                _ => Talks::made(config, &how, seed)?,
            }),
            (DataType::SharedPrefix, None) => Kind::Shared(Shared::new(config, seed)?),
            (DataType::ShareGpt | DataType::Jsonl, None) => Kind::Recorded(recorded()?),
            _ => match trace.and_then(|trace| trace.blocks.clone()) {
                Some(blocks) => Kind::Blocks(blocks),
                None => Kind::Made,
            },
        };
        let workload = Self {
            prompts,
            api: config.api.kind,
            seed,
            kind,
        };
        workload.set_lengths(specs);
        Ok(workload)
    }

    /// Whether the server would have to say how long text is.
    #[must_use]
    pub fn wants_counter(&self) -> bool {
        self.prompts.wants_counter()
    }

    /// Has the server's counting take the place of a tokenizer that is not at hand; see [`PromptMaker::calibrate`].
    #[must_use]
    pub fn calibrate(&mut self, counter: &mut dyn Counter) -> Option<String> {
        self.prompts.calibrate(counter)
    }

    /// A counter of the prompts that could not be made in exactly the asked length.
    #[must_use]
    pub fn misses(&self) -> Arc<AtomicU64> {
        self.prompts.misses()
    }

    /// How prompts are made and what counts as a token of theirs, for the report.
    #[must_use]
    pub fn describe(&self) -> String {
        let prompts = self.prompts.describe();
        match &self.kind {
            Kind::Made => prompts,
            Kind::Blocks(_) => format!("prompts of the trace's blocks: {prompts}"),
            Kind::Shared(shared) => format!("{}: {prompts}", shared.describe()),
            Kind::Recorded(recorded) => recorded.describe(),
            Kind::Talks(talks) => talks.describe(&prompts),
        }
    }

    /// The prompt of a planned request.
    ///
    /// # Errors
    /// When it cannot be made, or read any more.
    pub fn make(&self, plan: &StagePlan, planned: &Planned) -> Result<Made, String> {
        let (stage, index) = (plan.spec.seed_stage(), planned.index);
        match &self.kind {
            Kind::Made => self.prompts.make(stage, index, planned.input_tokens),
            Kind::Blocks(blocks) => self.of_blocks(blocks, planned),
            Kind::Shared(shared) => {
                let (system, question) = shared.pieces(plan.spec.before + index);
                self.joined(
                    self.piece(place::PREFIX, system.0, system.1)?,
                    self.piece(place::QUESTION, question.0, question.1)?,
                )
            }
            Kind::Recorded(recorded) => recorded.make(plan.spec.before + index, self.api),
            Kind::Talks(_) => Err("a conversation is no single request".to_owned()),
        }
    }

    /// The conversation that planned request `session` begins.
    ///
    /// # Errors
    /// When it cannot be made, or read any more.
    pub fn script(&self, plan: &StagePlan, session: u64) -> Result<Script, String> {
        let Kind::Talks(talks) = &self.kind else {
            return Err("there are no conversations".to_owned());
        };
        let think = talks.thinks(self.seed, plan.spec.seed_stage(), session);
        talks.script(
            plan.spec.before + session,
            think,
            &self.prompts,
            |place, index, length| self.text(place, index, length),
        )
    }

    /// Puts the lengths that the workload decides about into the stages.
    fn set_lengths(&self, specs: &mut [StageSpec]) {
        for spec in specs {
            let sides = match &self.kind {
                Kind::Made | Kind::Blocks(_) => continue,
                Kind::Shared(shared) => shared.lengths(spec.before),
                Kind::Recorded(recorded) => recorded.lengths(spec.before),
                Kind::Talks(talks) => talks.lengths(spec.before),
            };
            let (input, output): (Vec<TokenCount>, Vec<TokenCount>) = sides.into_iter().unzip();
            (spec.input, spec.output) = (
                Lengths::listed(input.into()),
                Lengths::listed(output.into()),
            );
        }
    }

    fn of_blocks(&self, blocks: &[Vec<u64>], planned: &Planned) -> Result<Made, String> {
        let wanted = planned.input_tokens;
        #[expect(clippy::cast_possible_truncation, reason = "a place in a list")]
        let names = blocks.get(planned.index as usize);
        let mut parts = Vec::new();
        let mut rest = wanted;
        for name in names.into_iter().flatten() {
            if rest == 0 {
                break;
            }
            let length = rest.min(BLOCK);
            parts.push(self.piece(place::BLOCK, *name, length)?);
            rest -= length;
        }
        if rest > 0 {
            // More than the blocks hold is its own.
            parts.push(self.piece(place::QUESTION, planned.index, rest)?);
        }
        join(parts).map(|(prompt, tokens)| Made {
            prompt,
            tokens,
            extra: None,
        })
    }

    /// A prompt of two parts: over a chat, of the operator and of the user.
    fn joined(&self, system: Made, question: Made) -> Result<Made, String> {
        let texts = match (&system.prompt, &question.prompt) {
            (Prompt::Text(system), Prompt::Text(question)) if takes_messages(self.api) => {
                Some((system.clone(), question.clone()))
            }
            _ => None,
        };
        let tokens = system.tokens.zip(question.tokens).map(|(a, b)| a + b);
        let prompt = match texts {
            Some((system, question)) => Prompt::Messages(vec![
                Message {
                    role: Role::System,
                    content: system,
                },
                Message {
                    role: Role::User,
                    content: question,
                },
            ]),
            None => join(vec![system, question])?.0,
        };
        Ok(Made {
            prompt,
            tokens,
            extra: None,
        })
    }

    /// A text of `length` tokens that belongs to no stage and has nothing around it, or as many ids.
    fn piece(&self, place: u32, index: u64, length: TokenCount) -> Result<Made, String> {
        let text = self
            .prompts
            .content(Purpose::Prompt, place, index, length)?;
        match text {
            Some((text, tokens)) => Ok(Made {
                prompt: Prompt::Text(text),
                tokens,
                extra: None,
            }),
            None => self.prompts.make(place, index, length),
        }
    }

    /// The same as text.
    fn text(&self, place: u32, index: u64, length: TokenCount) -> Result<Piece, String> {
        let text = self
            .prompts
            .content(Purpose::Prompt, place, index, length)?;
        let (text, tokens) = text.ok_or("conversations are made of text")?;
        Ok(Piece {
            text,
            asked: length,
            tokens,
        })
    }
}

/// Numbers the requests of a run through: says in each stage how many come before. How many there are in all, where that is
/// known.
fn number(specs: &mut [StageSpec], seed: u64) -> Option<u64> {
    /// More than a stage has that ends by the clock.
    const MANY: u64 = 1 << 32;
    let mut all = Some(0);
    let mut before = 0;
    for spec in specs {
        spec.before = before;
        let count = spec.count(seed);
        before += count.unwrap_or(MANY);
        all = all.zip(count).map(|(sum, count)| sum + count);
    }
    all
}

/// Texts one after the other, or ids.
fn join(parts: Vec<Made>) -> Result<(Prompt, Option<TokenCount>), String> {
    let mut tokens = Some(0);
    let (mut texts, mut ids) = (Vec::new(), Vec::new());
    for part in parts {
        tokens = tokens.zip(part.tokens).map(|(sum, more)| sum + more);
        match part.prompt {
            Prompt::Text(text) => texts.push(text),
            Prompt::TokenIds(part) => ids.extend(part),
            Prompt::Messages(_) => return Err("a part of a prompt is a text".to_owned()),
        }
    }
    let prompt = if ids.is_empty() {
        Prompt::Text(texts.join(" "))
    } else {
        Prompt::TokenIds(ids)
    };
    Ok((prompt, tokens))
}

/// Whether an API takes messages.
fn takes_messages(api: ApiType) -> bool {
    match api {
        ApiType::Completion | ApiType::Embeddings => false,
        ApiType::Chat | ApiType::AnthropicMessages | ApiType::Responses => true,
    }
}
