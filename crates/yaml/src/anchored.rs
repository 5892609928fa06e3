//! Nodes that aliases stand for, with what their copies cost.

use crate::node::{Node, Value};

/// A node under an anchor.
pub(crate) struct Anchored {
    pub(crate) node: Node,
    /// How many nodes it has, itself included.
    pub(crate) nodes: usize,
    /// How many levels lie below it.
    pub(crate) depth: usize,
}

impl Anchored {
    pub(crate) fn new(node: Node) -> Self {
        let (nodes, depth) = measure(&node);
        Self { node, nodes, depth }
    }
}

/// Nodes and levels of a tree.
fn measure(node: &Node) -> (usize, usize) {
    let children: Vec<&Node> = match &node.value {
        Value::Sequence(items) => items.iter().collect(),
        Value::Mapping(entries) => entries.iter().map(|entry| &entry.value).collect(),
        _ => return (1, 0),
    };
    let (nodes, depth) = children
        .into_iter()
        .map(measure)
        .fold((1, 0), |(nodes, depth), (n, d)| (nodes + n, depth.max(d)));
    (nodes, depth + 1)
}
