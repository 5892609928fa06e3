//! The files of the data set, on this machine.

use std::path::PathBuf;

use bench_contract::config::{Config, DataType};

/// The ShareGPT file that is read where none is named, as inference-perf does it.
const SHAREGPT: &str =
    "hf://anon8231489123/ShareGPT_Vicuna_unfiltered/ShareGPT_V3_unfiltered_cleaned_split.json";

/// The address of the data set, where it is not on this machine.
#[must_use]
pub fn remote(config: &Config) -> Option<&str> {
    named(config).filter(|path| path.contains("://"))
}

fn named(config: &Config) -> Option<&str> {
    let data = &config.data;
    match (data.path.as_deref(), data.kind) {
        (Some(path), kind) if kind.reads_a_file() => Some(path),
        (None, DataType::ShareGpt) => Some(SHAREGPT),
        _ => None,
    }
}

/// Where the data set of a config is, fetched first where it is elsewhere; none where prompts are made.
///
/// # Errors
/// When it cannot be fetched.
pub fn fetch(config: &Config) -> Result<Option<PathBuf>, String> {
    if let Some(address) = remote(config) {
        return Err(format!("cannot fetch {address}"));
    }
    Ok(named(config).map(PathBuf::from))
}
