//! What an upload consists of: its checksum, and where its bytes come from.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http_body_util::StreamBody;
use md5::{Digest, Md5};
use object_store::PutPayload;

use crate::deadline::Deadline;

/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// How much of a file that is not in memory is stood for by the same bytes.
const STAND_IN: u64 = 1024 * 1024;

/// The MD5 of something.
pub(crate) type Md5Sum = [u8; 16];

/// One upload, for whoever sends it.
#[derive(Debug)]
pub(crate) struct Upload {
    pub md5: Md5Sum,
    /// In bytes.
    pub length: u64,
    /// Where its bytes are, if they are not in the request.
    pub file: Option<Source>,
}

/// A file that is read while it is sent.
#[derive(Debug)]
pub(crate) struct Source {
    pub path: PathBuf,
    /// Put off by bytes that go further than those of every earlier attempt.
    pub deadline: Deadline,
    pub farthest: Arc<AtomicU64>,
}

impl Upload {
    /// Of bytes that are in the request.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self {
            md5: Md5::digest(bytes).into(),
            length: bytes.len() as u64,
            file: None,
        }
    }

    /// The header of its checksum.
    pub(crate) fn content_md5(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&BASE64_STANDARD.encode(self.md5)).ok()
    }
}

impl Source {
    /// The body of a request, read as fast as it is sent.
    pub(crate) fn body(&self, length: u64) -> io::Result<reqwest::Body> {
        let pieces = Pieces {
            file: File::open(&self.path)?,
            left: length,
            done: 0,
            deadline: self.deadline.clone(),
            farthest: self.farthest.clone(),
        };
        let frames = pieces.map(|piece| piece.map(http_body::Frame::data));
        Ok(reqwest::Body::wrap(StreamBody::new(stream::iter(frames))))
    }
}

struct Pieces {
    file: File,
    left: u64,
    done: u64,
    deadline: Deadline,
    farthest: Arc<AtomicU64>,
}

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.left == 0 {
            return None;
        }
        // Whoever asks for more has sent what came before.
        if self.farthest.fetch_max(self.done, Ordering::Relaxed) < self.done {
            self.deadline.put_off();
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(self.left).unwrap_or(PIECE))];
        if let Err(error) = self.file.read_exact(&mut piece) {
            self.left = 0;
            return Some(Err(error));
        }
        self.left -= piece.len() as u64;
        self.done += piece.len() as u64;
        Some(Ok(piece.into()))
    }
}

/// The MD5 of a file, read piece by piece.
pub(crate) fn md5_of(path: &Path) -> io::Result<Md5Sum> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE];
    let mut md5 = Md5::new();
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(md5.finalize().into()),
            read => md5.update(&piece[..read]),
        }
    }
}

/// A payload of this length that takes next to no memory: the library gets it in place of a file, to sign a request of the right
/// length.
pub(crate) fn stand_in(length: u64) -> PutPayload {
    let zeros = Bytes::from(vec![0; STAND_IN as usize]);
    let whole = std::iter::repeat_n(zeros.clone(), (length / STAND_IN) as usize);
    let rest = zeros.slice(..(length % STAND_IN) as usize);
    whole.chain((!rest.is_empty()).then_some(rest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_has_the_length_of_what_it_stands_for() {
        for length in [0, 1, STAND_IN - 1, STAND_IN, 5 * STAND_IN + 7] {
            assert_eq!(stand_in(length).content_length() as u64, length);
        }
    }

    #[test]
    fn a_file_is_summed_like_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..700_000_u32).map(|index| (index % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(md5_of(&path).unwrap(), Upload::of_bytes(&bytes).md5);
    }
}
