//! How the conversations of a stage went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Conversations of a stage: begun = completed + failed + cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversations {
    /// Those whose first turn was sent.
    pub begun: u64,
    /// Those whose last planned turn succeeded.
    pub completed: u64,
    /// Those that a turn ended which did not succeed: nobody says the next one then.
    pub failed: u64,
    /// Those whose next turn was not due before the stage's end, or the run's.
    pub cut: u64,
}
