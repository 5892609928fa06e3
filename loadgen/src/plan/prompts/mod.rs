//! Prompts of a wanted length, unique unless asked otherwise, as a function of (seed, salt, stage, index).
//!
//! Where a tokenizer is at hand, text is exact to the token; so it is where the server counts, once it was asked
//! ([`PromptMaker::calibrate`]). Token ids, which completions take, are exact without either.

mod calibrate;
mod pieces;
mod text;
mod words;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bench_contract::TokenCount;
use bench_contract::config::{ApiType, Config, DataType, Salt, ServerType};
use rand_chacha::ChaCha8Rng;

use super::prompt::{Made, Message, Prompt};
use super::random::{self, Purpose};
use super::tokens::{ModelTokenizer, NoTokenizer};
use text::{Measure, Scope, TextMaker};

pub use calibrate::Counter;

/// Token ids that every vocabulary in use has, beyond the bytes and control tokens at its beginning.
const COMMON_IDS: std::ops::Range<u32> = 1_000..30_000;

/// The first tokens of a prompt that differ from run to run under `salt: run`.
const SALTED: usize = 16;

/// What helps where there is no tokenizer.
const REMEDY: &str = "mount the model's tokenizer.json and name its folder in tokenizer.pretrained_model_name_or_path (benchmark.target.tokenizerPath)";

/// Makes prompts.
pub struct PromptMaker {
    kind: Kind,
    seed: u64,
    /// What the start of each prompt is drawn with.
    salted_seed: u64,
    /// The tokenizer that a run fetches first, and from whom.
    awaited: Option<(String, String)>,
}

enum Kind {
    Mock,
    Ids { from: u32, count: u32 },
    Text(Box<TextMaker>),
}

/// What a prompt is drawn with: the first of its tokens from the salt, the rest from the seed.
#[derive(Clone)]
struct Draws {
    salted: ChaCha8Rng,
    seeded: ChaCha8Rng,
    drawn: usize,
}

impl Draws {
    /// The generator of the next draw.
    fn next(&mut self) -> &mut ChaCha8Rng {
        self.drawn += 1;
        if self.drawn <= SALTED {
            &mut self.salted
        } else {
            &mut self.seeded
        }
    }

    /// Some, to try things with.
    fn to_try(index: u64) -> Self {
        Self {
            salted: random::stream(0, 0, Purpose::Salt, index),
            seeded: random::stream(0, 0, Purpose::Prompt, index),
            drawn: 0,
        }
    }
}

impl PromptMaker {
    /// The maker for a config, with the tokenizer that it names if that is on this machine.
    ///
    /// # Errors
    /// When the named tokenizer is broken or is a path that does not exist, or the named prose cannot be used.
    pub fn new(config: &Config, seed: u64, run_id: &str) -> Result<Self, String> {
        Self::with(config, seed, run_id, None)
    }

    /// The same, with a tokenizer that is fetched if it is not on this machine. `say` is given what people should know. A
    /// tokenizer that is not to be had is no error: then prompts are what can be made without it.
    ///
    /// # Errors
    /// As [`PromptMaker::new`].
    pub fn fetch(
        config: &Config,
        seed: u64,
        run_id: &str,
        say: &mut dyn FnMut(&str),
    ) -> Result<Self, String> {
        Self::with(config, seed, run_id, Some(say))
    }

    fn with(
        config: &Config,
        seed: u64,
        run_id: &str,
        say: Option<&mut dyn FnMut(&str)>,
    ) -> Result<Self, String> {
        let salted_seed = match config.data.salt.unwrap_or_default() {
            // The seed itself may be made from the run id, so the two are hashed together and not combined.
            Salt::Run => random::hash_text(&format!("salt {seed} {run_id}")),
            Salt::None => seed,
        };
        let (kind, awaited) = Kind::new(config, say)?;
        Ok(Self {
            kind,
            seed,
            salted_seed,
            awaited,
        })
    }

