//! Files of the Hugging Face hub: tokenizers and data sets, from its cache on this machine or over the network.
//!
//! `HF_ENDPOINT` names a mirror, `HF_TOKEN` says who asks, `HF_HUB_OFFLINE` forbids to ask at all, and `HF_HUB_CACHE` or
//! `HF_HOME` say where the cache is, as for the hub's own tools. A file appears there whole or not at all.

mod cache;
mod download;
mod error;
mod file;

use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use tempfile::TempDir;

use crate::environment::Environment;
use cache::{Cache, home};
use download::{Download, Sink};

pub use error::HubError;
pub use file::HubFile;

/// Who is asked where nobody else is named.
const ENDPOINT: &str = "https://huggingface.co";

/// How long a file that is read whole may take.
const WHOLE: Duration = Duration::from_secs(60);

/// The hub, its mirror, or its cache alone.
#[derive(Clone)]
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    /// The variable that forbids to ask.
    offline: Option<&'static str>,
    cache: Cache,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret.
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// A file on this machine.
#[derive(Debug)]
pub struct Fetched {
    path: PathBuf,
    /// Where it is when the cache does not take it: gone with this.
    _folder: Option<TempDir>,
}

impl Deref for Fetched {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Hub {
    /// The hub that `env` describes. `token` wins over its `HF_TOKEN`.
    #[must_use]
    pub fn new(env: &Environment, token: Option<&str>) -> Self {
        let token = token.or_else(|| env.get("HF_TOKEN"));
        let token = token.or_else(|| env.get("HUGGING_FACE_HUB_TOKEN"));
        let token = token.map(str::to_owned).or_else(|| {
            // What `hf auth login` leaves behind.
            let named = env.get("HF_TOKEN_PATH").map(PathBuf::from);
            let file = named.unwrap_or_else(|| home(env).join("token"));
            std::fs::read_to_string(file).ok()
        });
        let token = token.map(|token| token.trim().to_owned());
        let is_on = |name: &&str| {
            let value = env.get(name).unwrap_or_default();
            ["1", "on", "yes", "true"].contains(&value.to_ascii_lowercase().as_str())
        };
        let endpoint = env.get("HF_ENDPOINT").unwrap_or(ENDPOINT);
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token.filter(|token| !token.is_empty()),
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
                .into_iter()
                .find(is_on),
            cache: Cache::of(env),
        }
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where the cache of this machine has the file, if it does.
    #[must_use]
    pub fn cached(&self, file: &HubFile) -> Option<PathBuf> {
        self.cache.find(file)
    }

    /// The bytes of a file of at most some hundred megabytes: of the cache; else asked for within a minute, and kept in the
    /// cache if that takes it. `say` is given a line before anything is asked for, and whatever is to be known.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn read(&self, file: &HubFile, say: &mut dyn FnMut(&str)) -> Result<Vec<u8>, HubError> {
        if let Some(path) = self.cached(file)
            && let Ok(bytes) = std::fs::read(path)
        {
            return Ok(bytes);
        }
        self.may_ask(file)?;
        say(&format!("fetching {file} from {}", self.endpoint));
        let mut bytes = Vec::new();
        let commit = self.download(file, &mut Sink::Memory(&mut bytes), Some(WHOLE), say)?;
        let kept = self.cache.begin(file).and_then(|mut written| {
            written.write_all(&bytes)?;
            self.cache.end(file, commit.as_deref(), written)
        });
        if let Err(error) = kept {
            say(&self.is_not_kept(file, &error));
        }
        Ok(bytes)
    }

