//! Prompts of a wanted length, unique unless asked otherwise, as a function of (seed, salt, stage, index).

use bench_contract::TokenCount;
use bench_contract::config::{ApiType, Config, DataType, Salt, ServerType};
use tokenizers::Tokenizer;

use super::prompt::{Made, Prompt};
use super::random::{self, Purpose};
use super::tokens::{self, Found};

/// Common short words: in nearly every vocabulary each is one token when a space stands before it.
const WORDS: &str = include_str!("words.txt");

/// Token ids that every vocabulary in use has, beyond the bytes and control tokens at its beginning.
const COMMON_IDS: std::ops::Range<u32> = 1_000..30_000;

/// The first tokens of a prompt that differ from run to run under `salt: run`.
const SALTED: usize = 16;

/// So many texts are counted when a tokenizer is loaded; when each is as many tokens as words, so are all others.
const TRIED: u64 = 16;

/// Makes prompts.
pub struct PromptMaker {
    kind: Kind,
    seed: u64,
    /// What the start of each prompt is drawn with.
    salted_seed: u64,
}

enum Kind {
    Mock,
    Ids { from: u32, count: u32 },
    Words(Box<Words>),
}

struct Words {
    words: Vec<&'static str>,
    tokenizer: Option<Tokenizer>,
    source: String,
    /// Special tokens that the tokenizer adds to every text.
    added: usize,
    /// Whether words merge across spaces, so that each text has to be counted.
    merges: bool,
}

impl PromptMaker {
    /// The maker for a config; finds and loads the tokenizer.
    ///
    /// # Errors
    /// When the named tokenizer is broken, or is a path that does not exist.
    pub fn new(config: &Config, seed: u64, run_id: &str) -> Result<Self, String> {
        let salted_seed = match config.data.salt.unwrap_or_default() {
            // The seed itself may be made from the run id, so the two are hashed together and not combined.
            Salt::Run => random::hash_text(&format!("salt {seed} {run_id}")),
            Salt::None => seed,
        };
        Ok(Self {
            kind: Kind::new(config)?,
            seed,
            salted_seed,
        })
    }

    /// How prompts are made and what counts as a token of theirs, for the report.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Mock => "mock prompts".to_owned(),
            Kind::Ids { .. } => "token ids, exact by count (no tokenizer at hand)".to_owned(),
            Kind::Words(words) if words.tokenizer.is_some() => format!("text of exact length by {}", words.source),
            Kind::Words(_) => "text of about the asked length: common words taken for one token each (no tokenizer at hand)".to_owned(),
        }
    }

    /// Whether texts can be counted.
    #[must_use]
    pub fn can_count(&self) -> bool {
        matches!(&self.kind, Kind::Words(words) if words.tokenizer.is_some())
    }

    /// The length of `text` in tokens; where nothing can count it, a guess.
    ///
    /// # Errors
    /// When the tokenizer fails on the text.
    pub fn count_or_guess(&self, text: &str) -> Result<TokenCount, String> {
        let counted = match &self.kind {
            Kind::Words(words) => words.tokenizer.as_ref(),
            Kind::Mock | Kind::Ids { .. } => None,
        };
        let count = match counted {
            Some(tokenizer) => tokens::count(tokenizer, text)?,
            None => text.chars().count().div_ceil(4),
        };
        Ok(TokenCount::try_from(count).unwrap_or(TokenCount::MAX))
    }

    /// The length of a chat in tokens, the template included where it is known.
    ///
    /// # Errors
    /// When the tokenizer fails on the text.
    pub fn count_messages(
        &self,
        messages: &[super::prompt::Message],
    ) -> Result<TokenCount, String> {
        messages.iter().try_fold(0, |sum: TokenCount, message| {
            Ok(sum.saturating_add(self.count_or_guess(&message.content)?))
        })
    }

    /// The prompt of request `index` of the stage seeded with `stage`, `wanted` tokens long.
    ///
    /// # Errors
    /// When the tokenizer fails on a text.
    pub fn make(&self, stage: u32, index: u64, wanted: TokenCount) -> Result<Made, String> {
        match &self.kind {
            Kind::Mock => Ok(Made {
                prompt: Prompt::Text(format!("1 2 3 {}", index + 1)),
                tokens: None,
                extra: None,
            }),
            Kind::Ids { from, count } => {
                let ids = self
                    .draws(stage, index, *count, wanted as usize)
                    .map(|draw| from + draw)
                    .collect();
                Ok(Made {
                    prompt: Prompt::TokenIds(ids),
                    tokens: Some(wanted),
                    extra: None,
                })
            }
            Kind::Words(words) => words.make(wanted as usize, |count, length| {
                self.draws(stage, index, count, length)
                    .map(|draw| draw as usize)
                    .collect()
            }),
        }
    }

    /// `length` numbers below `bound`: the first from the salt, the rest from the seed.
    fn draws(
        &self,
        stage: u32,
        index: u64,
        bound: u32,
        length: usize,
    ) -> impl Iterator<Item = u32> {
        let mut salted = random::stream(self.salted_seed, stage, Purpose::Salt, index);
        let mut seeded = random::stream(self.seed, stage, Purpose::Prompt, index);
        (0..length).map(move |place| {
            random::below(
                if place < SALTED {
                    &mut salted
                } else {
                    &mut seeded
                },
                bound,
            )
        })
    }
}

