//! Which old object a new one is compared with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Identity;
use super::cluster::{created, is_live};

/// For each new object the index of the old one that it replaces: that of its name, else its predecessor, whose name
/// differs in nothing but the hash. What shares a name has one predecessor: a Job and its ConfigMap never come from two.
pub(super) fn pairs(old: &[Value], known: &[Identity], new: &[Identity]) -> Vec<Option<usize>> {
    let in_place = |identity: &Identity, index: usize| {
        // A manifest may leave the namespace to `kubectl -n`; what lies in a cluster has one.
        let is_left_out = identity.namespace.is_empty() && is_live(&old[index]);
        is_left_out || known[index].namespace == identity.namespace
    };
    let mut is_taken = vec![false; old.len()];
    let mut take = |identity: &Identity, name: &str| {
        let index = (0..known.len()).find(|&index| {
            !is_taken[index]
                && known[index].name == name
                && known[index].is_like(identity)
                && in_place(identity, index)
        })?;
        is_taken[index] = true;
        Some(index)
    };
    // The same names first, so that none of them is taken for a renamed one.
    let same: Vec<Option<usize>> = new
        .iter()
        .map(|identity| take(identity, &identity.name))
        .collect();
    let mut pairs = same.clone();
    for (identity, pair) in new.iter().zip(&mut pairs) {
        let sharing = || {
            new.iter().zip(&same).filter(|(other, _)| {
                other.name == identity.name && other.namespace == identity.namespace
            })
        };
        // What is there under this very name is no successor of anything.
        if sharing().any(|(_, same)| same.is_some()) {
            continue;
        }
        let candidates = (0..known.len()).filter(|&index| {
            let other = &known[index];
            in_place(identity, index)
                && other.base() == identity.base()
                && !same.contains(&Some(index))
                && sharing().any(|(sharing, _)| other.is_like(sharing))
        });
        *pair = latest(old, known, candidates).and_then(|name| take(identity, name));
    }
    pairs
}

/// The name of the generation that was made last. Without times it is the one with the most objects, and of those the
/// last in the file.
fn latest<'a>(
    old: &'a [Value],
    known: &'a [Identity],
    candidates: impl Iterator<Item = usize>,
) -> Option<&'a str> {
    let mut generations: BTreeMap<&str, (Option<&str>, usize, usize)> = BTreeMap::new();
    for index in candidates {
        let (time, count, last) = generations.entry(&known[index].name).or_default();
        *time = (*time).max(created(&old[index]));
        *count += 1;
        *last = index;
    }
    generations
        .into_iter()
        .max_by_key(|(_, rank)| *rank)
        .map(|(name, _)| name)
}
