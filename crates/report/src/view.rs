//! The requests of a stage in order of schedule.

use bench_contract::{Counts, Metric, Slo};

use crate::gaps::{Gaps, Share};
use crate::in_order::Series;
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
    /// The token gaps, as they are known best.
    pub(crate) gaps: &'a Gaps,
    /// Those that the requests' own reads tell: only of these it is known which request they are of.
    pub(crate) read_gaps: &'a Gaps,
    pub(crate) counts: &'a Counts,
    /// Instants at which later runs begin, where several were put one behind the other.
    pub(crate) joints_ns: &'a [u64],
}

impl View<'_> {
    /// The requests.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> + Clone {
        self.rows.iter().map(|row| row.sample)
    }

    /// The requests that a metric is taken over: those that `load.cancel` drew are left out of what the server did, whether
    /// or not they ended before their time. The draw knows nothing of a request, so the others are a fair sample; leaving out
    /// only those that were given up would leave out the slow ones.
    pub(crate) fn measured(&self, metric: Metric) -> impl Iterator<Item = &Sample> + Clone {
        self.samples()
            .filter(move |sample| is_measured(sample, metric))
    }

    /// The metric of an objective on token gaps, and how many of them requests themselves hold; none for one on something else.
    pub(crate) fn gaps_held(&self, slo: &Slo) -> Option<(Metric, u64)> {
        let metric = slo.metric.latency().filter(|metric| metric.is_pooled())?;
        Some((metric, self.read_gaps.of(metric).count()))
    }

    /// Values of a request metric in order of schedule, `+inf` included.
    pub(crate) fn values(&self, metric: Metric) -> Series {
        let samples = self.measured(metric);
        self.series(samples, |sample| {
            sample.value(metric, self.settings.streaming)
        })
    }

    /// What `of` gives of `samples`, which are in order of schedule.
    pub(crate) fn series<'s>(
        &self,
        samples: impl Iterator<Item = &'s Sample>,
        of: impl Fn(&Sample) -> Option<f64>,
    ) -> Series {
        let values = samples.filter_map(|sample| Some((sample.scheduled_ns, of(sample)?)));
        Series::timed(values, self.joints_ns)
    }
}

/// Whether a request is among those that a metric is taken over; see [`View::measured`].
pub(crate) fn is_measured(sample: &Sample, metric: Metric) -> bool {
    !sample.drawn || matches!(metric, Metric::ScheduleDelay | Metric::Connect)
}