    /// Whether the server would have to say how long text is.
    #[must_use]
    pub fn wants_counter(&self) -> bool {
        matches!(&self.kind, Kind::Text(maker) if matches!(maker.measure(), Measure::Nothing))
    }

    /// Has the server's counting take the place of a tokenizer that is not at hand. Does nothing where one is, or where none
    /// is needed. Returns a warning where prompts are only about as long as asked after it.
    #[must_use]
    pub fn calibrate(&mut self, counter: &mut dyn Counter) -> Option<String> {
        let Kind::Text(maker) = &mut self.kind else {
            return None;
        };
        if !matches!(maker.measure(), Measure::Nothing) {
            return None;
        }
        match calibrate::calibrate(counter) {
            Ok((made, without)) => {
                **maker = made;
                without.map(|reason| {
                    format!("warning: prompts are as long as asked without what the server adds to them (its chat template): it does not say how much that is: {reason}; for exact lengths, {REMEDY}")
                })
            }
            Err(reason) => Some(format!(
                "warning: prompts are only about as long as asked, in words: there is no tokenizer, and the server does not count for us: {reason}; for exact lengths, {REMEDY}"
            )),
        }
    }

    /// How prompts are made and what counts as a token of theirs, for the report.
    #[must_use]
    pub fn describe(&self) -> String {
        if let Some((name, endpoint)) = &self.awaited {
            return format!("text of exact length by {name}, which a run fetches from {endpoint}");
        }
        let maker = match &self.kind {
            Kind::Mock => return "mock prompts".to_owned(),
            Kind::Ids { .. } => {
                return "token ids, exact by count (no tokenizer at hand)".to_owned();
            }
            Kind::Text(maker) => maker,
        };
        match maker.measure() {
            Measure::Tokenizer { tokenizer, scope } => format!(
                "text of exact length by {}{}",
                tokenizer.name,
                match scope {
                    Scope::Whole => "",
                    Scope::Chat => " and its chat template",
                    Scope::Message => ", without its chat template",
                }
            ),
            Measure::Server => "text of exact length by the server's own count".to_owned(),
            Measure::ServerWithout => "text of exact length by the server's own count, without what it adds".to_owned(),
            Measure::Nothing => "text of about the asked length: common words taken for one token each (no tokenizer at hand)".to_owned(),
        }
    }

    /// A counter of the prompts that could not be made in exactly the asked length, because hardly any text is that short
    /// with what the server adds, or because the tokenizer does not let text end everywhere.
    #[must_use]
    pub fn misses(&self) -> Arc<AtomicU64> {
        match &self.kind {
            Kind::Text(maker) => maker.misses(),
            Kind::Mock | Kind::Ids { .. } => Arc::default(),
        }
    }

    /// The prompt of request `index` of the stage seeded with `stage`, `wanted` tokens long as the server counts it.
    ///
    /// # Errors
    /// When the tokenizer fails on a text.
    pub fn make(&self, stage: u32, index: u64, wanted: TokenCount) -> Result<Made, String> {
        let mut draws = self.draws(Purpose::Prompt, stage, index);
        match &self.kind {
            Kind::Mock => Ok(Made {
                prompt: Prompt::Text(format!("1 2 3 {}", index + 1)),
                tokens: None,
                extra: None,
            }),
            Kind::Ids { from, count } => {
                let ids = (0..wanted).map(|_| from + random::below(draws.next(), *count));
                Ok(Made {
                    prompt: Prompt::TokenIds(ids.collect()),
                    tokens: Some(wanted),
                    extra: None,
                })
            }
            Kind::Text(maker) => maker.make(wanted, &draws),
        }
    }

    /// Text of `wanted` tokens without what a server adds to a prompt, for messages and parts of prompts; and how many tokens
    /// it is, where something can count it. `None` where prompts are not text.
    ///
    /// # Errors
    /// When the tokenizer fails on the text.
    pub fn content(
        &self,
        purpose: Purpose,
        stage: u32,
        index: u64,
        wanted: TokenCount,
    ) -> Result<Option<(String, Option<TokenCount>)>, String> {
        let Kind::Text(maker) = &self.kind else {
            return Ok(None);
        };
        let draws = self.draws(purpose, stage, index);
        let (text, counted) = maker.content((wanted as usize).max(1), &draws)?;
        let counted = counted.and_then(|counted| TokenCount::try_from(counted).ok());
        Ok(Some((text, counted)))
    }

