//! The requests of a stage in order of schedule.

use bench_contract::{Counts, Metric};

use crate::gaps::{Gaps, Share};
use crate::sample::Sample;
use crate::settings::Settings;

/// One request, with its shares above the limits of objectives on pooled metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) sample: &'a Sample,
    pub(crate) shares: &'a [Share],
}

/// The requests of a stage in order of schedule, and what belongs to all of them.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) rows: Vec<Row<'a>>,
    pub(crate) settings: &'a Settings,
    pub(crate) gaps: &'a Gaps,
    pub(crate) counts: &'a Counts,
}

impl View<'_> {
    /// The requests.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> + Clone {
        self.rows.iter().map(|row| row.sample)
    }

    /// Values of a request metric in order of schedule, `+inf` included.
    pub(crate) fn values(&self, metric: Metric) -> Vec<f64> {
        self.samples()
            .filter_map(|sample| sample.value(metric, self.settings.streaming))
            .collect()
    }
}
