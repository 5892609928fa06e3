//! Writing files: whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use bench_yaml::Diagnostic;
use tempfile::{Builder, NamedTempFile};

use crate::output::Failure;
use crate::values::system_reason;

/// A file that was not there, or is to be another one: its path and its text.
pub(super) type NewFile = (PathBuf, String);

/// Writes files, and the folders that they lie in: all of them, or none. Each is written beside its place first, under
/// another name; only when all of them are on the disk, they are moved. Files that are there are replaced.
///
/// # Errors
/// When one cannot be written. What was written is taken away again, and the error says what has become of the rest.
pub(super) fn write_all(files: &[NewFile]) -> Result<(), Failure> {
    let mut folders = Folders::default();
    let written = stage_all(files, &mut folders).and_then(move_all);
    if written.is_err() {
        folders.remove();
    }
    written
}

/// Writes one file by `write`, which may take its time: under another name, and moved when it is whole. A file that is there
/// is replaced.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_stream(
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut folders = Folders::default();
    let staged = folders
        .make(folder_of(path))
        .and_then(|()| stage(path, write));
    let written = match staged {
        Ok(staged) => move_all(vec![staged]),
        Err(error) => Err(refused(path, &error, &[])),
    };
    if written.is_err() {
        folders.remove();
    }
    written
}

/// A file that is on the disk under another name, and not in its place yet; it goes away with this.
pub(super) struct Pending {
    path: PathBuf,
    place: PathBuf,
    is_new: bool,
    file: NamedTempFile,
    folders: Folders,
}

/// Writes one file by `write`, as [`write_stream`] does, without moving it to its place.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_pending(
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<Pending, Failure> {
    let mut folders = Folders::default();
    let staged = folders
        .make(folder_of(path))
        .and_then(|()| stage(path, write));
    match staged {
        Ok(Staged {
            place,
            is_new,
            file,
            ..
        }) => Ok(Pending {
            path: path.to_owned(),
            place,
            is_new,
            file,
            folders,
        }),
        Err(error) => {
            folders.remove();
            Err(refused(path, &error, &[]))
        }
    }
}

/// Writes files as [`write_all`] does, and one that is pending with them: all of them, or none.
///
/// # Errors
/// As [`write_all`].
pub(super) fn write_all_with(pending: Option<Pending>, files: &[NewFile]) -> Result<(), Failure> {
    let Some(pending) = pending else {
        return write_all(files);
    };
    let Pending {
        path,
        place,
        is_new,
        file,
        mut folders,
    } = pending;
    let written = stage_all(files, &mut folders).and_then(|mut staged| {
        staged.push(Staged {
            path: &path,
            place,
            is_new,
            file,
        });
        move_all(staged)
    });
    if written.is_err() {
        folders.remove();
    }
    written
}

/// Writes a file that must not be there, whole or not at all. `instead` says what to do when it is there.
///
/// # Errors
/// When it is there, or cannot be written.
pub(super) fn write_new(path: &Path, text: &str, instead: &str) -> Result<(), Failure> {
    let exists = || {
        let message = format!("{} exists already, and is left as it is", path.display());
        Failure::io(message, instead)
    };
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let written = write_beside(path, |out| out.write_all(text.as_bytes()))
        .and_then(|file| file.persist_noclobber(path).map_err(|failed| failed.error));
    match written {
        Ok(_) => Ok(()),
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
        Err(error) => Err(refused(path, &error, &[])),
    }
}

/// A file under another name, and where it belongs.
struct Staged<'a> {
    path: &'a Path,
    place: PathBuf,
    /// Whether nothing is lost when it is taken away again.
    is_new: bool,
    /// It goes away with this.
    file: NamedTempFile,
}

fn stage_all<'a>(files: &'a [NewFile], folders: &mut Folders) -> Result<Vec<Staged<'a>>, Failure> {
    let mut staged = Vec::with_capacity(files.len());
    for (path, text) in files {
        let one = folders
            .make(folder_of(path))
            .and_then(|()| stage(path, |out| out.write_all(text.as_bytes())));
        staged.push(one.map_err(|error| refused(path, &error, &[]))?);
    }
    Ok(staged)
}

