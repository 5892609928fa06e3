//! The folder that a run's files go to.

use std::io;
use std::path::{Path, PathBuf};

use bench_contract::Config;

use crate::notice;
use crate::run_id::fill;

/// What keeps room for the reports.
const RESERVE: &str = ".room-for-reports";

/// How the name of a file ends as long as it is not whole.
const UNFINISHED: &str = ".partial";

/// How much room that is, in bytes.
const RESERVED: u64 = 4 * 1024 * 1024;

/// A local folder for the files of one run.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    prefix: String,
    is_temporary: bool,
}

impl Folder {
    /// Creates the folder that the config names, or a temporary one where files are only uploaded; `None` where they go nowhere.
    ///
    /// # Errors
    /// When it cannot be created or written to, with the folder's name and what helps.
    pub fn create(
        config: &Config,
        run_id: &str,
        started: jiff::Timestamp,
    ) -> Result<Option<Self>, String> {
        let Some(storage) = &config.storage else {
            return Ok(None);
        };
        let Some(local) = &storage.local_storage else {
            return storage
                .uploads()
                .then(|| Self::temporary(run_id))
                .transpose();
        };
        let fill = |text: &str| fill(text, run_id, started);
        let prefix = fill(local.report_file_prefix.as_deref().unwrap_or_default());
        let given = local.path.as_deref().map(|path| PathBuf::from(fill(path)));
        let created = match &given {
            Some(path) => std::fs::create_dir_all(path).map(|()| path.clone()),
            None => create_new(Path::new(&fill("reports-{timestamp}"))),
        };
        let remedy = "choose another with --storage.local_storage.path FOLDER";
        let named = given.unwrap_or_else(|| PathBuf::from("."));
        let path = created.map_err(|error| {
            format!(
                "cannot create the results folder {}: {error}; {remedy}",
                named.display()
            )
        })?;
        let folder = Self {
            path,
            prefix,
            is_temporary: false,
        };
        folder.clear()?;
        folder.reserve().map_err(|error| {
            format!(
                "cannot write to the results folder {}: {error}; {remedy}",
                folder.path.display()
            )
        })?;
        Ok(Some(folder))
    }

    fn temporary(run_id: &str) -> Result<Self, String> {
        let name = std::env::temp_dir().join(format!("loadgen-{run_id}"));
        let folder = create_new(&name).and_then(|path| {
            let folder = Self {
                path,
                prefix: String::new(),
                is_temporary: true,
            };
            folder.reserve()?;
            Ok(folder)
        });
        folder.map_err(|error| {
            format!(
                "cannot keep the results in {} until they are uploaded: {error}; name another folder in TMPDIR",
                name.display()
            )
        })
    }

    /// Whether it is there only until the files are uploaded.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Removes a temporary folder, once its files are elsewhere.
    pub fn remove(&self) {
        if self.is_temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            notice(&format!("cannot remove {}: {error}", self.path.display()));
        }
    }

    /// Removes what an earlier run has left here, so that its files cannot be taken for this one's.
    fn clear(&self) -> Result<(), String> {
        let entries = std::fs::read_dir(&self.path)
            .into_iter()
            .flatten()
            .flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let ours: Vec<String> = names.filter(|name| is_ours(name, &self.prefix)).collect();
        for name in &ours {
            std::fs::remove_file(self.path.join(name)).map_err(|error| {
                format!("cannot replace {name} in {}: {error}", self.path.display())
            })?;
        }
        if !ours.is_empty() {
            notice(&format!(
                "the results of an earlier run in {} are replaced",
                self.path.display()
            ));
        }
        Ok(())
    }

    /// Keeps room for the reports, so that records that fill the disk cannot crowd them out.
    fn reserve(&self) -> io::Result<()> {
        let file = std::fs::File::create(self.file(RESERVE))?;
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, RESERVED) {
            // Some file systems cannot promise room.
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the room that was kept to the reports.
    pub fn release(&self) {
        let _ = std::fs::remove_file(self.file(RESERVE));
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of file `name`, prefix included.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{}{name}", self.prefix))
    }

    /// Writes a file whole or not at all: beside its place first, then renamed.
    ///
    /// # Errors
    /// When it cannot be written, with its name.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let file = self.file(name);
        let beside = self.file(&format!("{name}{UNFINISHED}"));
        let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, &file));
        written.map_err(|error: io::Error| {
            // Half a file helps nobody and may be what fills the disk.
            let _ = std::fs::remove_file(&beside);
            format!("cannot write {}: {error}", file.display())
        })
    }
}

