//! The files of the data set, on this machine.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use bench_contract::config::{Config, DataType, SHAREGPT, Secret};
use bench_store::hub::{Fetched, Hub, HubFile};
use bench_store::{Address, Environment, NotAnAddress};
use tempfile::TempDir;

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

/// A file or folder on this machine; what was fetched may be gone with this.
#[derive(Debug)]
pub struct Local {
    path: PathBuf,
    _kept: Option<Kept>,
}

#[derive(Debug)]
enum Kept {
    OfHub(#[expect(dead_code, reason = "held for its folder")] Fetched),
    OfStore(#[expect(dead_code, reason = "held for its file")] TempDir),
}

impl Deref for Local {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

/// Where the data set of a config is, fetched first where it is elsewhere; none where prompts are made. `say` is given what
/// people should know meanwhile.
///
/// # Errors
/// When it cannot be fetched, with a remedy.
pub fn fetch(config: &Config, say: &mut dyn FnMut(&str)) -> Result<Option<Local>, String> {
    let Some(path) = named(config) else {
        return Ok(None);
    };
    let local = if path.starts_with("hf://") {
        let file = HubFile::of_data_set(path)?;
        let token = config.tokenizer.as_ref().and_then(|t| t.token.as_ref());
        let hub = Hub::new(&Environment::of_process(), token.map(Secret::expose));
        let fetched = hub.fetch(&file, say).map_err(|error| {
            format!(
                "cannot fetch {path}: {error}; {}, or name a file that is here (data.path)",
                error.remedy()
            )
        })?;
        Local {
            path: fetched.to_path_buf(),
            _kept: Some(Kept::OfHub(fetched)),
        }
    } else if path.contains("://") {
        let address: Address = path
            .parse()
            .map_err(|error: NotAnAddress| format!("data.path: {error}"))?;
        say(&format!("fetching {path}"));
        let failed = |error: String| format!("cannot fetch {path}: {error}");
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        // What it ends in says what it is.
        let name = address.key.rsplit('/').next().unwrap_or_default();
        let file = folder.path().join(name);
        bench_store::read_into(&address, &file).map_err(|error| failed(error.to_string()))?;
        Local {
            path: file,
            _kept: Some(Kept::OfStore(folder)),
        }
    } else {
        Local {
            path: PathBuf::from(path),
            _kept: None,
        }
    };
    Ok(Some(local))
}
