//! `requests.jsonl.zst`: one line a request, written while the run goes on.
//!
//! Workers hand over batches of finished lines; one thread compresses and writes them. Each batch ends a zstd frame, so a
//! process that is killed leaves a file whose whole frames can be read.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// The file of the records.
pub const RECORDS: &str = "requests.jsonl.zst";

/// inference-perf's file of the same.
pub const LIFECYCLE: &str = "per_request_lifecycle_metrics.json";

/// Lines that are handed over together, in bytes.
pub const BATCH: usize = 256 * 1024;

/// zstd's level: the fastest; the lines are mostly digits, and compress to a fifth all the same.
const LEVEL: i32 = 1;

/// What a worker hands over.
#[derive(Debug, Default)]
pub struct Batch {
    /// Lines of `requests.jsonl`.
    pub records: Vec<u8>,
    /// Entries of `per_request_lifecycle_metrics.json`, each followed by a comma and a newline.
    pub lifecycle: Vec<u8>,
}

/// Where batches go. Cheap to clone; sending never waits.
#[derive(Clone)]
pub struct JournalSender(Sender<Batch>);

impl JournalSender {
    /// Hands `batch` to the writing thread. Nothing is done once that has failed; [`Journal::finish`] tells.
    pub fn send(&self, batch: Batch) {
        let _ = self.0.send(batch);
    }
}

/// The writing thread.
pub struct Journal {
    sender: JournalSender,
    thread: JoinHandle<Vec<String>>,
}

/// The files of a journal.
pub struct JournalFiles {
    /// `requests.jsonl.zst`.
    pub records: PathBuf,
    /// `per_request_lifecycle_metrics.json`, where it is asked for.
    pub lifecycle: Option<PathBuf>,
}

impl Journal {
    /// Creates the files and starts the thread.
    ///
    /// # Errors
    /// When a file cannot be created.
    pub fn start(files: &JournalFiles) -> io::Result<Self> {
        let mut outputs = Outputs {
            records: Some((files.records.clone(), File::create(&files.records)?)),
            lifecycle: None,
            failures: Vec::new(),
        };
        if let Some(path) = &files.lifecycle {
            outputs.lifecycle = Some((path.clone(), Array::create(path)?));
        }
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || outputs.write(&receiver))?;
        Ok(Self {
            sender: JournalSender(sender),
            thread,
        })
    }

    /// Where workers send their batches.
    #[must_use]
    pub fn sender(&self) -> JournalSender {
        self.sender.clone()
    }

    /// Waits until everything is on disk, and returns what failed at any time, for example because the disk was full; what
    /// was written before stays. Every sender must have been dropped.
    #[must_use]
    pub fn finish(self) -> Vec<String> {
        drop(self.sender);
        let panicked = |_| vec!["the thread that writes the records panicked".to_owned()];
        self.thread.join().unwrap_or_else(panicked)
    }
}

/// The open files; one that has failed is given up, and the other goes on.
struct Outputs {
    records: Option<(PathBuf, File)>,
    lifecycle: Option<(PathBuf, Array)>,
    failures: Vec<String>,
}

impl Outputs {
    fn write(mut self, batches: &Receiver<Batch>) -> Vec<String> {
        // The workers' CPUs are theirs first.
        let _ = rustix::process::setpriority_process(None, 10);
        for batch in batches {
            if let Some((path, file)) = &mut self.records {
                let written = zstd::bulk::compress(&batch.records, LEVEL)
                    .and_then(|bytes| file.write_all(&bytes));
                if let Err(error) = written {
                    self.failures.push(incomplete(path, &error));
                    self.records = None;
                }
            }
            if let Some((path, array)) = &mut self.lifecycle
                && let Err(error) = array.push(&batch.lifecycle)
            {
                self.failures.push(incomplete(path, &error));
                self.lifecycle = None;
            }
        }
        if let Some((path, array)) = self.lifecycle
            && let Err(error) = array.end()
        {
            self.failures.push(incomplete(&path, &error));
        }
        self.failures
    }
}

fn incomplete(path: &Path, error: &io::Error) -> String {
    format!(
        "cannot write {}: {error}; what is in it is not complete",
        path.display()
    )
}

/// A JSON array whose entries arrive one by one.
struct Array {
    out: BufWriter<File>,
    empty: bool,
}

impl Array {
    fn create(path: &Path) -> io::Result<Self> {
        let mut out = BufWriter::new(File::create(path)?);
        out.write_all(b"[")?;
        Ok(Self { out, empty: true })
    }

    /// Appends `entries`, each of which ends in `,\n`.
    fn push(&mut self, entries: &[u8]) -> io::Result<()> {
        let Some(entries) = entries.strip_suffix(b",\n") else {
            return Ok(());
        };
        self.out
            .write_all(if self.empty { b"\n" } else { b",\n" })?;
        self.empty = false;
        self.out.write_all(entries)
    }

    fn end(mut self) -> io::Result<()> {
        self.out.write_all(b"\n]\n")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_several_workers_come_out_whole() {
        let folder = tempfile::tempdir().unwrap();
        let files = JournalFiles {
            records: folder.path().join("requests.jsonl.zst"),
            lifecycle: Some(folder.path().join("per_request.json")),
        };
        let journal = Journal::start(&files).unwrap();
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let sender = journal.sender();
                scope.spawn(move || {
                    for index in 0..10 {
                        let line = format!("{{\"w\":{worker},\"i\":{index}}}");
                        sender.send(Batch {
                            records: format!("{line}\n").into_bytes(),
                            lifecycle: format!("{line},\n").into_bytes(),
                        });
                    }
                });
            }
        });
        assert!(journal.finish().is_empty());
        let text =
            String::from_utf8(zstd::decode_all(File::open(&files.records).unwrap()).unwrap())
                .unwrap();
        assert_eq!(text.lines().count(), 40);
        let array = std::fs::read_to_string(files.lifecycle.unwrap()).unwrap();
        assert_eq!(
            serde_json::from_str::<Vec<serde_json::Value>>(&array)
                .unwrap()
                .len(),
            40
        );
    }

    #[test]
    fn a_full_disk_is_said_at_the_end() {
        let files = JournalFiles {
            records: PathBuf::from("/dev/full"),
            lifecycle: None,
        };
        let journal = Journal::start(&files).unwrap();
        journal.sender().send(Batch {
            records: vec![b'x'; BATCH],
            lifecycle: Vec::new(),
        });
        let error = journal.finish().join("");
        assert!(
            error.contains("/dev/full") && error.contains("not complete"),
            "{error}"
        );
    }

    #[test]
    fn no_requests_are_an_empty_array() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("per_request.json");
        let files = JournalFiles {
            records: folder.path().join("r.zst"),
            lifecycle: Some(path.clone()),
        };
        assert!(Journal::start(&files).unwrap().finish().is_empty());
        assert_eq!(std::fs::read_to_string(path).unwrap(), "[\n]\n");
    }
}
