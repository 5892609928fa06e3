//! The folder that a run's files go to.

use std::io;
use std::path::{Path, PathBuf};

use bench_contract::Config;
use serde::Serialize;

use crate::run_id::timestamp;

/// A local folder for the files of one run.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    prefix: String,
}

impl Folder {
    /// Creates the folder that the config names; `None` where local storage is off.
    ///
    /// # Errors
    /// When it cannot be created or written to, with the folder's name and what helps.
    pub fn create(
        config: &Config,
        run_id: &str,
        started: jiff::Timestamp,
    ) -> Result<Option<Self>, String> {
        let Some(local) = config
            .storage
            .as_ref()
            .and_then(|storage| storage.local_storage.as_ref())
        else {
            return Ok(None);
        };
        let fill = |text: &str| {
            text.replace("{timestamp}", &timestamp(started))
                .replace("{run_id}", run_id)
        };
        let path = PathBuf::from(fill(local.path.as_deref().unwrap_or("reports-{timestamp}")));
        let prefix = fill(local.report_file_prefix.as_deref().unwrap_or_default());
        std::fs::create_dir_all(&path).map_err(|error| {
            format!(
                "cannot create the results folder {}: {error}; choose another with --storage.local_storage.path FOLDER",
                path.display()
            )
        })?;
        Ok(Some(Self { path, prefix }))
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
        let beside = self.file(&format!("{name}.partial"));
        let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, &file));
        written.map_err(|error: io::Error| {
            // Half a file helps nobody and may be what fills the disk.
            let _ = std::fs::remove_file(&beside);
            format!("cannot write {}: {error}", file.display())
        })
    }

    /// Writes `value` as indented JSON.
    ///
    /// # Errors
    /// As [`Folder::write`].
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), String> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|error| format!("cannot serialise {name}: {error}"))?;
        text.push(b'\n');
        self.write(name, &text)
    }
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
        folder.write_json("a.json", &[1, 2]).unwrap();
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
}
