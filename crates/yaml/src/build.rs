//! From parser events to located nodes: scalars typed, aliases expanded within limits, keys checked.

use std::collections::HashMap;

use granit_parser::{Event, ScalarStyle, Tag};

use crate::ambiguous;
use crate::anchored::Anchored;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::indent;
use crate::keys::Key;
use crate::node::{Node, Value};
use crate::parse::ParseOptions;
use crate::problems::Problems;
use crate::source::{Source, Span};
use crate::stack::{Context, Frame, Stack};
use crate::tags;

/// Builds the documents. Event by event; says when it wants no more of a document.
pub(crate) struct Builder<'s> {
    source: &'s Source,
    options: &'s ParseOptions,
    stack: Stack,
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
            stack: Stack::default(),
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
                return self.open(Frame::sequence(style, anchor, span));
            }
            Event::MappingStart(style, anchor, tag) => {
                self.problems
                    .extend(tags::collection(self.source, tag.as_deref(), "map", span));
                return self.open(Frame::mapping(style, anchor, span));
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
        self.stack.context(self.last_scalar)
    }

    fn open(&mut self, frame: Frame) -> bool {
        let mut start = frame.start();
        if self.stack.depth() >= self.options.max_depth {
            return self.too_deep(start);
        }
        if frame.has_dashes() {
            start = indent::first_dash(self.source, start);
        }
        if !frame.is_flow() {
            self.refuse_tab_before(start);
        }
        self.stack.push(frame.starting(start));
        self.spend(1, start)
    }

    fn close(&mut self, end: Span) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        let (node, anchor) = frame.close(end);
        self.remember(anchor, &node);
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
        if self.stack.expects_key() {
            if self.stack.is_in_block() {
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
            let path = self.stack.path(None);
            self.problems
                .extend(problem.map(|problem| problem.path(path)));
            reading.into_value(text)
        } else {
            let (value, problem) = tags::scalar(self.source, text, tag, span);
            self.problems.extend(problem);
            value
        };
        let span = if span.is_empty() {
            self.stack.pending_key_span().unwrap_or(span)
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
        if self.stack.depth() + depth > self.options.max_depth {
            return self.too_deep(span);
        }
        if !self.spend(nodes, span) {
            return false;
        }
        let value = self
            .anchors
            .get(&id)
            .map_or(Value::Null, |anchored| anchored.node.value.clone());
        if self.stack.expects_key()
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
        let (root, problem) = self.stack.place(self.source, node, key);
        self.problems.extend(problem);
        if root.is_some() {
            self.root = root;
        }
        true
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
