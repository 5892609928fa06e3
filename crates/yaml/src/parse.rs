//! From text to located documents: drives the event parser, and goes on after a broken document with the next one.

use granit_parser::{Event, Parser};

use crate::build::Builder;
use crate::diagnostic::Diagnostic;
use crate::node::Node;
use crate::source::{Source, Span};
use crate::syntax;

/// What to do with a plain scalar that YAML 1.1 and YAML 1.2 read differently (`yes`, `0644`, `1_000`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ambiguous {
    /// Report an error. The tree holds the YAML 1.2 reading.
    #[default]
    Error,
    /// Report a warning. The tree holds the YAML 1.1 reading. Keys stay as they are written.
    WarnAs11,
}

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// What to do with ambiguous scalars.
    pub ambiguous: Ambiguous,
    /// How many nodes the documents may have together, aliases expanded.
    pub max_nodes: usize,
    /// How deep they may nest, aliases expanded.
    pub max_depth: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            ambiguous: Ambiguous::Error,
            max_nodes: 200_000,
            max_depth: 100,
        }
    }
}

impl ParseOptions {
    /// Reads ambiguous scalars as YAML 1.1 does, with a warning.
    pub fn lenient() -> Self {
        Self {
            ambiguous: Ambiguous::WarnAs11,
            ..Self::default()
        }
    }
}

/// What came out of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The documents in order. A text without content has none; a document with a syntax error is left out.
    pub documents: Vec<Node>,
    /// The problems found, in order of place; of very many the first hundred errors and the first hundred warnings.
    pub problems: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether any problem is an error. Then the documents are good for further checks only.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Diagnostic::is_error)
    }
}

/// Reads all documents of a text. Never fails: what is wrong is in [`Parsed::problems`].
pub fn parse(source: &Source, options: &ParseOptions) -> Parsed {
    let nesting = options.max_depth;
    let parser_options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: nesting,
        block_nesting_limit: nesting,
        // The limit of the specification counts quoted keys in as well; nobody gains from a refusal.
        simple_key_max_lookahead: 65_536,
    };
    let mut parser = Parser::new_from_str_with_options(&source.text, parser_options);
    let mut builder = Builder::new(source, options);
    loop {
        let go_on = match parser.next() {
            None => break,
            Some(Ok((Event::StreamEnd, _))) => break,
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                builder.event(event, Span::new(range.start, range.end).clip(&source.text))
            }
            Some(Err(error)) => {
                let problem = syntax::explain(source, &error, &builder.context());
                builder.problem(problem);
                false
            }
        };
        if !go_on {
            builder.abandon_document();
            if builder.is_exhausted() || !parser.proceed_next_document().unwrap_or(false) {
                break;
            }
        }
    }
    let (documents, problems) = builder.finish();
    Parsed {
        documents,
        problems,
    }
}
