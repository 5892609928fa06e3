//! Named layers of values, and places in them.

use std::sync::Arc;

use bench_yaml::{Diagnostic, ParseOptions, Source, Span, parse};

use super::codes;
use super::merge::merge_maps;
use super::tree::{Data, Fields, Item, Origin, Place};

/// One layer of defaults: built-in values, a preset, a chart's `values.yaml`.
#[derive(Clone, Debug)]
pub struct Layer {
    pub(crate) fields: Fields,
}

impl Layer {
    /// Reads a layer. `name` is what [`super::Effective::layer_of`] and messages call it: ``preset `production` ``.
    /// Several documents are merged in order.
    ///
    /// # Errors
    ///
    /// Every problem of the text, warnings included, if one of them is an error.
    pub fn parse(name: &str, source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let fields = read_mapping(name, source, &mut problems);
        if problems.iter().any(Diagnostic::is_error) {
            Err(problems)
        } else {
            Ok(Self { fields })
        }
    }
}

/// Several layers as one, later ones winning.
#[must_use]
pub fn merged(layers: &[Layer]) -> Layer {
    let mut fields = Fields::default();
    for layer in layers {
        merge_maps(&mut fields, layer.fields.clone());
    }
    Layer { fields }
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    /// The layer, as users know it: a file, `--set argument 1`, `built-in defaults`, ``preset `production` ``.
    pub layer: Arc<str>,
    /// The text.
    pub source: Source,
    /// The value in it. What a `--set` path creates on its way has the path up to there.
    pub value_span: Span,
    /// Its key; none for a list item.
    pub key_span: Option<Span>,
}

impl From<&Place> for Location {
    fn from(place: &Place) -> Self {
        Self {
            layer: Arc::clone(&place.origin.layer),
            source: place.origin.source.clone(),
            value_span: place.value,
            key_span: place.key,
        }
    }
}

/// All documents of a text merged in order. A document that is no mapping is a problem; an empty one is nothing.
pub(crate) fn read_mapping(layer: &str, source: &Source, problems: &mut Vec<Diagnostic>) -> Fields {
    let origin = Arc::new(Origin {
        layer: layer.into(),
        source: source.clone(),
    });
    let parsed = parse(source, &ParseOptions::default());
    problems.extend(parsed.problems);
    let mut merged = Fields::default();
    for document in &parsed.documents {
        let item = Item::from_node(document, &origin, 0);
        match item.data {
            Data::Null => {}
            Data::Map(fields) => merge_maps(&mut merged, fields),
            Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::List(_) => {
                problems.push(not_a_mapping(source, document));
            }
        }
    }
    merged
}

fn not_a_mapping(source: &Source, document: &bench_yaml::Node) -> Diagnostic {
    let problem = Diagnostic::error(
        codes::NOT_A_MAPPING,
        format!("values must be a mapping, found {}", document.kind()),
    )
    .at(source, document.span)
    .label("expected `key: value`");
    let text = source.slice(document.span);
    if text.contains('\u{ff1a}') {
        return problem.help("the colon is a full-width one (\u{ff1a}); use `:` and a space");
    }
    match text.split_once(':') {
        Some((key, rest)) if !rest.starts_with(['/', ' ', '\n']) && document.as_str().is_some() => {
            problem.help(format!("a space must follow the colon: `{key}: …`"))
        }
        _ => problem,
    }
}
