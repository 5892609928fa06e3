//! The located tree.

use serde_json::{Map, Number};

use crate::source::Span;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its bytes in the source, quotes included. What an alias stands for keeps the place where it was written; the
    /// alias's own node has the place of the alias. A value that is left out (`key:`) has the place of its key.
    pub span: Span,
}

/// What JSON can hold, with integers apart from other numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number written as one.
    Int(i64),
    /// A whole number above [`i64::MAX`].
    UInt(u64),
    /// Any other number; always finite.
    Float(f64),
    /// A text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order of the text. Keys are unique: of duplicates the last one stands.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as text, whatever it was written as.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What the value is called in messages: `a mapping`, `a string`, `null` …
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::UInt(_) => "an integer",
            Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// The entries, when this is a mapping.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, when this is a list.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text, when this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The entry under a key, when this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// The value under a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value at a dotted path with list indices: `a.b[0].c`. A backslash protects the next character.
    pub fn get_path(&self, path: &str) -> Option<&Self> {
        let mut node = self;
        let mut key = String::new();
        let mut pending = false;
        let mut characters = path.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => {
                    key.extend(characters.next());
                    pending = true;
                }
                '.' => {
                    if pending {
                        node = node.get(&std::mem::take(&mut key))?;
                        pending = false;
                    }
                }
                '[' => {
                    if pending {
                        node = node.get(&std::mem::take(&mut key))?;
                        pending = false;
                    }
                    let index: String = characters.by_ref().take_while(|&c| c != ']').collect();
                    node = node.items()?.get(index.parse::<usize>().ok()?)?;
                }
                other => {
                    key.push(other);
                    pending = true;
                }
            }
        }
        if pending { node.get(&key) } else { Some(node) }
    }

    /// See [`crate::to_json`].
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::Number((*value).into()),
            Value::UInt(value) => Json::Number((*value).into()),
            Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Value::String(value) => Json::String(value.clone()),
            Value::Sequence(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Mapping(entries) => Json::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}
