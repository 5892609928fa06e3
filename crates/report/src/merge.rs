//! Several reports to one, through their records: requests are put together as those of several workers are, and no
//! percentile is ever averaged.

mod alike;
mod repeats;
mod shards;

pub(crate) use repeats::pooled;

use std::collections::BTreeMap;
use std::fmt;

use bench_contract::{
    Cut, FailOn, Health, MergeKind, NotBegun, Report, RequestRecord, Shard, StageReport,
};

use crate::differ::Difference;
use crate::format::count;
use crate::rebuild::{RebuildError, Rebuilt};

use alike::check_alike;
use repeats::Repeats;
use shards::Shards;

/// Why reports cannot be merged.
#[derive(Clone, Debug, PartialEq)]
pub enum MergeError {
    /// There is nothing to merge.
    TooFew,
    /// Two of them do not belong together.
    Unlike {
        /// Their places among the reports.
        which: (usize, usize),
        /// The first key in which they differ and should not.
        difference: Box<Difference>,
        /// How they were taken to belong together.
        kind: MergeKind,
    },
    /// Some have one run id and some another.
    Mixed {
        /// Two that are of one run.
        same: (usize, usize),
        /// One of another.
        other: usize,
    },
    /// Two are the same shard.
    SameShard {
        /// Their places among the reports.
        which: (usize, usize),
        /// The shard.
        index: u32,
    },
    /// One of several runs is only a shard of its own.
    ShardOfRepeat {
        /// Its place among the reports.
        which: usize,
        /// Which shard it is.
        shard: Shard,
    },
    /// The records of one do not fit its report.
    Records {
        /// Its place among the reports.
        which: usize,
        /// What is wrong.
        error: RebuildError,
    },
    /// All records together do not make one run.
    Together(RebuildError),
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew => f.write_str("one report alone is nothing to merge"),
            Self::Unlike {
                which,
                difference,
                kind,
            } => f.write_str(&unlike(
                *kind,
                difference,
                &format!("report {}", which.0),
                &format!("report {}", which.1),
            )),
            Self::Mixed { .. } => f.write_str(
                "two of them are of one run, as shards are, and another is of another run, as repeats are",
            ),
            Self::SameShard { index, .. } => write!(f, "both are shard {index}"),
            Self::ShardOfRepeat { shard, .. } => write!(
                f,
                "these are of several runs, as repeats are, and this is only shard {} of {} of its run",
                shard.index, shard.count
            ),
            Self::Records { error, .. } | Self::Together(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MergeError {}

/// What two reports differ in that should be the same, in words; they are called `first` and `second`.
#[must_use]
pub fn unlike(kind: MergeKind, difference: &Difference, first: &str, second: &str) -> String {
    let value = |value: &Option<serde_json::Value>| {
        let text = value.as_ref().map(ToString::to_string);
        text.unwrap_or_else(|| "not there".to_owned())
    };
    format!(
        "these are no {}: `{}` is {} in {first} and {} in {second}",
        match kind {
            MergeKind::Shards => "shards of one run",
            MergeKind::Repeats => "repeats of one config",
        },
        difference.path,
        value(&difference.first),
        value(&difference.second)
    )
}

/// Takes the records of several runs, and makes one report of them.
#[derive(Debug)]
pub struct Merge(Kind);

#[derive(Debug)]
enum Kind {
    Shards(Box<Shards>),
    Repeats(Box<Repeats>),
}

impl Merge {
    /// No records yet, of the runs that `reports` are on: shards where all have one run id, repeats where each has its own.
    ///
    /// # Errors
    /// When they do not belong together.
    pub fn new(reports: Vec<Report>) -> Result<Self, MergeError> {
        let kind = kind(&reports)?;
        check_alike(&reports, kind)?;
        Ok(Self(match kind {
            MergeKind::Shards => Kind::Shards(Box::new(Shards::new(&reports)?)),
            MergeKind::Repeats => Kind::Repeats(Box::new(Repeats::new(reports)?)),
        }))
    }

    /// What makes figures of them together doubtful, in sentences.
    #[must_use]
    pub fn doubts(&self) -> &[String] {
        match &self.0 {
            Kind::Shards(_) => &[],
            Kind::Repeats(repeats) => repeats.doubts(),
        }
    }

    /// How the reports belong together.
    #[must_use]
    pub fn kind(&self) -> MergeKind {
        match &self.0 {
            Kind::Shards(_) => MergeKind::Shards,
            Kind::Repeats(_) => MergeKind::Repeats,
        }
    }

    /// Takes a record of the report at place `which`, and returns the record that it is in the merged run; none where the
    /// merged run has no records of its own.
    ///
    /// # Errors
    /// When its report does not know its stage.
    pub fn add(
        &mut self,
        which: usize,
        record: &RequestRecord,
    ) -> Result<Option<RequestRecord>, MergeError> {
        match &mut self.0 {
            Kind::Shards(shards) => shards.add(which, record).map(Some),
            Kind::Repeats(repeats) => repeats.add(which, record).map(|()| None),
        }
    }

    /// The merged report. `cuts` are where the records of each end before their file does.
    ///
    /// # Errors
    /// When the records do not make one run.
    pub fn finish(self, cuts: &[Option<Cut>], fail_on: &[FailOn]) -> Result<Rebuilt, MergeError> {
        match self.0 {
            Kind::Shards(shards) => shards.finish(cuts, fail_on),
            Kind::Repeats(repeats) => repeats.finish(cuts, fail_on),
        }
    }
}

/// How reports belong together, by their run ids.
fn kind(reports: &[Report]) -> Result<MergeKind, MergeError> {
    let id = |place: usize| &reports[place].run.id;
    let mut same = None;
    let mut other = None;
    for second in 1..reports.len() {
        match (0..second).find(|&first| id(first) == id(second)) {
            Some(first) => same = same.or(Some((first, second))),
            None => other = other.or(Some(second)),
        }
    }
    match (same, other) {
        (None, None) => Err(MergeError::TooFew),
        (Some(_), None) => Ok(MergeKind::Shards),
        (None, Some(_)) => Ok(MergeKind::Repeats),
        (Some(same), Some(_)) => {
            let other = (0..reports.len()).find(|&place| id(place) != id(same.0));
            Err(MergeError::Mixed {
                same,
                other: other.unwrap_or_default(),
            })
        }
    }
}

/// The health of several generators. What they did is added, and of what cannot be added it is the worst.
///
/// Shards run at the same time, so what is in flight adds up (to no less than what it was at once), and the time that a CPU limit held
/// them back is that of the worst of them, since it is held against the one time of all. Repeats run one after the other:
/// their times add up, and what was in flight at once does not.
fn health<'a>(kind: MergeKind, stages: impl Iterator<Item = &'a StageReport>) -> Health {
    let mut all = Health::default();
    for health in stages.map(|stage| &stage.health) {
        all.cpu_s += health.cpu_s;
        if let Some(throttled) = health.throttled_s {
            let before = all.throttled_s.unwrap_or(0.0);
            all.throttled_s = Some(match kind {
                MergeKind::Shards => before.max(throttled),
                MergeKind::Repeats => before + throttled,
            });
        }
        all.in_flight_max = match kind {
            MergeKind::Shards => all.in_flight_max + health.in_flight_max,
            MergeKind::Repeats => all.in_flight_max.max(health.in_flight_max),
        };
        all.connections_opened += health.connections_opened;
        all.socket_errors += health.socket_errors;
        if let Some(lag) = &health.event_loop_lag {
            let worst = all.event_loop_lag.get_or_insert_default();
            worst.count += lag.count;
            worst.p50_s = worst.p50_s.max(lag.p50_s);
            worst.p99_s = worst.p99_s.max(lag.p99_s);
            worst.max_s = worst.max_s.max(lag.max_s);
        }
        all.workers.extend(health.workers.iter().cloned());
    }
    all
}

/// The stages that began in none of several runs or shards, with the requests that were planned in all of them.
fn all_not_begun<'a>(reports: impl Iterator<Item = &'a Report>, begun: &[u32]) -> Vec<NotBegun> {
    let mut all: BTreeMap<u32, NotBegun> = BTreeMap::new();
    let stages = reports.flat_map(|report| &report.not_begun);
    for stage in stages.filter(|stage| !begun.contains(&stage.stage)) {
        all.entry(stage.stage)
            .and_modify(|before| {
                let both = before.planned.zip(stage.planned);
                before.planned = both.map(|(one, other)| one + other);
            })
            .or_insert_with(|| stage.clone());
    }
    all.into_values().collect()
}

