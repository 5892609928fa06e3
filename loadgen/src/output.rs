//! The folder that a run's files go to.

mod leftovers;

use std::io;
use std::path::{Path, PathBuf};

use bench_contract::Config;

use crate::notice;
use crate::run_id::fill;
use leftovers::{RESERVE, UNFINISHED, beside_attempts, results};

/// How much room is kept for the reports, in bytes.
const RESERVED: u64 = 4 * 1024 * 1024;

/// A local folder for the files of one run.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    prefix: String,
    kind: Kind,
}

/// How a folder has come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The config names it; it may hold an earlier run's results.
    Named,
    /// It was made for this run.
    New,
    /// The same, until its files are uploaded.
    Temporary,
}

/// What decides about the folder of a run.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The run's id.
    pub run_id: &'a str,
    /// When it was started.
    pub started: jiff::Timestamp,
    /// The name of the pod, where this is a Job's. The results of an earlier attempt of the same Job stay.
    pub pod: Option<&'a str>,
}

impl Folder {
    /// Creates the folder that the config names, or a temporary one where files are only uploaded; `None` where they go nowhere.
    /// What an earlier run has left in it stays until [`Self::take`].
    ///
    /// # Errors
    /// When it cannot be created or written to, with the folder's name and what helps.
    pub fn create(config: &Config, occasion: Occasion<'_>) -> Result<Option<Self>, String> {
        let Occasion {
            run_id, started, ..
        } = occasion;
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
        let is_of_run = |template: &str| template.contains("{run_id}");
        let is_of_run = local.path.as_deref().is_some_and(is_of_run);
        let given = given.map(|path| beside_attempts(path, &prefix, is_of_run, occasion));
        let created = match &given {
            Some(path) => std::fs::create_dir_all(path).map(|()| path.clone()),
            None => create_new(Path::new(&fill("reports-{timestamp}"))),
        };
        let remedy = "choose another with --storage.local_storage.path FOLDER";
        let kind = given.as_ref().map_or(Kind::New, |_| Kind::Named);
        let named = given.unwrap_or_else(|| PathBuf::from("."));
        let path = created.map_err(|error| {
            format!(
                "cannot create the results folder {}: {error}; {remedy}",
                named.display()
            )
        })?;
        let folder = Self { path, prefix, kind };
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
                kind: Kind::Temporary,
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
        self.kind == Kind::Temporary
    }

    /// Leaves things as they were before, since the run does not begin.
    pub fn discard(&self) {
        self.release();
        match self.kind {
            Kind::Temporary => self.remove(),
            Kind::New => drop(std::fs::remove_dir(&self.path)),
            Kind::Named => {}
        }
    }

    /// Removes a temporary folder, once its files are elsewhere.
    pub fn remove(&self) {
        if self.is_temporary()
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            notice(&format!("cannot remove {}: {error}", self.path.display()));
        }
    }

    /// Removes what an earlier run has left here, so that its files cannot be taken for this one's. Only a run that begins does
    /// that.
    ///
    /// # Errors
    /// When it cannot be removed, with its name.
    pub fn take(&self) -> Result<(), String> {
        let ours = results(&self.path, &self.prefix);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_id::mark;

    fn config(path: &str) -> Config {
        serde_json::from_value(serde_json::json!({"storage": {"local_storage": {"path": path, "report_file_prefix": "x-"}}}))
            .unwrap()
    }

    fn create(
        config: &Config,
        run_id: &str,
        started: jiff::Timestamp,
        pod: Option<&str>,
    ) -> Result<Option<Folder>, String> {
        let occasion = Occasion {
            run_id,
            started,
            pod,
        };
        Folder::create(config, occasion)
    }

    #[test]
    fn an_attempt_of_a_job_leaves_the_results_of_those_before() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().display().to_string();
        let run = |path: &str, run_id: &str, pod: &str| {
            let config = config(&format!("{root}/{path}"));
            let folder = create(&config, run_id, jiff::Timestamp::UNIX_EPOCH, Some(pod));
            let folder = folder.unwrap().unwrap();
            folder.take().unwrap();
            let line = format!("{}{pod}", mark(run_id));
            folder.write("config.yaml", line.as_bytes()).unwrap();
            let path = folder.path().display().to_string();
            path.strip_prefix(&root).unwrap().to_owned()
        };
        assert_eq!(run("{run_id}", "r", "a"), "/r");
        assert_eq!(run("{run_id}", "r", "b"), "/r/attempt-b");
        assert_eq!(run("{run_id}", "r", "b"), "/r/attempt-b-2");
        // Where runs share a path, the config says whose the results are: another run's are replaced.
        assert_eq!(run("fixed", "r", "a"), "/fixed");
        assert_eq!(run("fixed", "r", "b"), "/fixed/attempt-b");
        assert_eq!(run("fixed", "s", "c"), "/fixed");
        // An attempt that was killed before it had begun has left nothing that counts.
        let config = config(&format!("{root}/kept"));
        let refused = create(&config, "r", jiff::Timestamp::UNIX_EPOCH, Some("a"));
        refused.unwrap().unwrap();
        assert_eq!(run("kept", "r", "b"), "/kept");
    }

    #[test]
    fn placeholders_are_filled_and_files_are_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = format!("{}/{{run_id}}/{{timestamp}}", root.path().display());
        let started = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let folder = create(&config(&path), "id", started, None)
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
        let error = create(
            &config("/dev/null/x"),
            "id",
            jiff::Timestamp::UNIX_EPOCH,
            None,
        )
        .unwrap_err();
        assert!(
            error.contains("/dev/null/x") && error.contains("--storage.local_storage.path"),
            "{error}"
        );
    }

    #[test]
    fn storage_null_writes_nothing() {
        let off: Config = serde_json::from_value(serde_json::json!({"storage": null})).unwrap();
        assert!(
            create(&off, "id", jiff::Timestamp::UNIX_EPOCH, None)
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
            create(&config, &id, jiff::Timestamp::UNIX_EPOCH, None)
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
        let folder = create(&config, "id", jiff::Timestamp::UNIX_EPOCH, None);
        let folder = folder.unwrap().unwrap();
        // Nothing before the run begins.
        assert_eq!(results(root.path(), "x-").len(), 3);
        folder.discard();
        assert_eq!(results(root.path(), "x-").len(), 3);
        folder.take().unwrap();
        let mut names: Vec<_> = std::fs::read_dir(root.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["notes.txt", "report.json"]);
    }
}
