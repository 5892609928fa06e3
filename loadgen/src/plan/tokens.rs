//! The tokenizer of the model, where one is at hand.

use std::path::{Path, PathBuf};

use tokenizers::Tokenizer;

/// Where the tokenizer of `name` was found, if anywhere on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file that can be loaded.
    File(PathBuf),
    /// A Hugging Face id that is not in the local cache.
    NotHere,
}

/// Looks for `tokenizer.json` of `name`: the file itself, a folder with it, or a Hugging Face id in the local cache
/// (`$HF_HOME`, else `~/.cache/huggingface`). Nothing is downloaded.
///
/// # Errors
/// When `name` is a path on this machine that holds no `tokenizer.json`.
pub fn find(name: &str) -> Result<Found, String> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(Found::File(path.to_owned()));
    }
    if path.is_dir() {
        let file = path.join("tokenizer.json");
        return if file.is_file() {
            Ok(Found::File(file))
        } else {
            Err(format!("the tokenizer folder {name} has no tokenizer.json"))
        };
    }
    if path.is_absolute() || name.starts_with('.') {
        return Err(format!("there is no tokenizer at {name}"));
    }
    Ok(in_cache(name).map_or(Found::NotHere, Found::File))
}

fn in_cache(id: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HF_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/huggingface")))?;
    let snapshots = home
        .join("hub")
        .join(format!("models--{}", id.replace('/', "--")))
        .join("snapshots");
    let mut files: Vec<PathBuf> = std::fs::read_dir(snapshots)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("tokenizer.json")))
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    files.pop()
}

/// Loads a `tokenizer.json`.
///
/// # Errors
/// When the file cannot be read or is no tokenizer.
pub fn load(file: &Path) -> Result<Tokenizer, String> {
    Tokenizer::from_file(file)
        .map_err(|error| format!("{} is not a tokenizer: {error}", file.display()))
}

/// How many tokens `text` is, special tokens (such as a beginning-of-text mark) included.
///
/// # Errors
/// When the tokenizer fails on the text.
pub fn count(tokenizer: &Tokenizer, text: &str) -> Result<usize, String> {
    tokenizer
        .encode(text, true)
        .map(|encoding| encoding.len())
        .map_err(|error| error.to_string())
}
