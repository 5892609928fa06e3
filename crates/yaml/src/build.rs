//! From parser events to located nodes: scalars typed, aliases expanded within limits, keys checked.

use std::collections::HashMap;

use granit_parser::{Event, ScalarStyle, StructureStyle, Tag};

use crate::ambiguous;
use crate::anchored::Anchored;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::indent;
use crate::keys::{Entries, Key};
use crate::node::{Node, Value};
use crate::parse::ParseOptions;
use crate::pointer::{dotted, pointer_push};
use crate::problems::Problems;
use crate::source::{Source, Span};
use crate::tags;

/// A collection whose end has not come yet.
struct Frame {
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

/// Builds the documents. Event by event; says when it wants no more of a document.
pub(crate) struct Builder<'s> {
    source: &'s Source,
    options: &'s ParseOptions,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    exhausted: bool,
    last_scalar: Option<Span>,
    documents: Vec<Node>,
    problems: Problems,
}

impl<'s> Builder<'s> {
    pub(crate) fn new(source: &'s Source, options: &'s ParseOptions) -> Self {
        Self {
            source,
            options,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            exhausted: false,
            last_scalar: None,
            documents: Vec::new(),
            problems: Problems::default(),
        }
    }

    /// Takes one event. False: the rest of this document is not wanted.
    pub(crate) fn event(&mut self, event: Event<'_>, span: Span) -> bool {
        match event {
            Event::DocumentEnd => {
                self.documents.extend(self.root.take());
                self.abandon_document();
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.last_scalar = (style == ScalarStyle::Plain).then_some(span);
                return self.scalar(&text, style, anchor, tag.as_deref(), span);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.problems
                    .extend(tags::collection(self.source, tag.as_deref(), "seq", span));
                return self.open(Collection::Sequence(Vec::new()), style, anchor, span);
            }
            Event::MappingStart(style, anchor, tag) => {
                self.problems
                    .extend(tags::collection(self.source, tag.as_deref(), "map", span));
                let collection = Collection::Mapping {
                    entries: Entries::default(),
                    key: None,
                };
                return self.open(collection, style, anchor, span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(id) => return self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                self.problems.push(
                    Diagnostic::error(
                        codes::UNKNOWN_ANCHOR,
                        format!("alias `*{name}` has no anchor before it"),
                    )
                    .at(self.source, span)
                    .label(format!("no `&{name}` above in this document"))
                    .help("quote the value if it is a text that starts with an asterisk"),
                );
                return self.place(
                    Node {
                        value: Value::Null,
                        span,
                    },
                    None,
                );
            }
            // Nothing of a stream's or document's start, a comment or a name is data; new events would not be either.
            _ => {}
        }
        true
    }

    pub(crate) fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Forgets the open document.
    pub(crate) fn abandon_document(&mut self) {
        self.stack.clear();
        self.root = None;
        self.anchors.clear();
        self.last_scalar = None;
    }

    /// Whether the node limit is used up, so that no further document can be read either.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    pub(crate) fn finish(self) -> (Vec<Node>, Vec<Diagnostic>) {
        (self.documents, self.problems.finish())
    }

    pub(crate) fn context(&self) -> Context {
        let sibling = self
            .stack
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
        let bracket = self
            .stack
            .iter()
            .rev()
            .find(|frame| frame.flow)
            .map(|frame| frame.start);
        Context {
            sibling,
            bracket,
            scalar: self.last_scalar,
        }
    }

    fn open(
        &mut self,
        collection: Collection,
        style: StructureStyle,
        anchor: usize,
        start: Span,
    ) -> bool {
        if self.stack.len() >= self.options.max_depth {
            return self.too_deep(start);
        }
        let flow = style == StructureStyle::Flow;
        let is_sequence = matches!(collection, Collection::Sequence(_));
        let start = if flow || !is_sequence {
            start
        } else {
            self.first_dash(start)
        };
        if !flow {
            self.refuse_tab_before(start);
        }
        self.stack.push(Frame {
            collection,
            start,
            flow,
            anchor,
        });
        self.spend(1, start)
    }

    /// A list that is not indented below its key starts, to the event parser, behind its first dash.
    fn first_dash(&self, start: Span) -> Span {
        let text = &self.source.text;
        if text
            .get(start.start..)
            .is_some_and(|rest| rest.starts_with('-'))
        {
            return start;
        }
        let before = text
            .get(..start.start)
            .unwrap_or_default()
            .trim_end_matches([' ', '\t']);
        if before.ends_with('-') {
            Span::new(before.len() - 1, before.len() - 1)
        } else {
            start
        }
    }

