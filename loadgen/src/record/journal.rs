//! `requests.jsonl.zst`: one line a request, written while the run goes on.
//!
//! Workers hand over batches of finished lines; one thread compresses and writes them. Each batch ends a zstd frame, so a
//! process that is killed leaves a file whose whole frames can be read.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// How much may wait to be written, in bytes, before records are left out: a disk that cannot follow costs records, not the run.
/// inference-perf's entries, which say nothing that records do not, are left out from half of it on.
const ROOM: usize = 256 * 1024 * 1024;

/// What a worker hands over.
#[derive(Debug, Default)]
pub struct Batch {
    /// Lines of `requests.jsonl`.
    pub records: Vec<u8>,
    /// Entries of `per_request_lifecycle_metrics.json`, each followed by a comma and a newline.
    pub lifecycle: Vec<u8>,
}

impl Batch {
    fn len(&self) -> usize {
        self.records.len() + self.lifecycle.len()
    }
}

/// Where batches go. Cheap to clone; sending never waits.
#[derive(Clone)]
pub struct JournalSender {
    batches: Sender<Batch>,
    queue: Arc<Queue>,
}

/// What waits to be written, and what there was no room for.
#[derive(Debug)]
struct Queue {
    room: usize,
    /// In bytes.
    waiting: AtomicUsize,
    lost_records: AtomicUsize,
    lost_entries: AtomicUsize,
}

impl Queue {
    fn new(room: usize) -> Self {
        Self {
            room,
            waiting: AtomicUsize::new(0),
            lost_records: AtomicUsize::new(0),
            lost_entries: AtomicUsize::new(0),
        }
    }

    /// Takes from a batch what there is no room for, and counts it.
    fn admit(&self, batch: &mut Batch) {
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting + batch.len() > self.room / 2 {
            let lost = lines(&std::mem::take(&mut batch.lifecycle));
            self.lost_entries.fetch_add(lost, Ordering::Relaxed);
        }
        if waiting + batch.len() > self.room {
            let lost = lines(&std::mem::take(&mut batch.records));
            self.lost_records.fetch_add(lost, Ordering::Relaxed);
        }
        self.waiting.fetch_add(batch.len(), Ordering::Relaxed);
    }

    /// What is to be said of what there was no room for, in the files of these names.
    fn losses(&self, files: &JournalFiles) -> Vec<String> {
        let lost = |count: &AtomicUsize, path: &Path| {
            let count = count.load(Ordering::Relaxed);
            (count > 0).then(|| {
                format!(
                    "{count} requests are missing in {}: the disk was too slow for them; name a faster one in storage.local_storage.path",
                    path.display()
                )
            })
        };
        let entries = files.lifecycle.as_ref();
        let entries = entries.and_then(|path| lost(&self.lost_entries, path));
        lost(&self.lost_records, &files.records)
            .into_iter()
            .chain(entries)
            .collect()
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

impl JournalSender {
    /// Hands `batch` to the writing thread. Nothing is done once that has failed, and what there is no room for is left out;
    /// [`Journal::finish`] tells.
    pub fn send(&self, mut batch: Batch) {
        self.queue.admit(&mut batch);
        if batch.len() > 0 {
            let _ = self.batches.send(batch);
        }
    }
}

/// The writing thread.
pub struct Journal {
    sender: JournalSender,
    files: JournalFiles,
    thread: JoinHandle<Vec<String>>,
}

/// The files of a journal.
#[derive(Clone, Debug)]
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
        let (batches, receiver) = channel();
        let queue = Arc::new(Queue::new(ROOM));
        let of_thread = queue.clone();
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || outputs.write(&receiver, &of_thread))?;
        Ok(Self {
            sender: JournalSender { batches, queue },
            files: files.clone(),
            thread,
        })
    }

    /// Where workers send their batches.
    #[must_use]
    pub fn sender(&self) -> JournalSender {
        self.sender.clone()
    }

    /// Waits until everything is on disk, and returns what failed at any time, for example because the disk was full, and how
    /// much it was too slow for; what was written before stays. Every sender must have been dropped.
    #[must_use]
    pub fn finish(self) -> Vec<String> {
        let queue = self.sender.queue.clone();
        drop(self.sender);
        let panicked = |_| vec!["the thread that writes the records panicked".to_owned()];
        let mut failures = self.thread.join().unwrap_or_else(panicked);
        failures.extend(queue.losses(&self.files));
        failures
    }
}

/// The open files; one that has failed is given up, and the other goes on.
struct Outputs {
    records: Option<(PathBuf, File)>,
    lifecycle: Option<(PathBuf, Array)>,
    failures: Vec<String>,
}

impl Outputs {
    fn write(mut self, batches: &Receiver<Batch>, queue: &Queue) -> Vec<String> {
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
            queue.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
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
    fn a_disk_that_cannot_follow_costs_entries_then_records_and_that_is_said() {
        let (batches, receiver) = channel();
        let queue = Arc::new(Queue::new(100));
        let sender = JournalSender {
            batches,
            queue: queue.clone(),
        };
        // Two requests each, 20 bytes of records and as many of entries, of which nothing is written.
        let batch = || Batch {
            records: b"123456789\n123456789\n".to_vec(),
            lifecycle: b"12345678,\n12345678,\n".to_vec(),
        };
        for _ in 0..6 {
            sender.send(batch());
        }
        let taken: Vec<(usize, usize)> = receiver
            .try_iter()
            .map(|batch| (batch.records.len(), batch.lifecycle.len()))
            .collect();
        assert_eq!(taken, [(20, 20), (20, 0), (20, 0), (20, 0)]);
        let files = JournalFiles {
            records: PathBuf::from("records"),
            lifecycle: Some(PathBuf::from("entries")),
        };
        let said = queue.losses(&files);
        assert!(
            said[0].starts_with("4 requests are missing in records"),
            "{said:?}"
        );
        assert!(
            said[1].starts_with("10 requests are missing in entries"),
            "{said:?}"
        );
        // What has been written makes room again.
        queue.waiting.store(0, Ordering::Relaxed);
        sender.send(batch());
        assert_eq!(receiver.try_recv().unwrap().len(), 40);
    }

    #[test]
    fn what_is_written_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let files = JournalFiles {
            records: folder.path().join("r.zst"),
            lifecycle: None,
        };
        let journal = Journal::start(&files).unwrap();
        let (sender, queue) = (journal.sender(), journal.sender.queue.clone());
        sender.send(Batch {
            records: vec![b'x'; BATCH],
            lifecycle: Vec::new(),
        });
        drop(sender);
        assert!(journal.finish().is_empty());
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 0);
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
