//! Words that are one token each.

use super::super::random;
use super::super::tokens::ModelTokenizer;
use super::Draws;

/// Common short words: in nearly every vocabulary each is one token when a space stands before it.
const COMMON: &str = include_str!("words.txt");

/// With fewer words prompts would be more alike than text is.
pub(super) const FEWEST: usize = 64;

/// Words to fill a text with.
pub(super) struct Words {
    /// One token each after a space.
    words: Vec<&'static str>,
    /// Those that are one token at the beginning of a text too.
    firsts: Vec<&'static str>,
}

impl Words {
    /// All of the list.
    pub(super) fn common() -> Vec<&'static str> {
        COMMON.split_whitespace().collect()
    }

    /// These, and these to begin with.
    pub(super) fn of(words: Vec<&'static str>, firsts: Vec<&'static str>) -> Self {
        Self { words, firsts }
    }

    /// Those that are one token by `tokenizer`.
    ///
    /// # Errors
    /// When that leaves too few.
    pub(super) fn by(tokenizer: &ModelTokenizer) -> Result<Self, String> {
        let mut words = Vec::new();
        for word in Self::common() {
            // At the start of a text and after a space, so that n words are n tokens.
            if tokenizer.count_within(word)? == 1
                && tokenizer.count_within(&format!("{word} {word}"))? == 2
            {
                words.push(word);
            }
        }
        if words.len() < FEWEST {
            return Err(format!(
                "the tokenizer {} splits even common words, so text of exact length cannot be made; leave tokenizer.pretrained_model_name_or_path (benchmark.target.tokenizerPath) empty to send token ids to completions",
                tokenizer.name
            ));
        }
        Ok(Self {
            firsts: words.clone(),
            words,
        })
    }

    /// A word that is one token wherever it stands.
    pub(super) fn first(&self) -> &'static str {
        self.firsts.first().copied().unwrap_or_default()
    }

    /// Appends a word, the first one of a text without a space before it.
    pub(super) fn push(&self, text: &mut String, draws: &mut Draws) {
        let from = if text.is_empty() {
            &self.firsts
        } else {
            text.push(' ');
            &self.words
        };
        let bound = u32::try_from(from.len()).unwrap_or(u32::MAX);
        text.push_str(from[random::below(draws.next(), bound) as usize]);
    }
}
