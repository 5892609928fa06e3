//! The tokenizer of the model, and the template that its chats are put into.

use std::path::{Path, PathBuf};

use bench_contract::config::{Config, Secret};
use bench_store::Environment;
use bench_store::hub::{Hub, HubFile};
use tokenizers::Tokenizer;

use super::chat_template::ChatTemplate;
use super::prompt::Message;

const TOKENIZER: &str = "tokenizer.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const TEMPLATE: &str = "chat_template.jinja";

/// A model's tokenizer, as its server has it.
pub struct ModelTokenizer {
    /// What the config calls it.
    pub name: String,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
}

/// Why there is no tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTokenizer {
    /// The config names none.
    NotNamed,
    /// It is of the hub, not on this machine, and nobody was asked for it.
    NotHere {
        /// Its name.
        name: String,
        /// Who would be asked.
        endpoint: String,
    },
    /// It is of the hub, and not to be had.
    NotToBeHad {
        /// Its name.
        name: String,
        /// Why not, and what helps.
        reason: String,
    },
    /// It is a path on this machine where there is none, or it is broken.
    Wrong(String),
}

/// Where a named tokenizer is.
enum Place {
    /// A folder on this machine, with the name of the tokenizer in it.
    Folder(PathBuf, String),
    Hub(Hub, HubFile),
}

impl ModelTokenizer {
    /// The tokenizer of a config: a `tokenizer.json`, a folder with one, or a Hugging Face id, which is looked for in the hub's
    /// cache on this machine and then, where there is a `say`, fetched; `say` is given what people should know.
    ///
    /// # Errors
    /// [`NoTokenizer`].
    pub fn of(
        config: &Config,
        wants_template: bool,
        mut say: Option<&mut dyn FnMut(&str)>,
    ) -> Result<Self, NoTokenizer> {
        let named = config.tokenizer.as_ref().and_then(|tokenizer| {
            let name = tokenizer.pretrained_model_name_or_path.as_deref()?;
            Some((name, tokenizer.token.as_ref()))
        });
        let Some((name, token)) = named.filter(|(name, _)| !name.is_empty()) else {
            return Err(NoTokenizer::NotNamed);
        };
        let place = locate(name, token.map(Secret::expose))?;
        let (bytes, from) = match &place {
            Place::Folder(folder, file) => {
                let path = folder.join(file);
                let bytes = std::fs::read(&path).map_err(|error| {
                    let path = path.display();
                    NoTokenizer::Wrong(format!("cannot read the tokenizer {path}: {error}"))
                })?;
                (bytes, path.display().to_string())
            }
            Place::Hub(hub, file) => {
                if hub.cached(file).is_none() && say.is_none() {
                    return Err(NoTokenizer::NotHere {
                        name: name.to_owned(),
                        endpoint: hub.endpoint().to_owned(),
                    });
                }
                let read = hub.read(file, &mut |line| tell(&mut say, line));
                let bytes = read.map_err(|error| NoTokenizer::NotToBeHad {
                    name: name.to_owned(),
                    reason: format!("{error}; {}", error.remedy()),
                })?;
                (bytes, file.to_string())
            }
        };
        let mut tokenizer = Tokenizer::from_bytes(&bytes)
            .map_err(|error| NoTokenizer::Wrong(format!("{from} is not a tokenizer: {error}")))?;
        // Limits of a library's use, which no server applies to prompts.
        let _ = tokenizer.with_truncation(None);
        tokenizer.with_padding(None);
        let template = if wants_template {
            place.template(name, &mut say)
        } else {
            None
        };
        Ok(Self {
            name: name.to_owned(),
            tokenizer,
            template,
        })
    }

    /// How many tokens `text` is as a prompt of its own, special tokens (such as a beginning-of-text mark) included.
    ///
    /// # Errors
    /// When the tokenizer fails on the text.
    pub fn count(&self, text: &str) -> Result<usize, String> {
        self.encode(text, true)
    }

    /// How many tokens `text` is inside of another.
    ///
    /// # Errors
    /// When the tokenizer fails on the text.
    pub fn count_within(&self, text: &str) -> Result<usize, String> {
        self.encode(text, false)
    }