fn stage(
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Staged<'_>> {
    // A link stays a link: what it points at is replaced.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let existing = fs::metadata(&place).ok();
    match &existing {
        Some(known) if known.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Some(known) if !known.is_file() => return Err(io::Error::other("it is no regular file")),
        // Moving a file over it would work all the same.
        Some(known) if known.permissions().readonly() => {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is read-only",
            ));
        }
        Some(_) | None => {}
    }
    let file = write_beside(&place, write)?;
    if let Some(known) = &existing {
        file.as_file().set_permissions(known.permissions())?;
    }
    Ok(Staged {
        path,
        place,
        is_new: existing.is_none(),
        file,
    })
}

/// What `write` writes on the disk, in the folder of `place` and under another name.
fn write_beside(
    place: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    // As any other file that a user makes, and not for the user alone, as temporary files are.
    let create = |path: &Path| File::options().write(true).create_new(true).open(path);
    let mut file = Builder::new()
        .prefix(".benchctl-")
        .make_in(folder_of(place), create)?;
    write(&mut file)?;
    // Some file systems notice only now that they are full.
    file.as_file().sync_all()?;
    Ok(file)
}

/// Moves every file to its place.
fn move_all(staged: Vec<Staged<'_>>) -> Result<(), Failure> {
    let (mut new, mut replaced) = (Vec::new(), Vec::new());
    for Staged {
        path,
        place,
        is_new,
        file,
    } in staged
    {
        if let Err(failed) = file.persist(&place) {
            for place in new {
                let _ = fs::remove_file(place);
            }
            return Err(refused(path, &failed.error, &replaced));
        }
        if is_new {
            new.push(place);
        } else {
            replaced.push(path);
        }
    }
    Ok(())
}

/// The folders that were not there.
#[derive(Default)]
struct Folders(Vec<PathBuf>);

impl Folders {
    fn make(&mut self, folder: &Path) -> io::Result<()> {
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.0.push(folder.to_owned()),
                Err(_) if folder.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes them away again, unless somebody has put something into them.
    fn remove(&self) {
        for folder in self.0.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn refused(path: &Path, error: &io::Error, replaced: &[&Path]) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "its folder does not exist".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is a file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => system_reason(error),
    };
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room there, or choose another folder"
        }
        io::ErrorKind::NotFound => "create it, or choose another one",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable, or choose a place that you may write to"
        }
        _ => "choose another place",
    };
    let state = if replaced.is_empty() {
        "nothing was written: all files are as they were".to_owned()
    } else {
        let names: Vec<String> = replaced
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        format!(
            "replaced already: {}; all other files are as they were",
            names.join(", ")
        )
    };
    let message = format!("cannot write {}: {reason}", path.display());
    let problem = Diagnostic::error("", message).note(state).help(remedy);
    Failure::Io(Box::new(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_before_a_failure_is_named_or_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old"), "old").unwrap();
        let files: Vec<NewFile> = ["old", "new", "blocked", "after"]
            .map(|name| (at(name), name.to_uppercase()))
            .into();
        let staged = stage_all(&files, &mut Folders::default()).unwrap();
        // Between the two steps somebody makes a folder of it.
        fs::create_dir(at("blocked")).unwrap();
        let Err(Failure::Io(problem)) = move_all(staged) else {
            unreachable!("a file is not moved over a folder");
        };
        assert!(problem.message.contains("blocked: "), "{problem:?}");
        let replaced = format!("replaced already: {};", at("old").display());
        assert!(problem.notes[0].starts_with(&replaced), "{problem:?}");
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["blocked", "old"]);
        assert_eq!(fs::read_to_string(at("old")).unwrap(), "OLD");
    }

    #[test]
    fn links_and_rights_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        assert!(write_all(&[(link.clone(), "new".to_owned())]).is_ok());
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }
}
