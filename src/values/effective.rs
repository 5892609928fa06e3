//! The fold of all layers, and what can be asked of its result.

use std::borrow::Cow;
use std::sync::Arc;

use bench_yaml::{Diagnostic, pointer_push, pointer_tokens};

use super::assign::assign;
use super::layer::{Layer, Location, merged};
use super::load::{Change, Loaded};
use super::merge::{coalesce, merge_maps};
use super::tree::{Data, Fields, Item, number_in};

/// The merged values, each with the place it came from.
#[derive(Clone, Debug)]
pub struct Effective {
    merged: Fields,
    user: Fields,
    deleted: Vec<Deleted>,
    problems: Vec<Diagnostic>,
}

/// A default that a null of the user took away. Whether that is allowed is for the schema to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Deleted {
    /// Where the default was, as a JSON pointer.
    pub pointer: String,
    /// Where the null stands (for `key:` without a value both spans are the key).
    pub location: Location,
    /// What was lost.
    pub default: serde_json::Value,
}

/// Folds what could be read, whatever could not; [`Effective::problems`] says what that was.
#[must_use]
pub fn fold_on(defaults: &[Layer], loaded: Loaded) -> Effective {
    let Loaded {
        changes,
        mut problems,
    } = loaded;
    let below = match defaults {
        [only] => Cow::Borrowed(&only.fields),
        layers => Cow::Owned(merged(layers).fields),
    };
    let mut user = Fields::default();
    for change in changes {
        match change {
            Change::Merge(fields) => merge_maps(&mut user, fields),
            Change::Assign(assignment) => problems.extend(assign(&mut user, &below, assignment)),
        }
    }
    let mut deleted = Vec::new();
    let merged = coalesce(&below, &user, &mut deleted);
    Effective {
        merged,
        user,
        deleted,
        problems,
    }
}

impl Effective {
    /// The values: keys of the defaults in their order, then what the user added in the order given.
    pub fn json(&self) -> serde_json::Value {
        to_json(&self.merged)
    }

    /// What the user gave, merged, without any default (but with the default list that a `--set` index edits).
    pub fn user_supplied(&self) -> serde_json::Value {
        to_json(&self.user)
    }

    /// Where the value at a JSON pointer comes from. A mapping that several layers wrote into belongs to the last one.
    pub fn locate(&self, pointer: &str) -> Option<Location> {
        find(&self.merged, pointer).map(|item| Location::from(&item.place))
    }

    /// The text at a JSON pointer, where there is one.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        match &find(&self.merged, pointer)?.data {
            Data::String(text) => Some(text),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::List(_) | Data::Map(_) => None,
        }
    }

    /// The place of the nearest value on the way to a JSON pointer, with the pointer of what was found; for messages
    /// about values that are missing. None if nothing of the way exists.
    pub fn locate_nearest(&self, pointer: &str) -> Option<(String, Location)> {
        let mut pointer = pointer;
        loop {
            if let Some(location) = self.locate(pointer) {
                return Some((pointer.to_owned(), location));
            }
            (pointer, _) = pointer.rsplit_once('/')?;
        }
    }

    /// The layer that set the value at a JSON pointer, as users know it.
    pub fn layer_of(&self, pointer: &str) -> Option<&str> {
        find(&self.merged, pointer).map(|item| &*item.place.origin.layer)
    }

    /// Whether the user said something of the value at a JSON pointer, or of a part of it.
    pub fn is_users(&self, pointer: &str) -> bool {
        find(&self.user, pointer).is_some()
    }

    /// Every leaf in order, with its JSON pointer and its layer. Empty mappings and lists are leaves.
    pub fn leaves(&self) -> Vec<(String, Arc<str>)> {
        let mut leaves = Vec::new();
        for (key, item) in self.merged.iter() {
            let mut pointer = String::new();
            pointer_push(&mut pointer, key);
            collect_leaves(item, &pointer, &mut leaves);
        }
        leaves
    }

    /// Reads a text as the number that stands in it, as Helm's templates would. Nothing happens where it is none.
    pub fn read_as_number(&mut self, pointer: &str) {
        for fields in [&mut self.merged, &mut self.user] {
            let Some(item) = find_mut(fields, pointer) else {
                continue;
            };
            if let Data::String(text) = &item.data
                && let Some(read) = number_in(text)
            {
                item.data = read;
            }
        }
    }

    /// The defaults that a null of the user took away, and where that null stands.
    pub fn deleted(&self) -> &[Deleted] {
        &self.deleted
    }

    /// Warnings of all sources, and errors that leave the rest readable.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }
}

fn to_json(fields: &Fields) -> serde_json::Value {
    fields
        .iter()
        .map(|(key, item)| (key.to_owned(), item.to_json()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn find<'a>(fields: &'a Fields, pointer: &str) -> Option<&'a Item> {
    let mut tokens = pointer_tokens(pointer);
    let first = fields.get(&tokens.next()?)?;
    tokens.try_fold(first, |item, token| item.child(&token))
}

fn find_mut<'a>(fields: &'a mut Fields, pointer: &str) -> Option<&'a mut Item> {
    let mut tokens = pointer_tokens(pointer);
    let first = fields.get_mut(&tokens.next()?)?;
    tokens.try_fold(first, |item, token| item.child_mut(&token))
}

fn collect_leaves(item: &Item, pointer: &str, leaves: &mut Vec<(String, Arc<str>)>) {
    let below = |token: &str| {
        let mut pointer = pointer.to_owned();
        pointer_push(&mut pointer, token);
        pointer
    };
    let before = leaves.len();
    match &item.data {
        Data::Map(fields) => {
            for (key, child) in fields.iter() {
                collect_leaves(child, &below(key), leaves);
            }
        }
        Data::List(items) => {
            for (index, child) in items.iter().enumerate() {
                collect_leaves(child, &below(&index.to_string()), leaves);
            }
        }
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::String(_) => {}
    }
    if leaves.len() == before {
        leaves.push((pointer.to_owned(), Arc::clone(&item.place.origin.layer)));
    }
}