impl Kind {
    fn new(config: &Config) -> Result<Self, String> {
        if config.data.kind == DataType::Mock {
            return Ok(Self::Mock);
        }
        let name = config
            .tokenizer
            .as_ref()
            .and_then(|tokenizer| tokenizer.pretrained_model_name_or_path.as_deref());
        let found = name.map_or(Ok(Found::NotHere), tokens::find)?;
        let takes_ids = config.api.kind == ApiType::Completion
            && config
                .server
                .as_ref()
                .is_some_and(|server| server.kind != ServerType::Tgi);
        match found {
            Found::File(file) if config.data.kind == DataType::Random && takes_ids => {
                let size = tokens::load(&file)?.get_vocab_size(false);
                // The last ids of a vocabulary are where special tokens are added.
                let usable = u32::try_from(size.saturating_sub(512)).unwrap_or(u32::MAX);
                let from = COMMON_IDS.start.min(usable / 2);
                Ok(Self::Ids {
                    from,
                    count: (usable - from).max(1),
                })
            }
            Found::File(file) => {
                let source = name.unwrap_or_default().to_owned();
                Ok(Self::Words(Box::new(Words::with_tokenizer(
                    tokens::load(&file)?,
                    source,
                )?)))
            }
            Found::NotHere if takes_ids => Ok(Self::Ids {
                from: COMMON_IDS.start,
                count: COMMON_IDS.end - COMMON_IDS.start,
            }),
            Found::NotHere => Ok(Self::Words(Box::new(Words::without_tokenizer()))),
        }
    }
}

impl Words {
    fn without_tokenizer() -> Self {
        Self {
            words: WORDS.split_whitespace().collect(),
            tokenizer: None,
            source: String::new(),
            added: 0,
            merges: false,
        }
    }

    fn with_tokenizer(tokenizer: Tokenizer, source: String) -> Result<Self, String> {
        let added = tokens::count(&tokenizer, "")?;
        let mut words = Vec::new();
        for word in WORDS.split_whitespace() {
            // One token at the start of a text and one after a space, so that n words are n tokens.
            if tokens::count(&tokenizer, word)? == added + 1
                && tokens::count(&tokenizer, &format!("{word} {word}"))? == added + 2
            {
                words.push(word);
            }
        }
        if words.len() < 64 {
            return Err(format!(
                "the tokenizer {source} splits even common words, so text of exact length cannot be made; use data.type: random"
            ));
        }
        let mut merges = false;
        for index in 0..TRIED {
            let bound = u32::try_from(words.len()).unwrap_or(u32::MAX);
            let mut rng = random::stream(0, 0, Purpose::Prompt, index);
            let text: Vec<&str> = (0..64)
                .map(|_| words[random::below(&mut rng, bound) as usize])
                .collect();
            merges |= tokens::count(&tokenizer, &text.join(" "))? != added + text.len();
        }
        Ok(Self {
            words,
            tokenizer: Some(tokenizer),
            source,
            added,
            merges,
        })
    }

