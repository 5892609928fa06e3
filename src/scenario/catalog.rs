//! What is built in: the defaults, and the presets of scenarios.

/// The defaults of every key but `benchmark.scenarios`: a commented values file.
pub const DEFAULTS: &str = include_str!("../../chart-templates/values.yaml");

/// A built-in scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name, the key under `benchmark.scenarios`.
    pub name: &'static str,
    /// A values file that holds it and nothing else.
    pub text: &'static str,
}

/// The presets, from the simplest load to real traffic, and then those for one question each.
pub const PRESETS: [Preset; 8] = [
    Preset {
        name: "baseline",
        text: include_str!("../../scenarios/baseline.yaml"),
    },
    Preset {
        name: "saturation",
        text: include_str!("../../scenarios/saturation.yaml"),
    },
    Preset {
        name: "sweep",
        text: include_str!("../../scenarios/sweep.yaml"),
    },
    Preset {
        name: "production",
        text: include_str!("../../scenarios/production.yaml"),
    },
    Preset {
        name: "dataset",
        text: include_str!("../../scenarios/dataset.yaml"),
    },
    Preset {
        name: "chat",
        text: include_str!("../../scenarios/chat.yaml"),
    },
    Preset {
        name: "prefix",
        text: include_str!("../../scenarios/prefix.yaml"),
    },
    Preset {
        name: "reasoning",
        text: include_str!("../../scenarios/reasoning.yaml"),
    },
];

/// The preset of this name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
