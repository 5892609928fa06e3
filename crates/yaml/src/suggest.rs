//! "Did you mean …".

use strsim::damerau_levenshtein;

/// The candidate that a mistyped word most likely meant, if one is near enough.
///
/// Near is a Damerau-Levenshtein distance of at most 2, or of a third of the word's length; and less than half of the
/// longer word, so that short words are not matched with anything. Case and `_`/`-` do not count: `std_dev` is `stdDev`.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    suggest_all(word, candidates).into_iter().next()
}

/// All near candidates, the nearest first; at the same distance in the order given.
pub fn suggest_all<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word_folded = fold(word);
    let length = word_folded.chars().count();
    let limit = (length / 3).max(2);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter_map(|candidate| {
            let candidate_folded = fold(candidate);
            let longer = candidate_folded.chars().count().max(length);
            let distance = damerau_levenshtein(&word_folded, &candidate_folded);
            (distance <= limit && distance * 2 < longer.max(1)).then_some((distance, candidate))
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

fn fold(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_errors() {
        assert_eq!(
            suggest("scenerio", ["target", "scenario", "scenarios"]),
            Some("scenario")
        );
        assert_eq!(
            suggest(
                "prodution",
                ["baseline", "saturation", "sweep", "production"]
            ),
            Some("production")
        );
        assert_eq!(suggest("std_dev", ["min", "stdDev"]), Some("stdDev"));
        assert_eq!(suggest("tpye", ["type"]), Some("type"));
    }

    #[test]
    fn stays_silent_when_nothing_is_near() {
        assert_eq!(suggest("foo", ["bar", "api"]), None);
        assert_eq!(suggest("n", ["a"]), None);
        assert_eq!(suggest("", ["a", ""]), None);
    }
}
