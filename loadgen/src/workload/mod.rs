//! What a run sends: which prompt each planned request carries, and what the conversations are about. A function of the seed,
//! the config and, where there is one, the data set.

mod recorded;
mod shared;
mod talks;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use bench_contract::TokenCount;
use bench_contract::config::{ApiType, Config, DataType};

use crate::data::Needed;
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
    /// What stands before the entries of data sets, so that they begin anew in each run.
    pub(super) const SALT: u32 = u32::MAX - 6;
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
                DataType::ShareGpt | DataType::Jsonl => Talks::recorded(config, recorded()?, &how),
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
        workload.set_lengths(specs, config.api.kind == ApiType::Embeddings);
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
            Kind::Blocks(blocks) => self.of_blocks(blocks, stage, planned),
            Kind::Shared(shared) => {
                let (system, question) = shared.pieces(plan.spec.before + index);
                self.joined(
                    self.piece(place::PREFIX, system.0, system.1)?,
                    self.piece(place::QUESTION, question.0, question.1)?,
                )
            }
            Kind::Recorded(recorded) => {
                let made = recorded.make(plan.spec.before, index, self.api, &self.prompts)?;
                Ok(Made {
                    tokens: self.count(&made.prompt)?,
                    ..made
                })
            }
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
            plan.spec.before,
            session,
            think,
            &self.prompts,
            |place, index, length| self.text(place, index, length),
        )
    }

    /// Says whether entries of a data set were sent again, because a closed loop took more than there are.
    #[must_use]
    pub fn rounds(&self) -> Option<Arc<AtomicBool>> {
        match &self.kind {
            Kind::Recorded(recorded) => Some(recorded.rounds()),
            Kind::Talks(talks) => talks.rounds(),
            Kind::Made | Kind::Blocks(_) | Kind::Shared(_) => None,
        }
    }

    /// How long a prompt is as the server will count it; `None` where that is not known.
    ///
    /// # Errors
    /// When the tokenizer or the chat template fails on it.
    pub fn count(&self, prompt: &Prompt) -> Result<Option<TokenCount>, String> {
        match prompt {
            Prompt::TokenIds(ids) => Ok(TokenCount::try_from(ids.len()).ok()),
            _ if !self.prompts.can_count() => Ok(None),
            Prompt::Text(text) if self.api.takes_messages() => {
                self.prompts.count_chat(&[Message {
                    role: Role::User,
                    content: text.clone(),
                }])
            }
            Prompt::Text(text) => self.prompts.count_prompt(text).map(Some),
            Prompt::Messages(messages) if self.api.takes_messages() => {
                self.prompts.count_chat(messages)
            }
            Prompt::Messages(messages) => self.prompts.count_prompt(&said(messages)).map(Some),
        }
    }

    /// Puts the lengths that the workload decides about into the stages.
    fn set_lengths(&self, specs: &mut [StageSpec], is_embedding: bool) {
        for spec in specs {
            let sides = match &self.kind {
                Kind::Made | Kind::Blocks(_) => continue,
                Kind::Shared(shared) => shared.lengths(spec.before),
                Kind::Recorded(recorded) => recorded.lengths(spec.before),
                Kind::Talks(talks) => talks.lengths(spec.before),
            };
            let (input, output): (Vec<TokenCount>, Vec<TokenCount>) = sides.into_iter().unzip();
            spec.input = Lengths::listed(input.into());
            if !is_embedding {
                spec.output = Lengths::listed(output.into());
            }
        }
    }

    /// A prompt of the blocks that the trace names. Each stage has blocks of its own: what one has left in the server's cache is
    /// not what the next one finds there.
    fn of_blocks(
        &self,
        blocks: &[Vec<u64>],
        stage: u32,
        planned: &Planned,
    ) -> Result<Made, String> {
        let own = u64::from(stage).wrapping_mul(0x9E37_79B9_7F4A_7C15);
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
            parts.push(self.piece(place::BLOCK, name.wrapping_add(own), length)?);
            rest -= length;
        }
        if rest > 0 {
            // More than the blocks hold is its own.
            let index = planned.index.wrapping_add(own);
            parts.push(self.piece(place::QUESTION, index, rest)?);
        }
        self.counted(join(parts)?)
    }

    /// A prompt of parts, counted as a whole: what stands between and around them is the server's.
    fn counted(&self, prompt: Prompt) -> Result<Made, String> {
        Ok(Made {
            tokens: self.count(&prompt)?,
            prompt,
            extra: None,
        })
    }

    /// A prompt of two parts: over a chat, of the operator and of the user.
    fn joined(&self, system: Prompt, question: Prompt) -> Result<Made, String> {
        let message = |role, content| Message { role, content };
        let prompt = match (system, question) {
            (Prompt::Text(system), Prompt::Text(question)) if self.api.takes_messages() => {
                Prompt::Messages(vec![
                    message(Role::System, system),
                    message(Role::User, question),
                ])
            }
            (system, question) => join(vec![system, question])?,
        };
        self.counted(prompt)
    }

    /// A text of `length` tokens that belongs to no stage and has nothing around it, or as many ids.
    fn piece(&self, place: u32, index: u64, length: TokenCount) -> Result<Prompt, String> {
        let text = self
            .prompts
            .content(Purpose::Prompt, place, index, length)?;
        match text {
            Some((text, _)) => Ok(Prompt::Text(text)),
            None => Ok(self.prompts.make(place, index, length)?.prompt),
        }
    }

    /// The same as text.
    fn text(&self, place: u32, index: u64, length: TokenCount) -> Result<Piece, String> {
        match self.piece(place, index, length)? {
            Prompt::Text(text) => Ok(Piece {
                text,
                asked: length,
            }),
            Prompt::TokenIds(_) | Prompt::Messages(_) => {
                Err("conversations are made of text".to_owned())
            }
        }
    }
}

/// Numbers the requests of a run through: says in each stage how many come before.
fn number(specs: &mut [StageSpec], seed: u64) -> Needed {
    /// In place of what a stage that ends by the clock may take: stages after it begin elsewhere in any list (this many are
    /// the golden part of 2^32).
    const MANY: u64 = 0x9E37_79B9;
    let mut needed = Needed::default();
    let mut before = 0;
    for spec in specs {
        spec.before = before;
        let count = spec.count(seed);
        before += count.unwrap_or(MANY);
        needed.at_least += count.unwrap_or(1);
        needed.is_open |= count.is_none();
    }
    needed
}

/// Texts one after the other, or ids.
fn join(parts: Vec<Prompt>) -> Result<Prompt, String> {
    let (mut texts, mut ids) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Prompt::Text(text) => texts.push(text),
            Prompt::TokenIds(part) => ids.extend(part),
            Prompt::Messages(_) => return Err("a part of a prompt is a text".to_owned()),
        }
    }
    Ok(if ids.is_empty() {
        Prompt::Text(texts.join(" "))
    } else {
        Prompt::TokenIds(ids)
    })
}

/// Messages as one text, as completions get them.
fn said(messages: &[Message]) -> String {
    let contents: Vec<&str> = messages
        .iter()
        .map(|message| message.content.as_str())
        .collect();
    contents.join("\n")
}
