//! A data set: which entries there are and where they stand.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bench_contract::config::DataType;

use super::item::{self, Broken, Item, Unusable};
use super::scan::{Entry, Lines, ScanError, Scanner};

/// How much of a file is read at once.
const CHUNK: usize = 256 * 1024;

/// Why a data set cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct DataError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, where it is about one.
    pub line: Option<u64>,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub help: &'static str,
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}; {}", self.reason, self.help)
    }
}

impl std::error::Error for DataError {}

/// The entries of one or more files. Each takes 24 bytes; what is in them stays in the files.
#[derive(Debug)]
pub struct DataSet {
    kind: DataType,
    files: Vec<(PathBuf, File)>,
    places: Vec<Place>,
    unusable: [u64; 3],
}

#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    line: u64,
    length: u32,
    file: u16,
}

impl DataSet {
    /// Goes through the file at `path`, or through all files of that folder whose names end as those of data sets do.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and line; that there is no file, or no entry that could be sent.
    pub fn open(kind: DataType, path: &Path) -> Result<Self, DataError> {
        let mut set = Self {
            kind,
            files: Vec::new(),
            places: Vec::new(),
            unusable: [0; 3],
        };
        for file in files(kind, path)? {
            set.index(file)?;
        }
        if set.places.is_empty() {
            return Err(DataError {
                file: path.to_owned(),
                line: None,
                reason: format!("it holds no entry that could be sent{}", set.left_out()),
                help: match kind {
                    DataType::Jsonl => "write one prompt a line: {\"prompt\": \"…\"}",
                    _ => "a conversation needs a turn of the user's and an answer to it",
                },
            });
        }
        Ok(set)
    }

    /// How many entries can be sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none, which a set that was opened does not have.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The first file.
    #[must_use]
    pub fn file(&self) -> &Path {
        self.files.first().map_or(Path::new(""), |(path, _)| path)
    }

    /// Which entries were left out and why, in words that follow others: `; 3 without an answer`. Empty where none were.
    #[must_use]
    pub fn left_out(&self) -> String {
        let names = [
            "without a user's turn",
            "without an answer",
            "with an empty prompt",
        ];
        let told: Vec<String> = self
            .unusable
            .iter()
            .zip(names)
            .filter(|(count, _)| **count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        if told.is_empty() {
            return String::new();
        }
        format!("; left out: {}", told.join(", "))
    }

    /// Entry `index`.
    ///
    /// # Errors
    /// When the file cannot be read any more, or has changed.
    pub fn read(&self, index: usize) -> Result<Item, DataError> {
        let place = self.places[index];
        let (path, file) = &self.files[usize::from(place.file)];
        let changed = |reason: String| DataError {
            file: path.clone(),
            line: Some(place.line),
            reason,
            help: "a data set must not change while it is used",
        };
        let mut bytes = vec![0; place.length as usize];
        file.read_exact_at(&mut bytes, place.offset)
            .map_err(|error| changed(format!("it can no longer be read: {error}")))?;
        match parse(self.kind, &bytes) {
            Ok(Ok(item)) => Ok(item),
            Ok(Err(_)) | Err(_) => Err(changed("it is no longer what it was".to_owned())),
        }
    }

    /// Where entry `index` stands, for messages about it.
    #[must_use]
    pub fn place(&self, index: usize) -> (PathBuf, u64) {
        let place = self.places[index];
        (self.files[usize::from(place.file)].0.clone(), place.line)
    }

    fn index(&mut self, path: PathBuf) -> Result<(), DataError> {
        let fail = |line, reason: String, help| DataError {
            file: path.clone(),
            line,
            reason,
            help,
        };
        let unreadable = |error: io::Error| {
            fail(
                None,
                format!("it cannot be read: {error}"),
                "data.path is a path where loadgen runs, in a pod that of a volume",
            )
        };
        let file = File::open(&path).map_err(unreadable)?;
        if let Some(packed) = packed(&file).map_err(unreadable)? {
            return Err(fail(
                None,
                format!("it is compressed ({packed})"),
                "unpack it: entries are read from where they stand",
            ));
        }
        let number = u16::try_from(self.files.len()).map_err(|_| {
            fail(
                None,
                "there are more than 65536 files".to_owned(),
                "put them together",
            )
        })?;
        let reader = file.try_clone().map_err(unreadable)?;
        let input = BufReader::with_capacity(CHUNK, reader);
        let mut take = |entry: Entry<'_>| -> Result<(), DataError> {
            match parse(self.kind, entry.bytes) {
                Ok(Ok(_)) => self.places.push(Place {
                    offset: entry.offset,
                    line: entry.line,
                    length: u32::try_from(entry.bytes.len()).unwrap_or(u32::MAX),
                    file: number,
                }),
                Ok(Err(unusable)) => self.unusable[unusable as usize] += 1,
                Err(Broken { lines, reason }) => {
                    let line = Some(entry.line + lines);
                    return Err(fail(line, reason, "correct the line, or remove it"));
                }
            }
            Ok(())
        };
        let broken = |error| match error {
            ScanError::Io(error) => unreadable(error),
            ScanError::Syntax { line, reason } => {
                fail(Some(line), reason, "correct it, or remove it")
            }
        };
        if self.kind == DataType::Jsonl {
            let mut lines = Lines::new(input);
            while let Some(entry) = lines.next().map_err(broken)? {
                take(entry)?;
            }
        } else {
            let mut scanner = Scanner::new(input);
            while let Some(entry) = scanner.next().map_err(broken)? {
                take(entry)?;
            }
        }
        self.files.push((path, file));
        Ok(())
    }
}

