//! Text of a wanted length in tokens.

use std::cmp::Ordering as CmpOrdering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bench_contract::TokenCount;

use super::super::prompt::{Made, Message, Prompt, Role};
use super::super::random;
use super::super::tokens::ModelTokenizer;
use super::pieces::Pieces;
use super::words::Words;
use super::{Draws, SALTED};

/// So many texts are counted when a tokenizer is loaded; when each is as long as its parts, so are all others.
const TRIED: u64 = 16;

/// So often a text that has to be counted is tried in another length.
const TRIES: u32 = 12;

/// Makes text.
pub(super) struct TextMaker {
    words: Words,
    /// What the text is cut from; without it, it is words.
    pieces: Option<Pieces>,
    measure: Measure,
    /// Tokens that the server adds to a text: special ones, or those of its chat template.
    around: usize,
    /// Whether parts are together as many tokens as they are one by one.
    adds_up: bool,
    /// Texts that did not come out in the wanted length.
    misses: Arc<AtomicU64>,
}

/// What says how long a text is.
pub(super) enum Measure {
    Tokenizer {
        tokenizer: Box<ModelTokenizer>,
        /// What of a prompt is measured.
        scope: Scope,
    },
    /// The server has said which words are one token, and what it adds.
    Server,
    /// The server has said which words are one token, and not what it adds.
    ServerWithout,
    /// Nothing.
    Nothing,
}

/// What of a prompt is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// A text of its own, with special tokens.
    Whole,
    /// A message in the model's chat template.
    Chat,
    /// A message without a template, because there is none at hand.
    Message,
}

impl TextMaker {
    /// Text that is measured by `tokenizer`, cut from `prose` where there is some. A chat is measured in the model's template,
    /// if that is at hand and takes a message; else a reason why not is returned beside.
    ///
    /// # Errors
    /// When the tokenizer fails, or has too few words of one token.
    pub(super) fn by(
        tokenizer: ModelTokenizer,
        prose: Option<&str>,
        chat: bool,
    ) -> Result<(Self, Option<String>), String> {
        let words = Words::by(&tokenizer)?;
        let first = words.first();
        let pieces = prose
            .map(|prose| Pieces::by(&tokenizer, prose, first))
            .transpose()?;
        let (mut around, mut without) = (0, None);
        if chat {
            match tokenizer.count_chat(&[user(first)]) {
                Ok(Some(counted)) => around = counted.saturating_sub(1),
                Ok(None) => without = Some("it has none at hand".to_owned()),
                Err(reason) => without = Some(reason),
            }
        } else {
            around = tokenizer.count(first)?.saturating_sub(1);
        }
        let mut maker = Self {
            adds_up: pieces.as_ref().is_none_or(Pieces::adds_up),
            words,
            pieces,
            measure: Measure::Tokenizer {
                scope: match (chat, &without) {
                    (false, _) => Scope::Whole,
                    (true, None) => Scope::Chat,
                    (true, Some(_)) => Scope::Message,
                },
                tokenizer: Box::new(tokenizer),
            },
            around,
            misses: Arc::default(),
        };
        for index in 0..TRIED {
            let length = 1 + 37 * usize::try_from(index).unwrap_or(0);
            let text = maker.compose(length, 0, Draws::to_try(index));
            let counted = maker.count(&text)?;
            maker.adds_up &= counted == Some(length + around);
        }
        Ok((maker, without))
    }

    /// Words, measured by nothing.
    pub(super) fn by_nothing() -> Self {
        let words = Words::common();
        Self::of_words(Words::of(words.clone(), words), Measure::Nothing, 0)
    }

    /// Words, measured by the server, which adds `around` to them.
    pub(super) fn of_words(words: Words, measure: Measure, around: usize) -> Self {
        Self {
            words,
            pieces: None,
            measure,
            around,
            adds_up: true,
            misses: Arc::default(),
        }
    }

    /// Words alone, for the counting of the server: `length` tokens of them.
    pub(super) fn sample(&self, length: usize, index: u64) -> String {
        self.compose(length, 0, Draws::to_try(index))
    }

    /// How texts are measured.
    pub(super) fn measure(&self) -> &Measure {
        &self.measure
    }

    /// What counts any text, where it is at hand.
    pub(super) fn tokenizer(&self) -> Option<&ModelTokenizer> {
        match &self.measure {
            Measure::Tokenizer { tokenizer, .. } => Some(tokenizer),
            Measure::Server | Measure::ServerWithout | Measure::Nothing => None,
        }
    }

