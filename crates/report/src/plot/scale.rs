//! From values to places on paper, and the round numbers beside an axis.

use crate::format::count;

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Equal steps.
    Linear { from: f64, to: f64 },
    /// Equal factors; both ends are above 0.
    Log { from: f64, to: f64 },
}

impl Scale {
    /// From 0 to a little above the greatest of `values`.
    pub(crate) fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let greatest = values.filter(|x| x.is_finite()).fold(0.0, f64::max);
        let to = if greatest > 0.0 { greatest * 1.06 } else { 1.0 };
        Self::Linear { from: 0.0, to }
    }

    /// Logarithmic where `values` reach over more than a factor of 20, else from 0.
    pub(crate) fn suited(values: impl Iterator<Item = f64> + Clone) -> Self {
        let positive = values.clone().filter(|x| x.is_finite() && *x > 0.0);
        let least = positive.clone().fold(f64::INFINITY, f64::min);
        let greatest = positive.fold(0.0, f64::max);
        if greatest <= least * 20.0 {
            return Self::from_zero(values);
        }
        Self::Log {
            from: least / 1.2,
            to: greatest * 1.2,
        }
    }

    /// The place of a value, 0 at the start of the axis and 1 at its end; what lies outside is at the nearer end.
    pub(crate) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { from, to } => (value - from) / (to - from),
            Self::Log { from, to } => (value.max(from) / from).ln() / (to / from).ln(),
        };
        place.clamp(0.0, 1.0)
    }

    /// Round numbers on the axis, about `wanted` of them.
    pub(crate) fn ticks(self, wanted: usize) -> Vec<f64> {
        match self {
            Self::Linear { from, to } => {
                let step = round_step((to - from) / wanted.max(1) as f64);
                multiples(from, to, step)
            }
            Self::Log { from, to } => {
                let decades = (to / from).log10();
                let per_decade: &[f64] = if decades > wanted as f64 / 1.5 {
                    &[1.0]
                } else if decades > wanted as f64 / 3.0 {
                    &[1.0, 3.0]
                } else {
                    &[1.0, 2.0, 5.0]
                };
                let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
                let all = (first..=last)
                    .flat_map(|power| per_decade.iter().map(move |n| n * 10f64.powi(power)));
                all.filter(|tick| (from..=to).contains(tick)).collect()
            }
        }
    }
}

/// Multiples of `step` in `from..=to`.
pub(crate) fn multiples(from: f64, to: f64, step: f64) -> Vec<f64> {
    let (first, last) = ((from / step - 1e-9).ceil(), (to / step + 1e-9).floor());
    let count = (last - first).clamp(-1.0, 200.0) as i64;
    (0..=count).map(|k| (first + k as f64) * step).collect()
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
    let fits = |step: &f64| *step >= least * (1.0 - 1e-9);
    steps.into_iter().find(fits).unwrap_or(10.0 * power)
}

/// A number beside an axis: `0`, `0.25`, `1,500`.
pub(crate) fn plain(value: f64) -> String {
    if value.abs() >= 1000.0 {
        return count(value.round() as u64);
    }
    trimmed(value)
}

/// A latency beside an axis: `20 ms`, `1.5 s`.
pub(crate) fn latency(seconds: f64) -> String {
    let (factor, unit) = match seconds {
        0.0 => return "0".to_owned(),
        s if s < 0.000_999_5 => (1e6, "us"),
        s if s < 0.999_5 => (1e3, "ms"),
        _ => (1.0, "s"),
    };
    format!("{} {unit}", trimmed(seconds * factor))
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Ticks of a time axis in seconds, and what stands beside them.
pub(crate) fn time_ticks(from: f64, to: f64, wanted: usize) -> Vec<(f64, String)> {
    const STEPS: [f64; 19] = [
        0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
        3600.0, 7200.0, 14_400.0, 43_200.0,
    ];
    let least = (to - from) / wanted.max(1) as f64;
    let step = STEPS.into_iter().find(|step| *step >= least);
    let step = step.unwrap_or_else(|| round_step(least / 86_400.0) * 86_400.0);
    let (factor, unit) = match step {
        step if step < 60.0 => (1.0, "s"),
        step if step < 3600.0 => (60.0, "min"),
        _ => (3600.0, "h"),
    };
    // What begins a moment after a tick begins at it.
    let ticks = multiples(from - (to - from) * 0.01, to, step).into_iter();
    ticks
        .map(|at| (at, format!("{} {unit}", trimmed(at / factor))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let linear = Scale::Linear {
            from: 0.0,
            to: 0.53,
        };
        let text: Vec<String> = linear.ticks(5).into_iter().map(latency).collect();
        assert_eq!(text, ["0", "200 ms", "400 ms"]);
        let log = Scale::Log {
            from: 0.012,
            to: 1.3,
        };
        let text: Vec<String> = log.ticks(5).into_iter().map(latency).collect();
        assert_eq!(text, ["30 ms", "100 ms", "300 ms", "1 s"]);
        let text: Vec<String> = time_ticks(0.0, 1000.0, 5)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert_eq!(text, ["0 min", "5 min", "10 min", "15 min"]);
        assert_eq!([0.0, 0.25, 1500.0].map(plain), ["0", "0.25", "1,500"]);
    }

    #[test]
    fn a_scale_suits_its_values() {
        assert_eq!(
            Scale::suited([5.0, 50.0].into_iter()),
            Scale::Linear {
                from: 0.0,
                to: 53.0
            }
        );
        assert!(matches!(
            Scale::suited([0.0, 0.01, 1.0, f64::INFINITY].into_iter()),
            Scale::Log { .. }
        ));
        assert_eq!(
            Scale::suited(std::iter::empty()),
            Scale::Linear { from: 0.0, to: 1.0 }
        );
        let log = Scale::Log {
            from: 1.0,
            to: 100.0,
        };
        assert_eq!(
            [0.0, 1.0, 10.0, 1e6].map(|x| log.place(x)),
            [0.0, 0.0, 0.5, 1.0]
        );
    }
}
