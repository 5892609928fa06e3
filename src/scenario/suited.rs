//! Which engine a scenario is for.

use super::raw::{Engine, Values};
use super::{Provenance, resolve};

/// The engine that can run a scenario: the one that the values choose, or else the first that can. Where none can, the
/// choice stays, and what is wrong with it is for [`resolve`] to say.
#[must_use]
pub fn engine_for(values: &Values, scenario: &str) -> Engine {
    let chosen = values.benchmark.engine;
    let can_run = |engine: &Engine| {
        let mut values = values.clone();
        values.benchmark.engine = *engine;
        scenario.clone_into(&mut values.benchmark.scenario);
        let provenance = Provenance {
            given: &|_| false,
            deleted: &[],
        };
        resolve(values, provenance).is_sound()
    };
    std::iter::once(chosen)
        .chain(Engine::ALL)
        .find(can_run)
        .unwrap_or(chosen)
}
