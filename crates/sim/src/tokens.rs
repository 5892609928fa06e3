//! The text of replies.

/// Common words with their leading space: one token each in the byte-pair vocabularies in use, so that a client that counts
/// by tokenising the reply arrives at the same number. None needs escaping in JSON.
const WORDS: [&str; 64] = [
    " the", " of", " and", " to", " in", " is", " that", " for", " it", " as", " was", " with",
    " be", " by", " on", " not", " he", " his", " but", " at", " are", " this", " have", " from",
    " or", " had", " an", " they", " which", " one", " you", " were", " all", " her", " she",
    " there", " would", " their", " we", " him", " been", " has", " when", " who", " will", " no",
    " more", " if", " out", " so", " up", " said", " what", " its", " about", " than", " into",
    " them", " can", " only", " other", " time", " new", " some",
];

/// Token `k` (from 0) of reply `index`.
pub(crate) fn text(index: u64, k: u32) -> &'static str {
    WORDS[place(index, k)]
}

/// Its number in a vocabulary, for clients that ask for token ids.
pub(crate) fn id(index: u64, k: u32) -> u32 {
    1000 + place(index, k) as u32
}

fn place(index: u64, k: u32) -> usize {
    // 29 and 11 are coprime to 64: neighbours differ, and every word comes up.
    (u64::from(k).wrapping_mul(29)).wrapping_add(index.wrapping_mul(11)) as usize % WORDS.len()
}
