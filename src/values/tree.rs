//! The value tree with the place of every node.

use std::collections::HashMap;
use std::sync::Arc;

use bench_yaml::{Node, Source, Span, Value};
use serde_json::Number;

/// A layer's text, shared by all nodes that come from it.
#[derive(Debug, PartialEq)]
pub(crate) struct Origin {
    pub(crate) layer: Arc<str>,
    pub(crate) source: Source,
}

/// Where a node was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) origin: Arc<Origin>,
    pub(crate) value: Span,
    pub(crate) key: Option<Span>,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) data: Data,
    pub(crate) place: Place,
}

/// What JSON can hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    List(Vec<Item>),
    Map(Fields),
}

/// The entries of a mapping in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    entries: Vec<(String, Item)>,
    index: HashMap<String, usize>,
}

impl Fields {
    pub(crate) fn get(&self, key: &str) -> Option<&Item> {
        self.entries
            .get(*self.index.get(key)?)
            .map(|(_, item)| item)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Item> {
        self.entries
            .get_mut(*self.index.get(key)?)
            .map(|(_, item)| item)
    }

    /// Sets a key. One that is there keeps its position.
    pub(crate) fn insert(&mut self, key: String, item: Item) {
        match self
            .index
            .get(&key)
            .and_then(|&at| self.entries.get_mut(at))
        {
            Some(entry) => entry.1 = item,
            None => {
                self.index.insert(key.clone(), self.entries.len());
                self.entries.push((key, item));
            }
        }
    }

    /// Replaces what a key has, if anything, by what the function makes of it.
    pub(crate) fn update(&mut self, key: String, change: impl FnOnce(Option<Item>) -> Item) {
        match self
            .index
            .get(&key)
            .and_then(|&at| self.entries.get_mut(at))
        {
            Some((_, item)) => {
                let hole = Item {
                    data: Data::Null,
                    place: item.place.clone(),
                };
                *item = change(Some(std::mem::replace(item, hole)));
            }
            None => self.insert(key, change(None)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.entries.iter().map(|(key, item)| (key.as_str(), item))
    }

    pub(crate) fn into_entries(self) -> Vec<(String, Item)> {
        self.entries
    }
}

impl Item {
    /// A tree from a parsed text. Spans count from `offset` in the origin's source.
    pub(crate) fn from_node(node: &Node, origin: &Arc<Origin>, offset: usize) -> Self {
        Self::with_key(node, None, origin, offset)
    }

    fn with_key(node: &Node, key: Option<Span>, origin: &Arc<Origin>, offset: usize) -> Self {
        let shift = |span: Span| Span::new(span.start + offset, span.end + offset);
        let place = Place {
            origin: Arc::clone(origin),
            value: shift(node.span),
            key: key.map(shift),
        };
        let data = match &node.value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(*value),
            Value::Int(value) => Data::Number((*value).into()),
            Value::UInt(value) => Data::Number((*value).into()),
            Value::Float(value) => number(*value),
            Value::String(value) => Data::String(value.clone()),
            Value::Sequence(items) => Data::List(
                items
                    .iter()
                    .map(|item| Self::with_key(item, None, origin, offset))
                    .collect(),
            ),
            Value::Mapping(entries) => {
                let mut fields = Fields::default();
                for entry in entries {
                    let item = Self::with_key(&entry.value, Some(entry.key_span), origin, offset);
                    fields.insert(entry.key.clone(), item);
                }
                Data::Map(fields)
            }
        };
        Self { data, place }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.data {
            Data::Null => Json::Null,
            Data::Bool(value) => Json::Bool(*value),
            Data::Number(value) => Json::Number(value.clone()),
            Data::String(value) => Json::String(value.clone()),
            Data::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Data::Map(fields) => Json::Object(
                fields
                    .iter()
                    .map(|(key, item)| (key.to_owned(), item.to_json()))
                    .collect(),
            ),
        }
    }

    /// The value in words, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.data {
            Data::Null => "null".to_owned(),
            Data::Bool(value) => format!("the boolean {value}"),
            Data::Number(value) => format!("the number {value}"),
            Data::String(value) if value.chars().count() > 40 => "a string".to_owned(),
            Data::String(value) => format!("the string {value:?}"),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a mapping".to_owned(),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// The child that one step of a JSON pointer names.
    pub(crate) fn child(&self, token: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(fields) => fields.get(token),
            Data::List(items) => items.get(token.parse::<usize>().ok()?),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::String(_) => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn child_mut(&mut self, token: &str) -> Option<&mut Self> {
        match &mut self.data {
            Data::Map(fields) => fields.get_mut(token),
            Data::List(items) => items.get_mut(token.parse::<usize>().ok()?),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::String(_) => None,
        }
    }
}

/// The number that a text is, in JSON's grammar: `0.5`, `1e3`.
pub(crate) fn number_in(text: &str) -> Option<Data> {
    let read: Number = text.parse().ok()?;
    Some(if read.is_f64() {
        number(read.as_f64()?)
    } else {
        Data::Number(read)
    })
}

/// A whole number is an integer, however it was written: `15.0` is `15`. Beyond 2^53 a float may stand for several.
fn number(value: f64) -> Data {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Data::Number((value as i64).into());
    }
    Number::from_f64(value).map_or(Data::Null, Data::Number)
}
