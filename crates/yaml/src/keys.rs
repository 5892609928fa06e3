//! The entries of one mapping while it is read: duplicate keys and merge keys (`<<`).

use std::collections::HashMap;

use crate::ambiguous;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::indent;
use crate::mask::is_secret_name;
use crate::node::{Entry, Node, Value};
use crate::parse::Ambiguous;
use crate::scalar::{Reading, core};
use crate::source::{Source, Span};

/// A key whose value is still to come.
#[derive(Debug)]
pub(crate) enum Key {
    Text(String, Span),
    /// A plain `<<`.
    Merge(Span),
    /// Reported already; the value is dropped.
    Unusable,
}

impl Key {
    /// The key that a scalar makes. A key that YAML versions read differently stays as it is written.
    pub(crate) fn read(
        source: &Source,
        text: &str,
        plain: bool,
        span: Span,
        policy: Ambiguous,
    ) -> (Self, Option<Diagnostic>) {
        if !plain {
            return (Self::Text(text.to_owned(), span), None);
        }
        match text.chars().next() {
            None => {
                let problem = Diagnostic::error(codes::KEY, "empty key")
                    .at(source, span)
                    .label("expected a key before the colon");
                (Self::Unusable, Some(problem))
            }
            Some('<') if text == "<<" => (Self::Merge(span), None),
            Some(space @ ('\u{a0}' | '\u{3000}')) => {
                let problem = indent::lookalike_space(source, span.start, space);
                (Self::Text(text.to_owned(), span), Some(problem))
            }
            Some(_) => match ambiguous::check_key(source, span, text, policy) {
                Some(problem) => (Self::Text(text.to_owned(), span), Some(problem)),
                None => (Self::Text(canonical_key(text), span), None),
            },
        }
    }
}

/// A key as JSON and Helm write it: `1.50` is `1.5`, `True` is `true`.
fn canonical_key(text: &str) -> String {
    match core(text) {
        Reading::Bool(value) => value.to_string(),
        Reading::Int(value) => value.to_string(),
        Reading::UInt(value) => value.to_string(),
        Reading::Float(value) => value.to_string(),
        Reading::Null => "null".to_owned(),
        Reading::Text | Reading::NotFinite | Reading::OutOfRange | Reading::LongInteger(_) => {
            text.to_owned()
        }
    }
}

#[derive(Debug)]
enum Slot {
    Entry(Entry),
    Merge(Node),
}

/// A mapping in the making.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    slots: Vec<Slot>,
    index: HashMap<String, usize>,
}

impl Entries {
    /// Adds a value under its key. A key that is there already is reported, and the later value stands.
    pub(crate) fn add(&mut self, source: &Source, key: Key, value: Node) -> Option<Diagnostic> {
        match key {
            Key::Unusable => None,
            Key::Merge(span) => {
                let usable = is_mergeable(&value);
                let problem = (!usable).then(|| {
                    Diagnostic::error(
                        codes::MERGE_KEY,
                        format!("merge key `<<` cannot merge {}", value.kind()),
                    )
                    .at(
                        source,
                        if value.span.is_empty() {
                            span
                        } else {
                            value.span
                        },
                    )
                    .label("expected an alias of a mapping, or a list of such")
                    .help("quote the key if it is not meant to merge: \"<<\"")
                });
                if usable {
                    self.slots.push(Slot::Merge(value));
                }
                problem
            }
            Key::Text(key, key_span) => {
                let entry = Entry {
                    key,
                    key_span,
                    value,
                };
                let Some(&slot) = self.index.get(&entry.key) else {
                    self.index.insert(entry.key.clone(), self.slots.len());
                    self.slots.push(Slot::Entry(entry));
                    return None;
                };
                let mut problem = Diagnostic::error(
                    codes::DUPLICATE_KEY,
                    format!("key `{}` appears twice in one mapping", entry.key),
                )
                .at(source, key_span)
                .label("duplicate")
                .help("keep one of them, or put the contents of both under one key");
                if let Some(Slot::Entry(first)) = self.slots.get(slot) {
                    let label = format!("first defined here{}", lost(source, first));
                    problem = problem.secondary(source, first.key_span, label);
                }
                if let Some(place) = self.slots.get_mut(slot) {
                    *place = Slot::Entry(entry);
                }
                Some(problem)
            }
        }
    }

    /// The last key that stands in the text, for messages about indentation.
    pub(crate) fn last_key(&self) -> Option<(&str, Span)> {
        self.slots.iter().rev().find_map(|slot| match slot {
            Slot::Entry(entry) => Some((entry.key.as_str(), entry.key_span)),
            Slot::Merge(_) => None,
        })
    }

    /// All entries. A key of the mapping itself wins over a merged one; of merged ones the first wins.
    pub(crate) fn finish(self) -> Vec<Entry> {
        let Self { slots, index } = self;
        let mut seen: HashMap<String, ()> = index.into_keys().map(|key| (key, ())).collect();
        let mut entries = Vec::with_capacity(slots.len());
        for slot in slots {
            match slot {
                Slot::Entry(entry) => entries.push(entry),
                Slot::Merge(node) => {
                    for entry in mappings_of(node).into_iter().flatten() {
                        if seen.insert(entry.key.clone(), ()).is_none() {
                            entries.push(entry);
                        }
                    }
                }
            }
        }
        entries
    }

    /// The span from the first key to the last value.
    pub(crate) fn span(&self) -> Option<Span> {
        let spans = self.slots.iter().map(|slot| match slot {
            Slot::Entry(entry) => entry.key_span.join(entry.value.span),
            Slot::Merge(node) => node.span,
        });
        spans.reduce(Span::join)
    }
}

/// What most readers, who take the last of two keys, would not see of the first one; nothing where that cannot be said in
/// a few words.
fn lost(source: &Source, entry: &Entry) -> String {
    const MOST: usize = 40;
    let own = |key: &str, node: &Node| {
        let text = source.slice(node.span).trim();
        if is_secret_name(key) || text.contains(['\n', '\r']) {
            return None;
        }
        match node.value {
            Value::Mapping(_) | Value::Sequence(_) | Value::Null => None,
            Value::Bool(_)
            | Value::Int(_)
            | Value::UInt(_)
            | Value::Float(_)
            | Value::String(_) => Some(text.to_owned()),
        }
    };
    let values: Vec<String> = match &entry.value.value {
        Value::Mapping(entries) => entries
            .iter()
            .filter_map(|inner| {
                let text = own(&inner.key, &inner.value)?;
                Some(format!("{}: {text}", inner.key))
            })
            .collect(),
        _ => own(&entry.key, &entry.value).into_iter().collect(),
    };
    let text = values.join(", ");
    let short: String = text.chars().take(MOST).collect();
    match (short.is_empty(), short.len() == text.len()) {
        (true, _) => ", and lost to most readers".to_owned(),
        (false, true) => format!(" ({text} would be lost)"),
        (false, false) => format!(" ({short}… would be lost)"),
    }
}

fn is_mergeable(node: &Node) -> bool {
    match &node.value {
        Value::Mapping(_) => true,
        Value::Sequence(items) => items
            .iter()
            .all(|item| matches!(item.value, Value::Mapping(_))),
        _ => false,
    }
}

fn mappings_of(node: Node) -> Vec<Vec<Entry>> {
    match node.value {
        Value::Mapping(entries) => vec![entries],
        Value::Sequence(items) => items.into_iter().flat_map(mappings_of).collect(),
        _ => Vec::new(),
    }
}
