//! One `path=value` laid into the user's values.

use std::sync::Arc;

use bench_yaml::{Diagnostic, Span, dotted, pointer_push};

use super::codes;
use super::set::{Located, Step};
use super::tree::{Data, Fields, Item, Origin, Place};

/// A path and what to put there.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) path: Vec<Located>,
    pub(crate) value: Item,
}

/// Sets the value. A null on the way counts as absent. A list that only the defaults have, and that the path enters
/// by an index, is copied from them first. The problem, if a value on the way is neither mapping nor list.
pub(crate) fn assign(
    user: &mut Fields,
    defaults: &Fields,
    assignment: Assignment,
) -> Option<Diagnostic> {
    let Assignment { path, value } = assignment;
    let origin = Arc::clone(&value.place.origin);
    let Some(Located {
        step: Step::Key(first),
        ..
    }) = path.first().cloned()
    else {
        return None;
    };
    let setter = Setter {
        path: &path,
        origin: &origin,
    };
    let default = defaults.get(&first);
    if let Some(problem) = setter.conflict(user.get(&first), default) {
        return Some(problem);
    }
    user.update(first, |existing| setter.put(existing, default, 0, value));
    None
}

struct Setter<'a> {
    path: &'a [Located],
    origin: &'a Arc<Origin>,
}

impl Setter<'_> {
    /// The value of the step at `at`, with `value` somewhere in or at it.
    fn put(&self, existing: Option<Item>, default: Option<&Item>, at: usize, value: Item) -> Item {
        let Some(next) = self.path.get(at + 1) else {
            return value;
        };
        match &next.step {
            Step::Key(key) => {
                let (mut fields, place) = match existing {
                    Some(Item {
                        data: Data::Map(fields),
                        place,
                    }) => (fields, place),
                    _ => (Fields::default(), self.place(at)),
                };
                let default = default.and_then(|default| default.child(key));
                fields.update(key.clone(), |existing| {
                    self.put(existing, default, at + 1, value)
                });
                Item {
                    data: Data::Map(fields),
                    place,
                }
            }
            Step::Index(index) => {
                let (mut items, place) = match (existing, default) {
                    (
                        Some(Item {
                            data: Data::List(items),
                            place,
                        }),
                        _,
                    ) => (items, place),
                    (
                        _,
                        Some(Item {
                            data: Data::List(items),
                            ..
                        }),
                    ) => (items.clone(), self.place(at)),
                    _ => (Vec::new(), self.place(at)),
                };
                let padding = Item {
                    data: Data::Null,
                    place: self.place(at + 1),
                };
                if items.len() <= *index {
                    items.resize(index + 1, padding.clone());
                }
                if let Some(slot) = items.get_mut(*index) {
                    let existing = std::mem::replace(slot, padding);
                    *slot = self.put(Some(existing), None, at + 1, value);
                }
                Item {
                    data: Data::List(items),
                    place,
                }
            }
        }
    }

    /// What the path itself creates belongs to the part of it up to there.
    fn place(&self, at: usize) -> Place {
        let start = self.path.first().map_or(0, |first| first.span.start);
        let (end, key) = self
            .path
            .get(at)
            .map_or((start, None), |step| match step.step {
                Step::Key(_) => (step.span.end, Some(step.span)),
                Step::Index(_) => (step.span.end + 1, None),
            });
        Place {
            origin: Arc::clone(self.origin),
            value: Span::new(start, end),
            key,
        }
    }

    /// Helm's rules: a path goes through mappings and lists; an element of a list that is no mapping gives way to one.
    fn conflict(&self, user: Option<&Item>, default: Option<&Item>) -> Option<Diagnostic> {
        let (mut item, mut default) = (user, default);
        let mut pointer = String::new();
        let mut in_list = false;
        for (at, step) in self.path.iter().enumerate() {
            match &step.step {
                Step::Key(key) => pointer_push(&mut pointer, key),
                Step::Index(index) => pointer_push(&mut pointer, &index.to_string()),
            }
            let Some(next) = self.path.get(at + 1) else {
                break;
            };
            item = item.filter(|item| !item.is_null());
            // The default list that `put` copies.
            if item.is_none() && matches!(next.step, Step::Index(_)) {
                item = default.filter(|default| matches!(default.data, Data::List(_)));
            }
            (item, default) = match (item.map(|item| (&item.data, item)), &next.step) {
                (None, Step::Key(key)) => (None, default.and_then(|default| default.child(key))),
                (None, Step::Index(_)) => return None,
                (Some((Data::Map(fields), _)), Step::Key(key)) => (
                    fields.get(key),
                    default.and_then(|default| default.child(key)),
                ),
                (Some((Data::List(items), _)), Step::Index(index)) => (items.get(*index), None),
                (Some(_), Step::Key(_)) if in_list => return None,
                (Some((_, item)), _) => return Some(self.report(item, &pointer, next)),
            };
            in_list = matches!(next.step, Step::Index(_));
        }
        None
    }

    fn report(&self, item: &Item, pointer: &str, next: &Located) -> Diagnostic {
        let target = self.path.iter().fold(String::new(), |mut pointer, step| {
            match &step.step {
                Step::Key(key) => pointer_push(&mut pointer, key),
                Step::Index(index) => pointer_push(&mut pointer, &index.to_string()),
            }
            pointer
        });
        let wanted = match next.step {
            Step::Key(_) => "a key needs a mapping before it",
            Step::Index(_) => "an index needs a list before it",
        };
        let message = format!(
            "cannot set `{}`: `{}` is {}",
            dotted(&target),
            dotted(pointer),
            item.describe()
        );
        Diagnostic::error(codes::CONFLICT, message)
            .at(&self.origin.source, next.span)
            .label(wanted)
            .secondary(&item.place.origin.source, item.place.value, "set here")
            .path(dotted(&target))
            .help("write the path as the values have it: `benchctl values` shows them")
    }
}
