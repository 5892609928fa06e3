//! Values: files and `--set` flags over defaults, folded into one tree that remembers where everything came from.
//!
//! ```text
//! defaults (built-in values, presets) ─────────────────────────────────────────────┐
//! -f a.yaml < -f b.yaml < --set-json < --set < --set-string < --set-file           ├─> Effective
//!                                                < --set-literal < flags of their own ┘
//! ```
//!
//! Merge and `--set` grammar are Helm's, with three differences: a list index reaches into a list that only the
//! defaults define; what Helm drops in silence is an error; integers stay integers. Only [`load`] reads files and
//! standard input; the rest is pure.

mod assign;
mod effective;
mod json;
mod layer;
mod load;
mod merge;
mod set;
mod tree;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use effective::{Deleted, Effective, fold_on};
pub use layer::{Layer, Location, merged};
pub use load::{Loaded, Override, Sources, load, load_text, read_text};
pub(crate) use load::{system_reason, unreadable};

/// The codes of the problems that values have of their own; [`bench_yaml::codes`] lists those of YAML itself.
pub mod codes {
    /// A file cannot be read.
    pub const FILE: &str = "B002";
    /// Standard input cannot be read.
    pub const STDIN: &str = "B003";
    /// A values document is not a mapping.
    pub const NOT_A_MAPPING: &str = "B004";
    /// A text is not UTF-8.
    pub const ENCODING: &str = "B005";
    /// A `--set` path leads through a value that is neither a mapping nor a list.
    pub const CONFLICT: &str = "B112";
    /// A list index that is none, or out of bounds.
    pub const INDEX: &str = "B113";
    /// A `--set` argument that is not `path=value`.
    pub const GRAMMAR: &str = "B114";
    /// A `--set` argument that Helm would take and silently do nothing with.
    pub const DROPPED: &str = "B115";
    /// A `--set-json` argument whose value is not JSON.
    pub const JSON: &str = "B116";
    /// `{}` after `--set`, which is a list of one empty string.
    pub const EMPTY_LIST: &str = "B117";
    /// Arguments that name standard input twice, or a file by an empty path.
    pub const USAGE: &str = "B118";
}
