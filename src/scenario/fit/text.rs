//! The preset, with the fit beside the data in its comments.

use bench_contract::config::{Distribution, DistributionType};

use super::Fit;
use super::lengths::FittedLengths;
use crate::plan::mean_length;

/// A values file with the scenario. `from` names the trace; `duration` is that of all stages together, in seconds.
#[must_use]
pub fn to_text(fit: &Fit, name: &str, from: &str, duration: f64) -> String {
    // A file's name may hold anything.
    let from: String = from.chars().filter(|c| !c.is_control()).collect();
    let description = crate::render::to_yaml(&format!("Traffic as in {from}")).map_or_else(
        |_| "Traffic as in a trace".to_owned(),
        |text| text.trim_end().to_owned(),
    );
    let mut text = format!(
        "# Fitted to {from}: {} requests in {:.0} s.\n#\n",
        fit.requests, fit.span
    );
    text.push_str("# tokens           P10     P50     P90     P99    mean  greatest difference of the distributions\n");
    for (side, lengths) in [("input", &fit.input), ("output", &fit.output)] {
        text.push_str(&beside(side, lengths));
    }
    text.push_str(&format!(
        "#\n# gaps between arrivals: coefficient of variation {:.2} (equal gaps 0, poisson 1){}\n",
        fit.gap_variation,
        if fit.gap_variation > 1.2 {
            ";\n# the trace comes in bursts. Gamma gaps are as uneven, but follow no pattern: `type: trace_replay` repeats the trace itself"
        } else {
            ""
        }
    ));
    text.push_str(&format!(
        "benchmark:\n  scenario: {name}\n  scenarios:\n    {name}:\n      description: {description}\n      data:\n        type: synthetic\n"
    ));
    for (side, lengths) in [("input", &fit.input), ("output", &fit.output)] {
        text.push_str(&format!(
            "        {side}: {}\n",
            flow(&lengths.distribution)
        ));
    }
    let (kind, burstiness) = fit.process();
    text.push_str(&format!("      load:\n        type: {}\n", kind.as_str()));
    if let Some(burstiness) = burstiness {
        text.push_str(&format!("        burstiness: {burstiness}\n"));
    }
    text.push_str("        stages:\n");
    #[expect(clippy::cast_precision_loss, reason = "a handful of stages")]
    let each = (duration / fit.rates.len() as f64).ceil().max(1.0);
    // A part without a request is no stage.
    for rate in fit.rates.iter().filter(|rate| **rate > 0.0) {
        text.push_str(&format!(
            "          - {{rate: {}, duration: {each}}}\n",
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

fn beside(side: &str, lengths: &FittedLengths) -> String {
    let row = |what: &str, quantiles: [u32; 4], mean: f64| {
        let cells: String = quantiles.iter().map(|n| format!("{n:8}")).collect();
        format!("# {side:7}{what:5}{cells}{mean:8.0}")
    };
    format!(
        "{}\n{}  {:.3} ({})\n",
        row("data", lengths.data, lengths.mean),
        row("fit", lengths.model, mean_length(&lengths.distribution)),
        lengths.distance,
        word(&lengths.distribution)
    )
}

fn word(distribution: &Distribution) -> &'static str {
    match distribution.kind.unwrap_or_default() {
        DistributionType::Lognormal => "lognormal",
        DistributionType::Uniform => "uniform",
        DistributionType::Fixed => "fixed",
        _ => "normal",
    }
}

fn flow(distribution: &Distribution) -> String {
    format!(
        "{{type: {}, mean: {}, stdDev: {}, min: {}, max: {}}}",
        word(distribution),
        distribution.mean,
        distribution.standard_deviation(),
        distribution.min,
        distribution.max
    )
}
