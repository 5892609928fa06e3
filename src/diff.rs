//! What differs between two sets of manifests, object by object.

mod fields;
mod text;

use serde_json::Value;
use similar::TextDiff;

pub use fields::FieldChange;
use fields::changes;
use text::{lines, redacted};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is only in the new set.
    Added,
    /// It is in both, and differs.
    Changed,
    /// It is only in the old set.
    Removed,
}

impl Kind {
    /// The word in messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// An object that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What happened to it.
    pub kind: Kind,
    /// `benchmarking, inference-perf-production-d3418498, Job (batch)`.
    pub object: Identity,
    /// The name in the old set, where it is another one.
    pub old_name: Option<String>,
    /// Both sides as text, for people; secrets are not in it.
    old: String,
    new: String,
    /// Field by field, for programs; secrets are not in it.
    pub fields: Vec<FieldChange>,
}

/// What an object is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `batch/v1`.
    pub api_version: String,
    /// `Job`.
    pub kind: String,
    /// May be empty.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Identity {
    fn of(object: &Value) -> Self {
        let text = |pointer: &str| {
            let text = object.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
        }
    }

    /// `ns, name, Kind (group)`, as helm-diff has it.
    #[must_use]
    pub fn title(&self) -> String {
        let group = match self.api_version.split_once('/') {
            Some((group, _)) => group,
            None => &self.api_version,
        };
        let namespace = if self.namespace.is_empty() {
            "default"
        } else {
            &self.namespace
        };
        format!("{namespace}, {}, {} ({group})", self.name, self.kind)
    }

    /// Whether both are one object, names aside.
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.namespace == other.namespace
            && self.api_version == other.api_version
    }

    /// The name without the hash that a changed Job brings with it.
    fn stem(&self) -> Option<&str> {
        let (stem, hash) = self.name.rsplit_once('-')?;
        let is_hash = hash.len() == 8
            && hash
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        is_hash.then_some(stem)
    }
}

/// Everything that differs: objects of the new set in their order, then those that are gone.
///
/// A Job whose config changed has another hash in its name; it is compared with the old Job of that name without a hash.
#[must_use]
pub fn compare(old: &[Value], new: &[Value]) -> Vec<Difference> {
    let mut left: Vec<Option<(Identity, &Value)>> = old
        .iter()
        .map(|object| Some((Identity::of(object), object)))
        .collect();
    let identities: Vec<Identity> = new.iter().map(Identity::of).collect();
    let mut take = |fits: &dyn Fn(&Identity) -> bool| {
        left.iter_mut()
            .find(|slot| slot.as_ref().is_some_and(|(identity, _)| fits(identity)))
            .and_then(Option::take)
    };
    // The same names first, so that none of them is taken for a renamed one.
    let mut pairs: Vec<Option<(Identity, &Value)>> = identities
        .iter()
        .map(|identity| take(&|other| other == identity))
        .collect();
    for (identity, pair) in identities.iter().zip(&mut pairs) {
        if pair.is_none() && identity.stem().is_some() {
            *pair = take(&|other| other.is_like(identity) && other.stem() == identity.stem());
        }
    }
    let mut found = Vec::new();
    for ((identity, object), pair) in identities.into_iter().zip(new).zip(pairs) {
        found.extend(difference(
            identity,
            pair.as_ref().map(|(_, object)| *object),
            Some(object),
        ));
    }
    for (identity, object) in left.into_iter().flatten() {
        found.extend(difference(identity, Some(object), None));
    }
    found
}

fn difference(object: Identity, old: Option<&Value>, new: Option<&Value>) -> Option<Difference> {
    let (old_shown, new_shown) = redacted(old, new);
    if old_shown == new_shown {
        return None;
    }
    let kind = match (old, new) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        _ => Kind::Changed,
    };
    let old_name = old
        .map(|old| Identity::of(old).name)
        .filter(|name| *name != object.name);
    let fields = match (&old_shown, &new_shown) {
        (Some(old), Some(new)) => changes(old, new),
        _ => Vec::new(),
    };
    Some(Difference {
        kind,
        object,
        old_name,
        old: old_shown.as_ref().map_or_else(String::new, lines),
        new: new_shown.as_ref().map_or_else(String::new, lines),
        fields,
    })
}

impl Difference {
    /// The first line: what it is and what happened to it.
    #[must_use]
    pub fn title(&self) -> String {
        let was = self
            .old_name
            .as_ref()
            .map_or_else(String::new, |name| format!(" (was {name})"));
        let verb = match self.kind {
            Kind::Added => "has been added",
            Kind::Changed => "has changed",
            Kind::Removed => "has been removed",
        };
        format!("{}{was} {verb}:", self.object.title())
    }

    /// The lines that differ, with `context` unchanged lines around them, as `diff -u` without its two head lines.
    #[must_use]
    pub fn unified(&self, context: usize) -> String {
        TextDiff::from_lines(&self.old, &self.new)
            .unified_diff()
            .context_radius(context)
            .to_string()
    }
}

#[cfg(test)]
mod tests;