    /// How many tokens the server adds to these messages: its template, with the beginning of the answer. `None` where there
    /// is no tokenizer or no template at hand.
    ///
    /// # Errors
    /// When the template or the tokenizer fails on them.
    pub fn overhead(&self, messages: &[Message]) -> Result<Option<TokenCount>, String> {
        let Kind::Text(maker) = &self.kind else {
            return Ok(None);
        };
        let tokens = maker.overhead(messages)?;
        Ok(tokens.and_then(|tokens| TokenCount::try_from(tokens).ok()))
    }

    /// A text that differs from run to run under `salt: run`, to put before what others have written; `None` under
    /// `salt: none`. [`SALTED`] tokens where a tokenizer or the server has said what one is, else about as many.
    ///
    /// # Errors
    /// When the tokenizer fails on it.
    pub fn salt(&self, place: u32, index: u64) -> Result<Option<String>, String> {
        if self.salted_seed == self.seed {
            return Ok(None);
        }
        let length = TokenCount::try_from(SALTED).unwrap_or(TokenCount::MAX);
        if let Some((text, _)) = self.content(Purpose::Prompt, place, index, length)? {
            return Ok(Some(text));
        }
        let mut draws = self.draws(Purpose::Prompt, place, index);
        let words: Vec<String> = (0..SALTED)
            .map(|_| random::below(draws.next(), 1000).to_string())
            .collect();
        Ok(Some(words.join(" ")))
    }

    /// Whether texts can be counted.
    #[must_use]
    pub fn can_count(&self) -> bool {
        matches!(&self.kind, Kind::Text(maker) if maker.tokenizer().is_some())
    }

    /// How many tokens `text` is, without what a server adds; where nothing can count it, about four characters a token.
    ///
    /// # Errors
    /// When the tokenizer fails on the text.
    pub fn count_or_guess(&self, text: &str) -> Result<TokenCount, String> {
        let tokenizer = match &self.kind {
            Kind::Text(maker) => maker.tokenizer(),
            Kind::Mock | Kind::Ids { .. } => None,
        };
        let count = match tokenizer {
            Some(tokenizer) => tokenizer.count_within(text)?,
            None => text.chars().count().div_ceil(4),
        };
        Ok(TokenCount::try_from(count).unwrap_or(TokenCount::MAX))
    }

    /// How many tokens a prompt of this text is, with the special tokens that a server puts around it; a guess where nothing
    /// can count it.
    ///
    /// # Errors
    /// When the tokenizer fails on the text.
    pub fn count_prompt(&self, text: &str) -> Result<TokenCount, String> {
        let Kind::Text(maker) = &self.kind else {
            return self.count_or_guess(text);
        };
        match maker.tokenizer() {
            Some(tokenizer) => {
                Ok(TokenCount::try_from(tokenizer.count(text)?).unwrap_or(TokenCount::MAX))
            }
            None => self.count_or_guess(text),
        }
    }

    /// How many tokens a chat of these messages is, the template included where it is known.
    ///
    /// # Errors
    /// When the tokenizer or the template fails on them.
    pub fn count_messages(&self, messages: &[Message]) -> Result<TokenCount, String> {
        let mut sum = self.overhead(messages)?.unwrap_or(0);
        for message in messages {
            sum = sum.saturating_add(self.count_or_guess(&message.content)?);
        }
        Ok(sum)
    }

    /// The same as the server counts it; `None` where there is no tokenizer or no template at hand.
    ///
    /// # Errors
    /// When the tokenizer or the template fails on them.
    pub fn count_chat(&self, messages: &[Message]) -> Result<Option<TokenCount>, String> {
        match self.overhead(messages)? {
            Some(_) => self.count_messages(messages).map(Some),
            None => Ok(None),
        }
    }