    fn make(&self, wanted: usize, draw: impl Fn(u32, usize) -> Vec<usize>) -> Result<Made, String> {
        let bound = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        let text = |length: usize| {
            draw(bound, length)
                .into_iter()
                .map(|word| self.words[word])
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut length = wanted.saturating_sub(self.added).max(1);
        let mut prompt = text(length);
        let Some(tokenizer) = &self.tokenizer else {
            return Ok(Made {
                prompt: Prompt::Text(prompt),
                tokens: None,
                extra: None,
            });
        };
        let mut counted = length + self.added;
        if self.merges {
            counted = tokens::count(tokenizer, &prompt)?;
            for _ in 0..8 {
                let next = (length + wanted).saturating_sub(counted).max(1);
                if next == length {
                    break;
                }
                length = next;
                prompt = text(length);
                counted = tokens::count(tokenizer, &prompt)?;
            }
        }
        Ok(Made {
            prompt: Prompt::Text(prompt),
            tokens: TokenCount::try_from(counted).ok(),
            extra: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: serde_json::Value) -> Config {
        serde_json::from_value(json).unwrap()
    }

    fn synthetic(api: &str) -> Config {
        config(serde_json::json!({
            "api": {"type": api}, "data": {"type": "synthetic"}, "server": {"base_url": "http://a"}
        }))
    }

    #[test]
    fn without_a_tokenizer_completions_get_exact_token_ids_and_chats_get_words() {
        let maker = PromptMaker::new(&synthetic("completion"), 1, "run").unwrap();
        let made = maker.make(0, 0, 100).unwrap();
        assert_eq!(made.tokens, Some(100));
        assert!(
            matches!(&made.prompt, Prompt::TokenIds(ids) if ids.len() == 100 && ids.iter().all(|id| COMMON_IDS.contains(id)))
        );
        let maker = PromptMaker::new(&synthetic("chat"), 1, "run").unwrap();
        let made = maker.make(0, 0, 100).unwrap();
        assert_eq!(made.tokens, None);
        assert!(matches!(&made.prompt, Prompt::Text(text) if text.split(' ').count() == 100));
        assert!(maker.describe().contains("about"));
    }

    #[test]
    fn the_start_differs_by_run_and_seed_and_the_rest_by_seed_only() {
        let ids = |seed, run: &str, stage, index| {
            let made = PromptMaker::new(&synthetic("completion"), seed, run)
                .unwrap()
                .make(stage, index, 64)
                .unwrap();
            match made.prompt {
                Prompt::TokenIds(ids) => ids,
                Prompt::Text(_) | Prompt::Messages(_) => Vec::new(),
            }
        };
        let first = ids(1, "a", 0, 0);
        assert_eq!(first, ids(1, "a", 0, 0));
        for other in [
            ids(1, "b", 0, 0),
            ids(2, "a", 0, 0),
            ids(1, "a", 1, 0),
            ids(1, "a", 0, 1),
        ] {
            assert_ne!(first[..SALTED], other[..SALTED]);
        }
        assert_eq!(first[SALTED..], ids(1, "b", 0, 0)[SALTED..]);
        assert_ne!(first[SALTED..], ids(2, "a", 0, 0)[SALTED..]);
    }

    #[test]
    fn two_runs_whose_seeds_come_from_their_ids_share_no_start() {
        let start = |run: &str| {
            let maker = PromptMaker::new(&synthetic("completion"), random::hash_text(run), run);
            maker.unwrap().make(0, 0, 16).unwrap()
        };
        assert_ne!(start("run-a"), start("run-b"));
    }

    #[test]
    fn salt_none_sends_the_same_bytes_in_every_run() {
        let mut config = synthetic("completion");
        config.data.salt = Some(Salt::None);
        let make = |run: &str| {
            PromptMaker::new(&config, 9, run)
                .unwrap()
                .make(0, 5, 32)
                .unwrap()
        };
        assert_eq!(make("a"), make("b"));
    }

    /// Every word of the list is a token; each text gets a mark at its beginning.
    fn tokenizer_file(folder: &std::path::Path, words: &[&str]) {
        let mut vocabulary = serde_json::Map::new();
        for (id, word) in ["[UNK]", "<s>"].iter().chain(words).enumerate() {
            vocabulary.insert((*word).to_owned(), id.into());
        }
        let tokenizer = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": null,
            "post_processor": {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}
        });
        std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    }

    #[test]
    fn with_a_tokenizer_text_is_exact_to_the_token_marks_included() {
        let folder = tempfile::tempdir().unwrap();
        tokenizer_file(folder.path(), &WORDS.split_whitespace().collect::<Vec<_>>());
        let mut config = synthetic("chat");
        config.tokenizer = Some(bench_contract::config::Tokenizer {
            pretrained_model_name_or_path: Some(folder.path().display().to_string()),
            ..Default::default()
        });
        let maker = PromptMaker::new(&config, 1, "run").unwrap();
        assert!(maker.describe().contains("exact"));
        let tokenizer = tokens::load(&folder.path().join("tokenizer.json")).unwrap();
        for (index, wanted) in [(0, 2), (1, 17), (2, 1000)] {
            let made = maker.make(0, index, wanted).unwrap();
            assert_eq!(made.tokens, Some(wanted));
            let Prompt::Text(text) = made.prompt else {
                panic!("not text")
            };
            assert_eq!(tokens::count(&tokenizer, &text).unwrap(), wanted as usize);
        }
    }

    #[test]
    fn a_tokenizer_path_that_is_not_there_is_named() {
        let mut config = synthetic("completion");
        config.tokenizer = Some(bench_contract::config::Tokenizer {
            pretrained_model_name_or_path: Some("/no/such/tokenizer".to_owned()),
            ..Default::default()
        });
        let error = PromptMaker::new(&config, 1, "run").err().unwrap();
        assert!(error.contains("/no/such/tokenizer"), "{error}");
    }
}