    /// How many tokens a chat is as the server counts it: in the model's template, the beginning of the answer included.
    /// `None` where the model has no template at hand.
    ///
    /// # Errors
    /// When the template or the tokenizer fails on the messages.
    pub fn count_chat(&self, messages: &[Message]) -> Result<Option<usize>, String> {
        let Some(template) = &self.template else {
            return Ok(None);
        };
        self.encode(&template.render(messages)?, false).map(Some)
    }

    /// How many different tokens there are, without those that were added to the vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(false)
    }

    fn encode(&self, text: &str, is_whole: bool) -> Result<usize, String> {
        let encoded = self.tokenizer.encode_fast(text, is_whole);
        encoded
            .map(|encoding| encoding.len())
            .map_err(|error| format!("the tokenizer {} fails on a text: {error}", self.name))
    }
}

fn tell(say: &mut Option<&mut dyn FnMut(&str)>, line: &str) {
    if let Some(say) = say {
        say(line);
    }
}

fn locate(name: &str, token: Option<&str>) -> Result<Place, NoTokenizer> {
    let path = Path::new(name);
    if path.is_file() {
        let file = path.file_name().unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        return Ok(Place::Folder(folder, file.to_string_lossy().into_owned()));
    }
    if path.is_dir() {
        return if path.join(TOKENIZER).is_file() {
            Ok(Place::Folder(path.to_owned(), TOKENIZER.to_owned()))
        } else {
            Err(NoTokenizer::Wrong(format!(
                "the tokenizer folder {name} has no {TOKENIZER}"
            )))
        };
    }
    let file = HubFile::of_model(name, TOKENIZER);
    match file {
        Ok(file) if !name.starts_with('.') => {
            let hub = Hub::new(&Environment::of_process(), token);
            Ok(Place::Hub(hub, file))
        }
        _ => Err(NoTokenizer::Wrong(format!(
            "there is no tokenizer at {name}"
        ))),
    }
}

impl Place {
    /// The template beside the tokenizer. One that cannot be used is said, and is none.
    fn template(&self, name: &str, say: &mut Option<&mut dyn FnMut(&str)>) -> Option<ChatTemplate> {
        let config = self.beside(TOKENIZER_CONFIG, say);
        let jinja = self.beside(TEMPLATE, say);
        let made = ChatTemplate::of(config.as_deref(), jinja.as_deref());
        match made {
            Ok(template) => template,
            Err(reason) => {
                tell(
                    say,
                    &format!("warning: the chat template of {name} cannot be used: {reason}"),
                );
                None
            }
        }
    }

    fn beside(&self, name: &str, say: &mut Option<&mut dyn FnMut(&str)>) -> Option<Vec<u8>> {
        match self {
            Self::Folder(folder, _) => std::fs::read(folder.join(name)).ok(),
            Self::Hub(hub, tokenizer) => {
                let file = HubFile::of_model(tokenizer.repo(), name).ok()?;
                // Of the same commit as the tokenizer, where that is known.
                let cached = hub.cached(tokenizer);
                let snapshot = cached.as_deref().and_then(Path::parent);
                let commit = snapshot.and_then(|folder| folder.file_name()?.to_str());
                let file = match commit {
                    Some(commit) => file.at(commit),
                    None => file,
                };
                if hub.cached(&file).is_none() && say.is_none() {
                    return None;
                }
                match hub.read(&file, &mut |line| tell(say, line)) {
                    Ok(bytes) => Some(bytes),
                    Err(error) if error.is_only_file_missing() => None,
                    Err(error) => {
                        tell(say, &format!("warning: {error}; {}", error.remedy()));
                        None
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &str) -> String {
        let config = serde_json::json!({"tokenizer": {"pretrained_model_name_or_path": name}});
        let config: Config = serde_json::from_value(config).unwrap();
        match ModelTokenizer::of(&config, false, None).err() {
            Some(NoTokenizer::Wrong(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_path_without_a_tokenizer_and_a_file_that_is_none_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().display().to_string();
        assert!(wrong(&name).contains("has no tokenizer.json"));
        let file = folder.path().join(TOKENIZER);
        std::fs::write(&file, "{\"model\": 1}").unwrap();
        assert!(wrong(&name).contains("is not a tokenizer"));
        assert!(wrong(&file.display().to_string()).contains("is not a tokenizer"));
        for path in ["/no/such/tokenizer", "./none", "mounted/models/qwen"] {
            assert_eq!(wrong(path), format!("there is no tokenizer at {path}"));
        }
    }
}