/// Creates a folder that was not there before: `name`, or `name-2` and so on where two runs start in one second.
fn create_new(name: &Path) -> io::Result<PathBuf> {
    for place in 1..100 {
        let path = if place == 1 {
            name.to_owned()
        } else {
            PathBuf::from(format!("{}-{place}", name.display()))
        };
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Whether a run writes a file of this name.
fn is_ours(name: &str, prefix: &str) -> bool {
    let Some(name) = name.strip_prefix(prefix) else {
        return false;
    };
    // What was being written when a run was killed.
    let name = name.strip_suffix(UNFINISHED).unwrap_or(name);
    let fixed = [
        "report.json",
        "report.html",
        "junit.xml",
        "requests.jsonl.zst",
        "summary_lifecycle_metrics.json",
        "per_request_lifecycle_metrics.json",
        "config.yaml",
        RESERVE,
    ];
    let stage = name
        .strip_prefix("stage_")
        .and_then(|rest| rest.strip_suffix("_lifecycle_metrics.json"));
    fixed.contains(&name) || stage.is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: &str) -> Config {
        serde_json::from_value(serde_json::json!({"storage": {"local_storage": {"path": path, "report_file_prefix": "x-"}}}))
            .unwrap()
    }

    #[test]
    fn placeholders_are_filled_and_files_are_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = format!("{}/{{run_id}}/{{timestamp}}", root.path().display());
        let started = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let folder = Folder::create(&config(&path), "id", started)
            .unwrap()
            .unwrap();
        assert!(folder.path().ends_with("id/20270115-080000"));
        folder.release();
        folder.write("a.json", b"[1, 2]").unwrap();
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["x-a.json"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_which_and_what_helps() {
        let error =
            Folder::create(&config("/dev/null/x"), "id", jiff::Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(
            error.contains("/dev/null/x") && error.contains("--storage.local_storage.path"),
            "{error}"
        );
    }

    #[test]
    fn storage_null_writes_nothing() {
        let off: Config = serde_json::from_value(serde_json::json!({"storage": null})).unwrap();
        assert!(
            Folder::create(&off, "id", jiff::Timestamp::UNIX_EPOCH)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn files_that_are_only_uploaded_have_a_folder_until_then() {
        let config: Config = serde_json::from_value(serde_json::json!({"storage": {
            "local_storage": null, "simple_storage_service": {"bucket_name": "b"}
        }}))
        .unwrap();
        let make = || {
            let id = format!("test-{}", std::process::id());
            Folder::create(&config, &id, jiff::Timestamp::UNIX_EPOCH)
        };
        let (first, second) = (make().unwrap().unwrap(), make().unwrap().unwrap());
        assert!(first.is_temporary() && first.path() != second.path());
        for folder in [first, second] {
            folder.release();
            folder.write("a", b"x").unwrap();
            folder.remove();
            assert!(!folder.path().exists());
        }
    }

    #[test]
    fn what_an_earlier_run_left_is_replaced_and_what_others_left_is_not() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "x-report.json",
            "x-stage_3_lifecycle_metrics.json",
            "x-report.html.partial",
            "report.json",
            "notes.txt",
        ] {
            std::fs::write(root.path().join(name), "old").unwrap();
        }
        let config = config(&root.path().display().to_string());
        Folder::create(&config, "id", jiff::Timestamp::UNIX_EPOCH)
            .unwrap()
            .unwrap()
            .release();
        let mut names: Vec<_> = std::fs::read_dir(root.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["notes.txt", "report.json"]);
    }
}
