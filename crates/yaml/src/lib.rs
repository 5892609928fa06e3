//! Located YAML: a tree that remembers where every key and value stands, and messages that point at it.
//!
//! The crate is pure: text in, trees and messages out. It opens no file and prints nothing.
//!
//! * [`parse`] reads a [`Source`] into located [`Node`]s and finds as many problems as one pass can.
//! * [`Diagnostic`] is a problem as data; [`render`] draws a list of them in the manner of rustc.
//! * [`suggest`] answers "did you mean …".
//!
//! ```
//! use bench_yaml::{Color, ParseOptions, Source, parse, render};
//!
//! let source = Source::new("values.yaml", "image:\n  tag: 0.20\nverbose: yes\n");
//! let parsed = parse(&source, &ParseOptions::default());
//! assert_eq!(parsed.documents[0].get_path("image.tag").map(|tag| tag.kind()), Some("a number"));
//! assert!(render(&parsed.problems, Color::Never).contains("--> values.yaml:3:10"));
//! ```

pub mod codes;

mod ambiguous;
mod anchored;
mod build;
mod diagnostic;
mod indent;
mod keys;
mod mask;
mod node;
mod parse;
mod pointer;
mod problems;
mod render;
mod scalar;
mod source;
mod stack;
mod suggest;
mod syntax;
mod tags;
mod window;

pub use diagnostic::{Diagnostic, Secondary, Severity};
pub use mask::{is_secret_name, mask, secret_kind};
pub use node::{Entry, Node, Value};
pub use parse::{Ambiguous, ParseOptions, Parsed, parse};
pub use pointer::{Located, dotted, pointer_push, pointer_tokens};
pub use render::{Color, in_order, render};
pub use source::{LineCol, Location, Source, SourceKind, Span};
pub use suggest::{suggest, suggest_all};

/// The tree as a JSON value. Integers stay integers; a float that is not finite becomes null (the parser lets none in).
pub fn to_json(node: &Node) -> serde_json::Value {
    node.to_json()
}

#[cfg(test)]
mod tests;
