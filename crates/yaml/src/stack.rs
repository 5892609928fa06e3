//! The collections that are open while a document is read.

use granit_parser::StructureStyle;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys::{Entries, Key};
use crate::node::{Node, Value};
use crate::pointer::{dotted, pointer_push};
use crate::source::{Source, Span};

/// A collection whose end has not come yet.
pub(crate) struct Frame {
    collection: Collection,
    /// The opening bracket, or the empty span where a block collection starts.
    start: Span,
    flow: bool,
    anchor: usize,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping { entries: Entries, key: Option<Key> },
}

impl Frame {
    /// A list without items yet.
    pub(crate) fn sequence(style: StructureStyle, anchor: usize, start: Span) -> Self {
        Self::new(Collection::Sequence(Vec::new()), style, anchor, start)
    }

    /// A mapping without entries yet.
    pub(crate) fn mapping(style: StructureStyle, anchor: usize, start: Span) -> Self {
        let collection = Collection::Mapping {
            entries: Entries::default(),
            key: None,
        };
        Self::new(collection, style, anchor, start)
    }

    fn new(collection: Collection, style: StructureStyle, anchor: usize, start: Span) -> Self {
        Self {
            collection,
            start,
            flow: style == StructureStyle::Flow,
            anchor,
        }
    }

    /// Whether it is written with brackets.
    pub(crate) fn is_flow(&self) -> bool {
        self.flow
    }

    /// Whether it is a list that is written with dashes.
    pub(crate) fn has_dashes(&self) -> bool {
        !self.flow && matches!(self.collection, Collection::Sequence(_))
    }

    /// Where it starts.
    pub(crate) fn start(&self) -> Span {
        self.start
    }

    /// The same, starting elsewhere.
    pub(crate) fn starting(self, start: Span) -> Self {
        Self { start, ..self }
    }

    /// The whole collection, now that its end has come, and its anchor; 0 = none.
    pub(crate) fn close(self, end: Span) -> (Node, usize) {
        let (value, inner) = match self.collection {
            Collection::Sequence(items) => {
                let inner = items.iter().map(|item| item.span).reduce(Span::join);
                (Value::Sequence(items), inner)
            }
            Collection::Mapping { entries, .. } => {
                let inner = entries.span();
                (Value::Mapping(entries.finish()), inner)
            }
        };
        // The end of a block collection lies behind comments and blank lines: its last node says where it ends.
        let span = match inner {
            _ if self.flow => self.start.join(end),
            Some(inner) => Span::new(self.start.start.min(inner.start), inner.end),
            None => self.start,
        };
        (Node { value, span }, self.anchor)
    }
}

/// What the text was about when the parser gave up; lets messages name siblings and opening brackets.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// The key before, in the innermost open mapping.
    pub(crate) sibling: Option<(String, Span)>,
    /// The innermost open bracket.
    pub(crate) bracket: Option<Span>,
    /// The last plain scalar.
    pub(crate) scalar: Option<Span>,
}

/// All open collections, the innermost last.
#[derive(Default)]
pub(crate) struct Stack(Vec<Frame>);

impl Stack {
    pub(crate) fn push(&mut self, frame: Frame) {
        self.0.push(frame);
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.0.pop()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// How deep the next node stands.
    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether the innermost collection is written with indentation.
    pub(crate) fn is_in_block(&self) -> bool {
        self.0.last().is_some_and(|frame| !frame.flow)
    }

    /// Whether the next node is a key.
    pub(crate) fn expects_key(&self) -> bool {
        matches!(
            self.0.last(),
            Some(Frame {
                collection: Collection::Mapping { key: None, .. },
                ..
            })
        )
    }

    /// The key whose value is the next node.
    pub(crate) fn pending_key_span(&self) -> Option<Span> {
        match self.0.last()?.collection {
            Collection::Mapping {
                key: Some(Key::Text(_, span) | Key::Merge(span)),
                ..
            } => Some(span),
            _ => None,
        }
    }

    /// Puts a finished node where it belongs; gives it back where nothing is open. `key` is given when the node is a key
    /// that can be one.
    pub(crate) fn place(
        &mut self,
        source: &Source,
        node: Node,
        key: Option<Key>,
    ) -> (Option<Node>, Option<Diagnostic>) {
        let Some(frame) = self.0.last_mut() else {
            return (Some(node), None);
        };
        let problem = match &mut frame.collection {
            Collection::Sequence(items) => {
                items.push(node);
                None
            }
            Collection::Mapping {
                entries,
                key: pending,
            } => match pending.take() {
                Some(pending) => {
                    let name = match &pending {
                        Key::Text(name, _) => Some(name.clone()),
                        Key::Merge(_) | Key::Unusable => None,
                    };
                    entries
                        .add(source, pending, node)
                        .map(|problem| problem.path(self.path(name.as_deref())))
                }
                None => {
                    let problem = key.is_none().then(|| not_a_key(source, &node));
                    *pending = Some(key.unwrap_or(Key::Unusable));
                    problem
                }
            },
        };
        (None, problem)
    }

    /// The way here, dotted; `last` is the key in the innermost mapping when that is no longer pending.
    pub(crate) fn path(&self, last: Option<&str>) -> String {
        let mut pointer = String::new();
        for frame in &self.0 {
            match &frame.collection {
                Collection::Sequence(items) => pointer_push(&mut pointer, &items.len().to_string()),
                Collection::Mapping {
                    key: Some(Key::Text(key, _)),
                    ..
                } => pointer_push(&mut pointer, key),
                Collection::Mapping { .. } => {}
            }
        }
        if let Some(last) = last {
            pointer_push(&mut pointer, last);
        }
        dotted(&pointer)
    }

    /// What is open; `scalar` is the last plain one.
    pub(crate) fn context(&self, scalar: Option<Span>) -> Context {
        let sibling = self
            .0
            .iter()
            .rev()
            .find_map(|frame| match &frame.collection {
                Collection::Mapping {
                    key: Some(Key::Text(key, span)),
                    ..
                } => Some((key.clone(), *span)),
                Collection::Mapping { entries, .. } => {
                    entries.last_key().map(|(key, span)| (key.to_owned(), span))
                }
                Collection::Sequence(_) => None,
            });
        let bracket = self.0.iter().rev().find(|frame| frame.flow);
        Context {
            sibling,
            bracket: bracket.map(|frame| frame.start),
            scalar,
        }
    }
}

fn not_a_key(source: &Source, node: &Node) -> Diagnostic {
    let message = format!("a key must be a text, found {}", node.kind());
    let problem = Diagnostic::error(codes::KEY, message)
        .at(source, node.span)
        .label("used as a key");
    if source.slice(node.span).starts_with('{') {
        problem.help("quote the text if it is a template: \"{{ … }}\"")
    } else {
        problem
    }
}