    /// A counter of the texts that did not come out in the wanted length.
    pub(super) fn misses(&self) -> Arc<AtomicU64> {
        self.misses.clone()
    }

    /// A prompt of `wanted` tokens as the server counts it.
    ///
    /// # Errors
    /// When the tokenizer fails on it.
    pub(super) fn make(&self, wanted: TokenCount, draws: &Draws) -> Result<Made, String> {
        let content = (wanted as usize).saturating_sub(self.around).max(1);
        let (text, counted) = self.content(content, draws)?;
        let counted = counted.map(|counted| counted + self.around);
        if counted.is_some_and(|counted| counted != wanted as usize) {
            self.misses.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Made {
            prompt: Prompt::Text(text),
            tokens: counted.and_then(|counted| TokenCount::try_from(counted).ok()),
            extra: None,
        })
    }

    /// Text of `wanted` tokens without what the server adds, and how many it is.
    ///
    /// # Errors
    /// When the tokenizer fails on it.
    pub(super) fn content(
        &self,
        wanted: usize,
        draws: &Draws,
    ) -> Result<(String, Option<usize>), String> {
        let mut text = self.compose(wanted, 0, draws.clone());
        match self.measure {
            Measure::Nothing | Measure::ServerWithout => return Ok((text, None)),
            Measure::Tokenizer { .. } | Measure::Server => {}
        }
        if self.adds_up {
            return Ok((text, Some(wanted)));
        }
        // The parts are only about so long: the text is counted. One that is too long gets less prose; one that is too short,
        // more words at its end, which change nothing before them.
        let (mut length, mut more) = (wanted, 0);
        let mut best = None::<(usize, String, usize)>;
        for _ in 0..TRIES {
            let Some(counted) = self.count(&text)? else {
                return Ok((text, None));
            };
            let counted = counted.saturating_sub(self.around);
            let miss = counted.abs_diff(wanted);
            if best.as_ref().is_none_or(|(least, ..)| miss < *least) {
                best = Some((miss, text, counted));
            }
            match counted.cmp(&wanted) {
                CmpOrdering::Equal => break,
                CmpOrdering::Less => more += miss,
                CmpOrdering::Greater if more > miss => more -= miss,
                CmpOrdering::Greater => {
                    more = 0;
                    length = length.saturating_sub(miss).max(1);
                }
            }
            text = self.compose(length, more, draws.clone());
        }
        let (_, text, counted) = best.unwrap_or_default();
        Ok((text, Some(counted)))
    }

    /// Text whose parts are `length` tokens one by one: words drawn from the salt; prose from a drawn place on; and words for
    /// what is left of it. Then so many words more.
    fn compose(&self, length: usize, more: usize, mut draws: Draws) -> String {
        let mut text = String::with_capacity((length + more) * 6);
        let mut left = length;
        while left > 0 && (length - left) < SALTED {
            self.words.push(&mut text, &mut draws);
            left -= 1;
        }
        if let Some(pieces) = &self.pieces
            && left > 0
        {
            let bound = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
            let start = random::below(draws.next(), bound) as usize;
            left = pieces.append(start, left, &mut text);
        }
        for _ in 0..left + more {
            self.words.push(&mut text, &mut draws);
        }
        text
    }

    /// How many tokens the server counts for a text, with what it adds.
    fn count(&self, text: &str) -> Result<Option<usize>, String> {
        let Measure::Tokenizer { tokenizer, scope } = &self.measure else {
            return Ok(None);
        };
        match scope {
            Scope::Chat => tokenizer.count_chat(&[user(text)]),
            Scope::Whole => tokenizer.count(text).map(Some),
            Scope::Message => tokenizer.count_within(text).map(Some),
        }
    }

    /// How many tokens a chat is beside its messages, as the server counts it; `None` where nothing can tell.
    pub(super) fn overhead(&self, messages: &[Message]) -> Result<Option<usize>, String> {
        let Measure::Tokenizer { tokenizer, .. } = &self.measure else {
            return Ok(None);
        };
        let Some(whole) = tokenizer.count_chat(messages)? else {
            return Ok(None);
        };
        let mut within = 0;
        for message in messages {
            within += tokenizer.count_within(&message.content)?;
        }
        Ok(Some(whole.saturating_sub(within)))
    }
}

fn user(content: &str) -> Message {
    Message {
        role: Role::User,
        content: content.to_owned(),
    }
}
