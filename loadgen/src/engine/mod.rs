//! Sending the plan and seeing what comes back.

mod composer;
mod counters;
mod exchange;
mod flight;
mod lag;
mod lanes;
mod live_histogram;
mod permits;
mod place;
mod receive;
mod reply;
mod stage;
mod stop;
mod target;
mod turns;
mod worker;

pub use composer::Recipe;
pub use counters::Counters;
pub use exchange::DRAIN_LIMIT;
pub use flight::Shared;
pub use live_histogram::Buckets;
pub use reply::{Reply, State, Trace};
pub use stage::{Engine, StageEnd};
pub use stop::{Stop, StopSender};
pub use target::{Addresses, Target, TargetError};