fn parse(kind: DataType, bytes: &[u8]) -> Result<Result<Item, Unusable>, Broken> {
    match kind {
        DataType::Jsonl => item::line(bytes),
        _ => item::sharegpt(bytes),
    }
}

/// The files of a data set, in order of their names.
fn files(kind: DataType, path: &Path) -> Result<Vec<PathBuf>, DataError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let ends: &[&str] = match kind {
        DataType::Jsonl => &["jsonl", "ndjson"],
        _ => &["json", "jsonl"],
    };
    let fail = |reason: String| DataError {
        file: path.to_owned(),
        line: None,
        reason,
        help: "name a file, or a folder that holds them",
    };
    let entries = std::fs::read_dir(path);
    let entries = entries.map_err(|error| fail(format!("it cannot be read: {error}")))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file())
        .filter(|path| {
            let end = path.extension().and_then(|end| end.to_str());
            end.is_some_and(|end| ends.iter().any(|known| end.eq_ignore_ascii_case(known)))
        })
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(fail(format!("the folder holds no .{} file", ends[0])));
    }
    Ok(files)
}

/// How a file is compressed, by its first bytes.
fn packed(file: &File) -> io::Result<Option<&'static str>> {
    let mut start = [0; 4];
    let count = file.read_at(&mut start, 0)?;
    Ok(match &start[..count] {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("zstd"),
        [b'P', b'K', 3, 4] => Some("zip"),
        [b'P', b'A', b'R', b'1'] => Some("parquet"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    #[test]
    fn entries_are_found_again() {
        let (_folder, file) = written("a.jsonl", "{\"prompt\": \"one\"}\r\n\r\n\"two\"\r\n");
        let set = DataSet::open(DataType::Jsonl, &file).unwrap();
        let texts: Vec<String> = (0..set.len())
            .map(|index| set.read(index).unwrap().messages[0].content.clone())
            .collect();
        assert_eq!(texts, ["one", "two"]);
        assert_eq!(set.place(1), (file.clone(), 3));
        std::fs::write(&file, "gone").unwrap();
        assert!(
            set.read(0)
                .unwrap_err()
                .to_string()
                .contains("must not change")
        );
    }

    #[test]
    fn a_folder_is_all_its_files() {
        let (folder, _) = written(
            "b.json",
            r#"[{"conversations": [{"from": "human", "value": "b"}, {"from": "gpt", "value": "x"}]}]"#,
        );
        std::fs::write(folder.path().join("a.json"), r#"[{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "x"}]}, {"conversations": []}]"#).unwrap();
        std::fs::write(folder.path().join("README.md"), "no data").unwrap();
        let set = DataSet::open(DataType::ShareGpt, folder.path()).unwrap();
        let said: Vec<_> = (0..set.len())
            .map(|i| set.read(i).unwrap().messages[0].content.clone())
            .collect();
        assert_eq!(said, ["a", "b"]);
        assert_eq!(set.left_out(), "; left out: 1 without a user's turn");
    }

    #[test]
    fn what_is_wrong_is_said_with_file_line_and_remedy() {
        let seventeen = format!("{}{{\"prompt\": }}\n", "{\"prompt\": \"x\"}\n".repeat(16));
        for (name, text, line, reason) in [
            ("a.jsonl", seventeen.as_str(), Some(17), "expected value"),
            ("a.jsonl", "", None, "no entry that could be sent"),
            (
                "a.jsonl",
                "{\"text\": \"x\"}",
                Some(1),
                "neither `prompt` nor `messages`",
            ),
            ("a.jsonl", "\u{1f}\u{8b}", None, "no entry"),
        ] {
            let (_folder, file) = written(name, text);
            match DataSet::open(DataType::Jsonl, &file) {
                Err(error) if text.starts_with('\u{1f}') => assert_eq!(error.line, Some(1)),
                Err(error) => {
                    assert_eq!(error.line, line, "{error}");
                    assert!(error.reason.contains(reason), "{error}");
                }
                Ok(_) => panic!("{text}"),
            }
        }
        let (_folder, file) = written("a.jsonl", "");
        std::fs::write(&file, [0x1f, 0x8b, 8, 0, 0]).unwrap();
        let error = DataSet::open(DataType::Jsonl, &file).unwrap_err();
        assert!(
            error.to_string().contains("compressed (gzip); unpack it"),
            "{error}"
        );
        let error = DataSet::open(DataType::ShareGpt, Path::new("/no/such")).unwrap_err();
        assert!(
            error.to_string().contains("in a pod that of a volume"),
            "{error}"
        );
    }
}
