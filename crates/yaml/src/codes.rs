//! The code of every problem that this crate reports. Codes are stable: users search for them and silence by them.

/// The text is not YAML.
pub const SYNTAX: &str = "B001";
/// Aliases expand to more than the limit, or nest deeper than the limit.
pub const LIMIT: &str = "B006";
/// An alias whose anchor does not exist in its document.
pub const UNKNOWN_ANCHOR: &str = "B007";
/// A merge key (`<<`) whose value is not a mapping or a list of mappings.
pub const MERGE_KEY: &str = "B008";
/// A tag that stands for no JSON value, or that its text does not fit.
pub const TAG: &str = "B009";
/// A mapping key that is empty, a list or a mapping.
pub const KEY: &str = "B010";
/// The same key twice in one mapping.
pub const DUPLICATE_KEY: &str = "B105";
/// A plain scalar that YAML 1.1 and YAML 1.2 read differently.
pub const AMBIGUOUS: &str = "B106";
/// A number that no JSON number can hold: infinite, not a number, or out of range.
pub const NUMBER: &str = "B107";
