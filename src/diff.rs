//! What differs between two sets of manifests, object by object.

mod cluster;
mod defaults;
mod fields;
mod pair;
mod redact;
mod secret;
mod text;

use serde_json::Value;
use similar::TextDiff;

use cluster::{as_applied, is_live};
pub use fields::FieldChange;
use fields::{Side, changes};
use pair::pairs;
use redact::redacted;
use secret::as_kept;
use text::lines;

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

    /// Whether both are of one kind.
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.api_version == other.api_version
    }

    /// The name without the hash that a changed Job brings with it, where it has one.
    fn base(&self) -> &str {
        let is_hash = |hash: &str| {
            hash.len() == 8
                && hash
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        match self.name.rsplit_once('-') {
            Some((base, hash)) if is_hash(hash) => base,
            _ => &self.name,
        }
    }
}

/// The label by which an object says who made it, and what this program calls itself there.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "benchctl");

/// The label with NAME.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// Everything that differs: objects of the new set in their order, then those that are gone.
///
/// A Job whose config changed has another hash in its name; it is compared with its latest predecessor, and so is all
/// that carries the same hash. Of objects that come from a cluster, what a server adds is no difference, and those that
/// are not of this release, or of an earlier generation, are not gone. What a Secret has in `stringData` is compared as
/// its `data`, on both sides.
#[must_use]
pub fn compare(old: &[Value], new: &[Value]) -> Vec<Difference> {
    let kept = |objects: &[Value]| objects.iter().map(as_kept).collect::<Vec<_>>();
    let (old, new) = (&*kept(old), &*kept(new));
    let known: Vec<Identity> = old.iter().map(Identity::of).collect();
    let identities: Vec<Identity> = new.iter().map(Identity::of).collect();
    let pairs = pairs(old, &known, &identities);
    let mut found = Vec::new();
    for ((identity, object), pair) in identities.iter().zip(new).zip(&pairs) {
        let old = pair.and_then(|index| old.get(index));
        let applied = old.map(|old| as_applied(old, Some(object)));
        found.extend(difference(identity.clone(), applied.as_ref(), Some(object)));
    }
    for (index, (identity, object)) in known.into_iter().zip(old).enumerate() {
        let is_earlier = || {
            identities.iter().any(|new| {
                identity.is_like(new)
                    && identity.base() == new.base()
                    && (new.namespace.is_empty() || new.namespace == identity.namespace)
            })
        };
        if pairs.contains(&Some(index))
            || (is_live(object) && (!is_of_release(object, new) || is_earlier()))
        {
            continue;
        }
        found.extend(difference(identity, Some(&as_applied(object, None)), None));
    }
    found
}

/// Whether an object of a cluster was made by this program, under the NAME of the new set where that has one.
fn is_of_release(object: &Value, new: &[Value]) -> bool {
    let label = |object: &Value, name: &str| -> Option<String> {
        let label = object.get("metadata")?.get("labels")?.get(name)?;
        label.as_str().map(str::to_owned)
    };
    let (name, own) = MANAGED_BY;
    let instance = label(object, INSTANCE);
    let mut instances = new.iter().filter_map(|new| label(new, INSTANCE)).peekable();
    label(object, name).as_deref() == Some(own)
        && (instances.peek().is_none() || instances.any(|new| Some(new) == instance))
}

/// The item of `others` that stands for this one: that of its name, else that in its place.
fn counterpart<'a>(index: usize, item: &Value, others: Option<&'a Value>) -> Option<&'a Value> {
    let others = others?.as_array()?;
    match item.get("name") {
        Some(name) => others.iter().find(|other| other.get("name") == Some(name)),
        None => others.get(index),
    }
}

fn difference(object: Identity, old: Option<&Value>, new: Option<&Value>) -> Option<Difference> {
    if old == new {
        return None;
    }
    let (old_shown, new_shown) = redacted(old, new);
    let kind = match (old, new) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        _ => Kind::Changed,
    };
    let old_name = old
        .map(|old| Identity::of(old).name)
        .filter(|name| *name != object.name);
    let side = |(whole, shown)| Side { whole, shown };
    let old_side = old.zip(old_shown.as_ref()).map(side);
    let new_side = new.zip(new_shown.as_ref()).map(side);
    let fields = match (old_side, new_side) {
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

    /// The lines that differ, with `context` unchanged lines around them, as `diff -u` without its two head lines. Where
    /// none does, a remark in their place.
    #[must_use]
    pub fn unified(&self, context: usize) -> String {
        if self.old == self.new {
            return "# what differs looks like a secret, and is hidden\n".to_owned();
        }
        TextDiff::from_lines(&self.old, &self.new)
            .unified_diff()
            .context_radius(context)
            .to_string()
    }
}

#[cfg(test)]
mod tests;