    fn draws(&self, purpose: Purpose, stage: u32, index: u64) -> Draws {
        Draws {
            salted: random::stream(self.salted_seed, stage, Purpose::Salt, index),
            seeded: random::stream(self.seed, stage, purpose, index),
            drawn: 0,
        }
    }
}

impl Kind {
    /// What prompts of a config are, and the tokenizer that they wait for.
    fn new(
        config: &Config,
        mut say: Option<&mut dyn FnMut(&str)>,
    ) -> Result<(Self, Option<(String, String)>), String> {
        let data = &config.data;
        if data.kind == DataType::Mock {
            return Ok((Self::Mock, None));
        }
        // What is said in conversations goes on from answers, which are text.
        let takes_ids = config.api.kind == ApiType::Completion
            && data.conversations().is_none()
            && config
                .server
                .as_ref()
                .is_some_and(|server| server.kind != ServerType::Tgi);
        let is_prose = data.kind == DataType::Synthetic;
        let given = data.corpus_file_path.as_deref().filter(|_| is_prose);
        let prose = is_prose.then(|| pieces::prose(given)).transpose()?;
        let chat = config.api.kind.takes_messages();
        // Ids need no tokenizer; one that is here says how many there are.
        let is_random_ids = data.kind == DataType::Random && takes_ids;
        let may_fetch = say.is_some() && !is_random_ids;
        let found = match &mut say {
            Some(say) if may_fetch => ModelTokenizer::of(config, chat, Some(&mut **say)),
            _ => ModelTokenizer::of(config, chat, None),
        };
        let mut warn = |line: String| {
            if let Some(say) = &mut say {
                say(&line);
            }
        };
        let without = match found {
            Ok(tokenizer) if is_random_ids => {
                // The last ids of a vocabulary are where special tokens are added.
                let usable = tokenizer.vocabulary().saturating_sub(512);
                let usable = u32::try_from(usable).unwrap_or(u32::MAX);
                let from = COMMON_IDS.start.min(usable / 2);
                let count = (usable - from).max(1);
                return Ok((Self::Ids { from, count }, None));
            }
            Ok(tokenizer) => {
                let name = tokenizer.name.clone();
                let (maker, without) = TextMaker::by(tokenizer, prose.as_deref(), chat)?;
                if let Some(reason) = without {
                    warn(format!(
                        "warning: prompts are as long as asked without what the server adds to them: the chat template of {name} is not used: {reason}; mount its tokenizer_config.json or chat_template.jinja beside the tokenizer"
                    ));
                }
                return Ok((Self::Text(Box::new(maker)), None));
            }
            Err(NoTokenizer::Wrong(reason)) => return Err(reason),
            Err(without) => without,
        };
        let mut awaited = None;
        match without {
            NoTokenizer::NotHere { name, endpoint } if !is_random_ids => {
                awaited = Some((name, endpoint));
            }
            NoTokenizer::NotToBeHad { name, reason } => {
                warn(format!(
                    "warning: the tokenizer {name} is not to be had: {reason}"
                ));
                warn(if takes_ids {
                    format!(
                        "warning: token ids, exact by count, are sent in place of text; for text, {REMEDY}; an empty name says that ids are meant"
                    )
                } else {
                    format!(
                        "warning: the server is asked how long text is; to know it without, {REMEDY}"
                    )
                });
            }
            NoTokenizer::NotHere { .. } | NoTokenizer::NotNamed | NoTokenizer::Wrong(_) => {}
        }
        let kind = if takes_ids {
            Self::Ids {
                from: COMMON_IDS.start,
                count: COMMON_IDS.end - COMMON_IDS.start,
            }
        } else {
            Self::Text(Box::new(TextMaker::by_nothing()))
        };
        Ok((kind, awaited))
    }
}

#[cfg(test)]
mod tests;
