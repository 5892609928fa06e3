//! Which LoRA adapter a request asks for, as a function of (seed, stage, index).

use std::sync::Arc;

use bench_contract::config::Load;

use super::random::{self, Purpose};

/// The adapters of `load.lora_traffic_split`, ready to draw from.
#[derive(Clone, Debug, PartialEq)]
pub struct Adapters(Arc<[Adapter]>);

#[derive(Clone, Debug, PartialEq)]
struct Adapter {
    name: String,
    /// The shares of this adapter and of those before it, together.
    upto: f64,
}

impl Adapters {
    /// Those of a load; `None` where all requests ask for the model.
    #[must_use]
    pub fn of(load: &Load) -> Option<Self> {
        let split = load.lora_traffic_split.as_deref().unwrap_or_default();
        let mut upto = 0.0;
        let adapters: Vec<Adapter> = split
            .iter()
            .filter(|share| share.split > 0.0)
            .map(|share| {
                upto += share.split;
                Adapter {
                    name: share.name.clone(),
                    upto,
                }
            })
            .collect();
        (!adapters.is_empty()).then(|| Self(adapters.into()))
    }

    /// The place of the adapter of request `index` of the stage seeded with `stage`.
    #[must_use]
    pub fn draw(&self, seed: u64, stage: u32, index: u64) -> u16 {
        let mut rng = random::stream(seed, stage, Purpose::Adapter, index);
        let drawn = random::uniform(&mut rng);
        let place = self.0.iter().position(|adapter| drawn < adapter.upto);
        // Shares add up to 1 but for rounding, and what is beyond them is the last one's.
        u16::try_from(place.unwrap_or(self.0.len() - 1)).unwrap_or(u16::MAX)
    }

    /// The name of an adapter.
    #[must_use]
    pub fn name(&self, place: u16) -> Option<&str> {
        self.0
            .get(usize::from(place))
            .map(|adapter| adapter.name.as_str())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|adapter| adapter.name.as_str())
    }
}
