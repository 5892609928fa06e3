//! Values that go up and down, over time and over servers.

use super::line::Line;
use super::{SECOND, ServerRead};

/// For so many intervals a server that is not heard of is taken to be as it was; where several answer at one address in turn,
/// longer, since each is read more rarely.
const KEPT: f64 = 3.0;
const KEPT_IF_SHARED: f64 = 10.0;

/// A value that goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Running,
    Waiting,
    KvUsage,
    HitRate,
}

/// Bins of equal width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bins {
    pub(super) from_ns: f64,
    pub(super) width_ns: f64,
    pub(super) count: usize,
}

impl Bins {
    /// Where a bin begins and ends, in nanoseconds.
    pub(super) fn edges(self, place: usize) -> (f64, f64) {
        let from = self.from_ns + self.width_ns * place as f64;
        (from, from + self.width_ns)
    }
}

/// A value over all servers in one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Combined {
    pub(super) mean: f64,
    /// The mean of the greatest server.
    pub(super) greatest: f64,
    /// The greatest read.
    pub(super) max: f64,
}

/// A value at one server in one bin, with how much it weighs in a mean.
#[derive(Clone, Copy, Debug)]
struct Part {
    mean: f64,
    greatest: f64,
    max: f64,
    weight: f64,
}

/// A value in each bin, added or averaged over the servers that are there; none where none says it.
pub(super) fn gauge(
    lines: &[Line<'_>],
    of: Of,
    bins: Bins,
    interval_s: f64,
) -> Vec<Option<Combined>> {
    let mut parts: Vec<Vec<Part>> = vec![Vec::new(); bins.count];
    for line in lines {
        let kept = if line.is_shared { KEPT_IF_SHARED } else { KEPT };
        let kept_ns = kept * interval_s * SECOND;
        let mut next = 0;
        let mut last: Option<&ServerRead> = None;
        for (place, parts) in parts.iter_mut().enumerate() {
            let (from, to) = bins.edges(place);
            let (mut sum, mut greatest, mut count) = (0.0, 0.0, 0.0);
            let (mut max, mut weight) = (f64::NEG_INFINITY, 1.0);
            while let Some(read) = line
                .reads
                .get(next)
                .filter(|read| (read.at_ns() as f64) < to)
            {
                next += 1;
                last = Some(read);
                if let Some(part) = value(read, of).filter(|_| read.at_ns() as f64 >= from) {
                    sum += part.mean;
                    greatest += part.max;
                    count += 1.0;
                    max = f64::max(max, part.max);
                    weight = part.weight;
                }
            }
            if count > 0.0 {
                parts.push(Part {
                    mean: sum / count,
                    greatest: greatest / count,
                    max,
                    weight,
                });
            } else {
                let last = last.filter(|read| from - read.at_ns() as f64 <= kept_ns);
                parts.extend(last.and_then(|read| value(read, of)));
            }
        }
    }
    parts.iter().map(|parts| combined(parts, of)).collect()
}

fn value(read: &ServerRead, of: Of) -> Option<Part> {
    let values = &read.values;
    let (mean, max, weight) = match of {
        Of::Running => (values.running?, values.running?, 1.0),
        Of::Waiting => (values.waiting?, values.waiting?, 1.0),
        Of::HitRate => (values.hit_rate?, values.hit_rate?, 1.0),
        Of::KvUsage => {
            let usage = values.kv_usage?;
            (usage.mean, usage.max, f64::from(usage.engines.max(1)))
        }
    };
    Some(Part {
        mean,
        greatest: max,
        max,
        weight,
    })
}

fn combined(parts: &[Part], of: Of) -> Option<Combined> {
    if parts.is_empty() {
        return None;
    }
    let all = parts.iter();
    Some(match of {
        Of::Running | Of::Waiting => Combined {
            mean: all.clone().map(|part| part.mean).sum(),
            greatest: all.clone().map(|part| part.greatest).sum(),
            max: all.map(|part| part.max).sum(),
        },
        Of::KvUsage | Of::HitRate => {
            let weight: f64 = all.clone().map(|part| part.weight).sum();
            let sum: f64 = all.clone().map(|part| part.mean * part.weight).sum();
            Combined {
                mean: sum / weight,
                greatest: all
                    .clone()
                    .map(|part| part.greatest)
                    .fold(f64::NEG_INFINITY, f64::max),
                max: all.map(|part| part.max).fold(f64::NEG_INFINITY, f64::max),
            }
        }
    })
}
