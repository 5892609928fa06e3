//! The preset, with the fit beside the data in its comments.

use super::lengths::FittedLengths;
use super::model::Kind;
use super::{Fit, Schedule, Variation};
use crate::table::{Side, lines};

/// A values file with the scenario. `from` names the trace.
#[must_use]
pub fn to_text(fit: &Fit, schedule: &Schedule, name: &str, from: &str) -> String {
    // A file's name may hold anything.
    let from: String = from.chars().filter(|c| !c.is_control()).collect();
    let description = crate::render::to_yaml(&format!("Traffic as in {from}")).map_or_else(
        |_| "Traffic as in a trace".to_owned(),
        |text| text.trim_end().to_owned(),
    );
    let sides = [("input", &fit.input), ("output", &fit.output)];
    let mut text = format!(
        "# Fitted to {from}: {} requests in {:.0} s.\n#\n",
        fit.requests, fit.span
    );
    for line in beside(&sides) {
        text.push_str(&format!("# {line}\n"));
    }
    text.push_str(&format!(
        "#\n# gaps between arrivals: coefficient of variation {:.2} (equal gaps 0, poisson 1)\n",
        fit.gap_variation
    ));
    match fit.variation() {
        Variation::Even | Variation::Poisson => {}
        Variation::Changing(parts) => text.push_str(&format!(
            "# the rate changes within a stage: --stages {parts} follows it\n"
        )),
        Variation::Bursts => text.push_str(
            "# the trace comes in bursts. Gamma gaps are as uneven, but follow no pattern: `type: trace_replay` repeats the trace itself\n",
        ),
    }
    if schedule.empty > 0 {
        text.push_str(&format!("# {}\n", schedule.omission()));
    }
    text.push_str(&format!(
        "benchmark:\n  scenario: {name}\n  scenarios:\n    {name}:\n      description: {description}\n      data:\n        type: synthetic\n"
    ));
    for (side, lengths) in sides {
        text.push_str(&format!("        {side}: {}\n", flow(lengths)));
    }
    let (kind, burstiness) = fit.process();
    text.push_str(&format!("      load:\n        type: {}\n", kind.as_str()));
    if let Some(burstiness) = burstiness {
        text.push_str(&format!("        burstiness: {burstiness}\n"));
    }
    text.push_str("        stages:\n");
    for (rate, duration) in &schedule.stages {
        text.push_str(&format!(
            "          - {{rate: {}, duration: {duration}}}\n",
            rounded(*rate)
        ));
    }
    text
}

/// Three figures, as YAML reads them.
fn rounded(rate: f64) -> f64 {
    let scale = 10_f64.powf(2.0 - rate.log10().floor());
    (rate * scale).round() / scale
}

/// Data and fit, one row below the other.
fn beside(sides: &[(&str, &FittedLengths); 2]) -> Vec<String> {
    let row = |side: &str, what: &str, quantiles: [u32; 4], mean: f64, distance: String| {
        let [p10, p50, p90, p99] = quantiles.map(|n| n.to_string());
        let mean = format!("{mean:.0}");
        [
            side.to_owned(),
            what.to_owned(),
            p10,
            p50,
            p90,
            p99,
            mean,
            distance,
        ]
    };
    let mut rows = vec![
        [
            "tokens",
            "",
            "P10",
            "P50",
            "P90",
            "P99",
            "mean",
            "greatest difference of the distributions",
        ]
        .map(str::to_owned),
    ];
    for (side, lengths) in sides {
        rows.push(row(side, "data", lengths.data, lengths.mean, String::new()));
        let distance = format!("{:.3} ({})", lengths.distance, word(lengths.kind));
        let mean = lengths.model_mean();
        rows.push(row(side, "fit", lengths.model, mean, distance));
    }
    let mut columns = [Side::Right; 8];
    columns[..2].fill(Side::Left);
    columns[7] = Side::Left;
    lines(columns, &rows)
}

/// The type as values have it.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Normal => "normal",
        Kind::Lognormal => "lognormal",
        Kind::Uniform => "uniform",
        Kind::Fixed => "fixed",
    }
}

fn flow(lengths: &FittedLengths) -> String {
    let distribution = &lengths.distribution;
    format!(
        "{{type: {}, mean: {}, stdDev: {}, min: {}, max: {}}}",
        word(lengths.kind),
        distribution.mean,
        distribution.standard_deviation(),
        distribution.min,
        distribution.max
    )
}
