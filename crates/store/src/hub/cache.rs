//! The hub's own cache on this machine, as its other tools lay it out, so that each finds what another has fetched:
//! `models--owner--name/refs/main` holds a commit, `snapshots/<commit>/` its files, and `.no_exist/<commit>/` is empty files
//! named as those that it does not have.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::file::{HubFile, is_name};
use crate::environment::Environment;

/// The cache.
#[derive(Clone, Debug)]
pub(super) struct Cache(PathBuf);

impl Cache {
    /// Where the environment says that it is.
    pub(super) fn of(env: &Environment) -> Self {
        let given = env.get("HF_HUB_CACHE").or(env.get("HUGGINGFACE_HUB_CACHE"));
        if let Some(folder) = given {
            return Self(folder.into());
        }
        Self(home(env).join("hub"))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    fn of_repo(&self, file: &HubFile) -> PathBuf {
        self.0.join(file.folder())
    }

    /// The commit that a revision was when it was last asked for.
    fn commit(&self, file: &HubFile) -> Option<String> {
        let read = std::fs::read_to_string(self.of_repo(file).join("refs").join(&file.revision));
        let commit = read.ok()?.trim().to_owned();
        is_name(&commit).then_some(commit)
    }

    /// The file, if it is here: of the commit that the revision is known to be; else of the revision's own name; else, for
    /// `main`, of any commit.
    pub(super) fn find(&self, file: &HubFile) -> Option<PathBuf> {
        let snapshots = self.of_repo(file).join("snapshots");
        let at = |revision: &str| {
            let path = snapshots.join(revision).join(&file.path);
            path.is_file().then_some(path)
        };
        let known = self.commit(file).and_then(|commit| at(&commit));
        known.or_else(|| at(&file.revision)).or_else(|| {
            if file.revision != "main" {
                return None;
            }
            let names = std::fs::read_dir(&snapshots).ok()?;
            let mut names: Vec<String> = names
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .collect();
            names.sort();
            names.iter().rev().find_map(|name| at(name))
        })
    }

    /// Whether the file is known not to exist.
    pub(super) fn is_known_missing(&self, file: &HubFile) -> bool {
        let of = |commit: &str| self.missing(file, commit).is_file();
        of(&file.revision) || self.commit(file).is_some_and(|commit| of(&commit))
    }

    fn missing(&self, file: &HubFile, commit: &str) -> PathBuf {
        let folder = self.of_repo(file).join(".no_exist").join(commit);
        folder.join(&file.path)
    }

    /// Remembers that a commit has no such file. That it could not be remembered is of no account.
    pub(super) fn note_missing(&self, file: &HubFile, commit: &str) {
        let path = self.missing(file, commit);
        if let Some(folder) = path.parent()
            && std::fs::create_dir_all(folder).is_ok()
        {
            let _ = std::fs::File::create(path);
        }
    }

    /// A file to write a download into, on the file system where it will stay.
    pub(super) fn begin(&self, file: &HubFile) -> io::Result<NamedTempFile> {
        let folder = self.of_repo(file).join("blobs");
        std::fs::create_dir_all(&folder)?;
        temporary(&folder)
    }

    /// Gives a whole download its place and name.
    pub(super) fn end(
        &self,
        file: &HubFile,
        commit: Option<&str>,
        mut written: NamedTempFile,
    ) -> io::Result<PathBuf> {
        let revision = commit.unwrap_or(&file.revision);
        let snapshot = self.of_repo(file).join("snapshots").join(revision);
        let path = snapshot.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap_or(&snapshot))?;
        written.flush()?;
        written.as_file().sync_all()?;
        written.persist(&path).map_err(|error| error.error)?;
        if let Some(commit) = commit.filter(|commit| *commit != file.revision) {
            let refs = self.of_repo(file).join("refs");
            std::fs::create_dir_all(&refs)?;
            let mut name = temporary(&refs)?;
            name.write_all(commit.as_bytes())?;
            let named = name.persist(refs.join(&file.revision));
            named.map_err(|error| error.error)?;
        }
        Ok(path)
    }
}

/// The folder of all that the hub's tools keep.
pub(super) fn home(env: &Environment) -> PathBuf {
    if let Some(home) = env.get("HF_HOME") {
        return home.into();
    }
    let cache = env.get("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(env.get("HOME")?).join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("huggingface")
}

/// A file that others may read once it has its name.
pub(super) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .suffix(".incomplete")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)
}