/// The record with each of its instants moved.
fn with_instants(record: &RequestRecord, moved: impl Fn(u64) -> u64) -> RequestRecord {
    let mut record = record.clone();
    record.scheduled_ns = moved(record.scheduled_ns);
    for stamp in [
        &mut record.dispatched_ns,
        &mut record.sent_ns,
        &mut record.first_token_ns,
        &mut record.first_visible_ns,
        &mut record.last_token_ns,
        &mut record.end_ns,
    ] {
        *stamp = stamp.map(&moved);
    }
    record
}

/// What is missing of the parts of a merge, each named.
fn named(parts: &[String], missing: &[Vec<String>]) -> Vec<String> {
    let of = parts.iter().zip(missing);
    of.flat_map(|(part, missing)| missing.iter().map(move |text| format!("{part}: {text}")))
        .collect()
}

/// `shard 3 of 8 is missing`, `shards 3 and 5 of 8 are missing`.
fn missing_shards(missing: &[u32], of: u32) -> Option<String> {
    let (last, rest) = missing.split_last()?;
    if rest.is_empty() {
        return Some(format!(
            "shard {last} of {of} is missing, and its requests with it"
        ));
    }
    let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
    Some(format!(
        "shards {} and {last} of {} are missing, and their requests with them",
        rest.join(", "),
        count(of.into())
    ))
}
