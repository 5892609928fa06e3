//! Prose to cut prompts from: pieces whose tokens are counted once, so that no prompt has to be counted.
//!
//! A piece is a space and what follows it up to the next one. Tokenizers cut a text at such places before they look for
//! tokens, so that the tokens of pieces in a row are the sum of theirs; whether that holds for a tokenizer is checked when it
//! is loaded.

use std::collections::HashMap;

use super::super::tokens::ModelTokenizer;

/// The built-in prose, written for this.
const BUILT_IN: &str = include_str!("corpus.txt");

/// A piece of more tokens is cut in smaller ones: prose of languages without spaces has pieces as long as sentences.
const LONGEST: usize = 24;

/// How many characters the parts of such a piece have.
const PART: usize = 8;

/// So much of a corpus is counted as a whole, in bytes, to see whether its pieces add up.
const TRIED: usize = 256 * 1024;

/// Prose in pieces.
pub(super) struct Pieces {
    text: String,
    /// Where each piece begins in the text, and where the last one ends.
    places: Vec<usize>,
    /// How many tokens there are before each piece, and in all.
    sums: Vec<usize>,
    adds_up: bool,
}

/// The prose that a config names, else the built-in one.
///
/// # Errors
/// With the file and what is wrong with it.
pub(super) fn prose(path: Option<&str>) -> Result<String, String> {
    let Some(path) = path else {
        return Ok(BUILT_IN.split_whitespace().collect::<Vec<_>>().join(" "));
    };
    let bytes = std::fs::read(path).map_err(|error| {
        format!("cannot read data.corpus_file_path {path}: {error}; mount it, or leave it out for the built-in text")
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        format!(
            "data.corpus_file_path {path} is not UTF-8 text: byte {}; convert it, for example by iconv",
            error.utf8_error().valid_up_to()
        )
    })?;
    match text.trim() {
        "" => Err(format!(
            "data.corpus_file_path {path} is empty; prompts cannot be cut from it"
        )),
        text => Ok(text.to_owned()),
    }
}

/// Where pieces of `text` begin, the first at 0: at each single space between two other characters.
fn cuts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let is_free = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|byte| !byte.is_ascii_whitespace())
    };
    let inner =
        (1..bytes.len()).filter(|&at| bytes[at] == b' ' && is_free(at - 1) && is_free(at + 1));
    std::iter::once(0).chain(inner).collect()
}

impl Pieces {
    /// Counts the pieces of `prose` after a word, `anchor`, that is one token.
    ///
    /// # Errors
    /// When the tokenizer fails on it.
    pub(super) fn by(
        tokenizer: &ModelTokenizer,
        prose: &str,
        anchor: &str,
    ) -> Result<Self, String> {
        // A piece may come after any other text, the first one too.
        let text = format!(" {}", prose.trim());
        let mut starts = cuts(&text);
        if starts.get(1) == Some(&0) {
            starts.remove(1);
        }
        let mut pieces = Self {
            places: Vec::with_capacity(starts.len() + 1),
            sums: Vec::with_capacity(starts.len() + 1),
            text,
            adds_up: true,
        };
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut total = 0;
        let ends = starts.iter().skip(1).copied().chain([pieces.text.len()]);
        for (start, end) in starts.iter().copied().zip(ends) {
            let piece = &pieces.text[start..end];
            let tokens = match known.get(piece) {
                Some(&tokens) => tokens,
                None => {
                    let tokens = tokenizer.count_within(&format!("{anchor}{piece}"))?;
                    let tokens = tokens.saturating_sub(1);
                    known.insert(piece, tokens);
                    tokens
                }
            };
            if tokens <= LONGEST {
                pieces.places.push(start);
                pieces.sums.push(total);
                total += tokens;
                continue;
            }
            // These do not add up, as nothing says that tokens end where they do.
            pieces.adds_up = false;
            let inner: Vec<usize> = piece.char_indices().map(|(at, _)| at).collect();
            let parts = inner.len().div_ceil(PART).max(1);
            for (number, part) in inner.chunks(PART).enumerate() {
                pieces.places.push(start + part[0]);
                pieces.sums.push(total + tokens * number / parts);
            }
            total += tokens;
        }
        pieces.places.push(pieces.text.len());
        pieces.sums.push(total);
        pieces.adds_up = pieces.adds_up && pieces.is_sum(tokenizer, anchor)?;
        Ok(pieces)
    }

    /// Whether the beginning of the prose, or all of it, is as many tokens as its pieces.
    fn is_sum(&self, tokenizer: &ModelTokenizer, anchor: &str) -> Result<bool, String> {
        let last = self.places.partition_point(|&place| place <= TRIED).max(1) - 1;
        let last = last.max(1).min(self.len());
        let text = format!("{anchor}{}", &self.text[..self.places[last]]);
        Ok(tokenizer.count_within(&text)? == self.sums[last] + 1)
    }

    /// Whether pieces in a row are as many tokens as they are one by one.
    pub(super) fn adds_up(&self) -> bool {
        self.adds_up
    }

    /// How many pieces there are, at least 1.
    pub(super) fn len(&self) -> usize {
        self.places.len() - 1
    }

    /// Appends pieces from `start` on, beginning anew after the last, as long as they fit into `left` tokens. Returns how
    /// many tokens are left.
    pub(super) fn append(&self, start: usize, mut left: usize, text: &mut String) -> usize {
        let (mut at, last) = (start.min(self.len()), self.len());
        if self.sums[last] == 0 {
            return left;
        }
        loop {
            let limit = self.sums[at] + left;
            let end = self.sums.partition_point(|&sum| sum <= limit) - 1;
            text.push_str(&self.text[self.places[at]..self.places[end]]);
            left -= self.sums[end] - self.sums[at];
            if end < last {
                return left;
            }
            at = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_begin_at_single_spaces_only() {
        let text = " One two.\n\nThree  four five \n six";
        let starts = cuts(text);
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let pieces: Vec<&str> = starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(a, b)| &text[a..b])
            .collect();
        assert_eq!(pieces, [" One", " two.\n\nThree  four", " five \n six"]);
    }

    #[test]
    fn what_is_wrong_with_a_file_of_prose_is_said_with_its_name_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prose.txt");
        let of = || prose(Some(path.to_str().unwrap()));
        assert!(of().unwrap_err().contains("prose.txt"));
        std::fs::write(&path, b"abc\xff").unwrap();
        assert!(of().unwrap_err().contains("not UTF-8 text: byte 3"));
        std::fs::write(&path, " \n").unwrap();
        assert!(of().unwrap_err().contains("is empty"));
        std::fs::write(&path, "a\nb \n").unwrap();
        assert_eq!(of().unwrap(), "a\nb");
    }

    #[test]
    fn the_built_in_prose_is_long_plain_and_without_line_ends() {
        let text = prose(None).unwrap();
        assert!((15_000..25_000).contains(&text.len()), "{}", text.len());
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
}