    /// A file of any size: of the cache; else asked for and written to it, or to a temporary folder if the cache does not
    /// take it. It may take as long as it needs while something keeps coming. `say` is given a line before anything is asked
    /// for, one every few seconds, and whatever is to be known.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn fetch(&self, file: &HubFile, say: &mut dyn FnMut(&str)) -> Result<Fetched, HubError> {
        if let Some(path) = self.cached(file) {
            return Ok(Fetched {
                path,
                _folder: None,
            });
        }
        self.may_ask(file)?;
        say(&format!("fetching {file} from {}", self.endpoint));
        let tried = self.cache.begin(file).map_err(|error| HubError::Disk {
            path: self.cache.folder().to_owned(),
            error,
        });
        let tried = tried.and_then(|mut written| {
            let commit = self.download(file, &mut Sink::File(&mut written), None, say)?;
            let ended = self.cache.end(file, commit.as_deref(), written);
            ended.map_err(|error| HubError::Disk {
                path: self.cache.folder().to_owned(),
                error,
            })
        });
        let error = match tried {
            Ok(path) => {
                return Ok(Fetched {
                    path,
                    _folder: None,
                });
            }
            Err(HubError::Disk { error, .. }) => error,
            Err(other) => return Err(other),
        };
        say(&self.is_not_kept(file, &error));
        let aside = |error| HubError::Disk {
            path: std::env::temp_dir(),
            error,
        };
        let folder = tempfile::tempdir().map_err(aside)?;
        let mut written = cache::temporary(folder.path()).map_err(aside)?;
        self.download(file, &mut Sink::File(&mut written), None, say)?;
        let name = Path::new(&file.path).file_name().unwrap_or_default();
        let path = folder.path().join(name);
        written
            .persist(&path)
            .map_err(|failed| aside(failed.error))?;
        Ok(Fetched {
            path,
            _folder: Some(folder),
        })
    }

    fn may_ask(&self, file: &HubFile) -> Result<(), HubError> {
        if let Some(variable) = self.offline {
            return Err(HubError::Offline {
                file: file.to_string(),
                cache: self.cache.folder().to_owned(),
                variable,
            });
        }
        if self.cache.is_known_missing(file) {
            return Err(HubError::Missing {
                file: file.to_string(),
                host: self.endpoint.clone(),
                message: String::new(),
                only_file: true,
            });
        }
        Ok(())
    }

    fn is_not_kept(&self, file: &HubFile, error: &std::io::Error) -> String {
        format!(
            "warning: {file} is not kept for the next run: cannot write to {}: {error}; mount a folder that can be written and name it in HF_HOME",
            self.cache.folder().display()
        )
    }

    /// Where a file is asked for.
    fn url(&self, file: &HubFile) -> Result<Url, HubError> {
        let wrong = || {
            HubError::Other(format!(
                "HF_ENDPOINT is {}, which is no http:// or https:// address",
                self.endpoint
            ))
        };
        let mut url = Url::parse(&self.endpoint).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let mut segments = url.path_segments_mut().map_err(|()| wrong())?;
        segments.pop_if_empty();
        if file.kind == file::Kind::DataSet {
            segments.push("datasets");
        }
        segments.extend(file.repo.split('/'));
        segments.extend(["resolve", &file.revision]);
        segments.extend(file.path.split('/'));
        drop(segments);
        Ok(url)
    }

    /// Asks for a file. Returns the commit that it is of, where the hub says so.
    fn download(
        &self,
        file: &HubFile,
        sink: &mut Sink<'_>,
        total: Option<Duration>,
        say: &mut dyn FnMut(&str),
    ) -> Result<Option<String>, HubError> {
        let url = self.url(file)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| HubError::Other(format!("cannot start the event loop: {error}")))?;
        let done = runtime.block_on(async {
            let mut download = Download::new(file, url, self.token.as_deref())?;
            let done = download.run(sink, total, say).await;
            let commit = download.commit().map(str::to_owned);
            if let (Err(error), Some(commit)) = (&done, &commit)
                && error.is_only_file_missing()
            {
                self.cache.note_missing(file, commit);
            }
            done.map(|()| commit)
        });
        // A name that is still being resolved is not waited for.
        runtime.shutdown_background();
        done
    }
}
