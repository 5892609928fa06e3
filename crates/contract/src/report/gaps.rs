//! Token gaps as they are counted: what several reports are added by, since percentiles cannot be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The gaps between the tokens of a stage, each counted once. `chunk_gap` is `both`, `chunk_only` and `chunk_of_failed`
/// together; `itl` is `both` and `itl_only`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenGaps {
    /// Gaps between events of successful requests whose events are tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub both: Option<GapCounts>,
    /// Gaps between events of other successful requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_only: Option<GapCounts>,
    /// Gaps between tokens that are none between events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub itl_only: Option<GapCounts>,
    /// Gaps between events of requests that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_of_failed: Option<GapCounts>,
}

/// Durations in buckets that are at most 0.1 % wide.
///
/// Bucket `b` holds `b` nanoseconds below 2048; beyond, with `e = b / 1024 - 1`, the `2^e` nanoseconds from
/// `(b - 1024 e) 2^e` on. What is longer than 73 minutes (`2^42` ns) is in the last bucket before that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GapCounts {
    /// Buckets that hold something, ascending: for each, how far it is from the one before (the first, from 0), and its count.
    pub buckets: Vec<u64>,
    /// The least, in nanoseconds.
    pub min_ns: u64,
    /// The greatest, in nanoseconds.
    pub max_ns: u64,
    /// The sum in nanoseconds, as a decimal number in a string: it may be longer than what JSON's readers hold.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    pub sum_ns: u128,
    /// The sum of squares, likewise.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    pub sum_of_squares: u128,
}

mod decimal {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