    fn close(&mut self, end: Span) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        let (value, inner) = match frame.collection {
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
            _ if frame.flow => frame.start.join(end),
            Some(inner) => Span::new(frame.start.start.min(inner.start), inner.end),
            None => frame.start,
        };
        let node = Node { value, span };
        self.remember(frame.anchor, &node);
        self.place(node, None);
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> bool {
        let plain = style == ScalarStyle::Plain && tag.is_none();
        // The parser says `~` for a value that is left out.
        let text = if plain && span.is_empty() { "" } else { text };
        if self.expects_key() {
            if self.stack.last().is_some_and(|frame| !frame.flow) {
                self.refuse_tab_before(span);
            }
            let policy = self.options.ambiguous;
            let (key, problem) = Key::read(self.source, text, plain, span, policy);
            self.problems.extend(problem);
            let node = Node {
                value: Value::String(text.to_owned()),
                span,
            };
            self.remember(anchor, &node);
            return self.place(node, Some(key)) && self.spend(1, span);
        }
        let value = if plain {
            let (reading, problem) =
                ambiguous::read(self.source, span, text, self.options.ambiguous);
            let path = self.path(None);
            self.problems
                .extend(problem.map(|problem| problem.path(path)));
            reading.into_value(text)
        } else {
            let (value, problem) = tags::scalar(self.source, text, tag, span);
            self.problems.extend(problem);
            value
        };
        let span = if span.is_empty() {
            self.pending_key_span().unwrap_or(span)
        } else {
            span
        };
        let node = Node { value, span };
        self.remember(anchor, &node);
        self.place(node, None) && self.spend(1, span)
    }

    fn alias(&mut self, id: usize, span: Span) -> bool {
        let Some(anchored) = self.anchors.get(&id) else {
            self.problems.push(
                Diagnostic::error(codes::UNKNOWN_ANCHOR, "an anchor cannot contain itself")
                    .at(self.source, span)
                    .label("this alias stands inside the node it names"),
            );
            return self.place(
                Node {
                    value: Value::Null,
                    span,
                },
                None,
            );
        };
        let (nodes, depth) = (anchored.nodes, anchored.depth);
        if self.stack.len() + depth > self.options.max_depth {
            return self.too_deep(span);
        }
        if !self.spend(nodes, span) {
            return false;
        }
        let value = self
            .anchors
            .get(&id)
            .map_or(Value::Null, |anchored| anchored.node.value.clone());
        if self.expects_key()
            && let Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::UInt(_)
            | Value::Float(_)
            | Value::String(_) = &value
        {
            let text = match &value {
                Value::String(text) => text.clone(),
                other => Node {
                    value: other.clone(),
                    span,
                }
                .to_json()
                .to_string(),
            };
            return self.place(Node { value, span }, Some(Key::Text(text, span)));
        }
        self.place(Node { value, span }, None)
    }

    /// Puts a finished node where it belongs. `key` is given when the node is a key that can be one.
    fn place(&mut self, node: Node, key: Option<Key>) -> bool {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return true;
        };
        match &mut frame.collection {
            Collection::Sequence(items) => items.push(node),
            Collection::Mapping {
                entries,
                key: pending,
            } => match pending.take() {
                Some(pending) => {
                    let name = match &pending {
                        Key::Text(name, _) => Some(name.clone()),
                        Key::Merge(_) | Key::Unusable => None,
                    };
                    if let Some(problem) = entries.add(self.source, pending, node) {
                        let path = self.path(name.as_deref());
                        self.problems.push(problem.path(path));
                    }
                }
                None => {
                    *pending = Some(key.unwrap_or_else(|| {
                        let mut problem = Diagnostic::error(
                            codes::KEY,
                            format!("a key must be a text, found {}", node.kind()),
                        )
                        .at(self.source, node.span)
                        .label("used as a key");
                        if self.source.slice(node.span).starts_with('{') {
                            problem =
                                problem.help("quote the text if it is a template: \"{{ … }}\"");
                        }
                        self.problems.push(problem);
                        Key::Unusable
                    }));
                }
            },
        }
        true
    }

    /// Where the builder is, dotted; `last` is the key in the innermost mapping when that is no longer pending.
    fn path(&self, last: Option<&str>) -> String {
        let mut pointer = String::new();
        for frame in &self.stack {
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

    fn expects_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Frame {
                collection: Collection::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn pending_key_span(&self) -> Option<Span> {
        match self.stack.last()?.collection {
            Collection::Mapping {
                key: Some(Key::Text(_, span) | Key::Merge(span)),
                ..
            } => Some(span),
            _ => None,
        }
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored::new(node.clone()));
        }
    }

    fn spend(&mut self, nodes: usize, span: Span) -> bool {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= self.options.max_nodes || self.exhausted {
            return !self.exhausted;
        }
        self.exhausted = true;
        self.problems.push(
            Diagnostic::error(codes::LIMIT, format!("more than {} values in one text", self.options.max_nodes))
                .at(self.source, span)
                .label("the limit is reached here")
                .help("aliases count with all that they stand for; write fewer of them, or split the file"),
        );
        false
    }

    fn too_deep(&mut self, span: Span) -> bool {
        self.problems.push(
            Diagnostic::error(
                codes::LIMIT,
                format!("nested more than {} levels deep", self.options.max_depth),
            )
            .at(self.source, span)
            .label("this level is too deep"),
        );
        false
    }

    /// The event parser takes a tab before the first key of a mapping; the readers of Helm and kubectl do not.
    fn refuse_tab_before(&mut self, span: Span) {
        if let Some(problem) = indent::tab_before(self.source, span.start)
            && self
                .problems
                .last()
                .is_none_or(|last| last.span != problem.span)
        {
            self.problems.push(problem);
        }
    }
}
