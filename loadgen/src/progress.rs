//! What a person sees while the run goes on: a view on a terminal, a line every few seconds otherwise.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::clock::Instant;
use crate::engine::{Buckets, Counters};
use crate::notice;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Between two refreshes of the view.
const VIEW_EVERY: Duration = Duration::from_millis(250);

/// Between two points of the sparkline.
const POINT_EVERY: Duration = Duration::from_secs(1);

/// Points of the sparkline.
const POINTS: usize = 30;

/// What rates and percentiles of the view are taken over, in points.
const RECENT: usize = 10;

/// The view that is on the terminal now: what is written beside it has to be written around it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writes to stderr without being written over by the view, if there is one.
pub fn aside(write: impl FnOnce()) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

fn show(bar: Option<ProgressBar>) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Shows how a stage gets on, until it is dropped.
pub struct Progress {
    task: tokio::task::JoinHandle<()>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Starts to show the stage `name`, whose requests are due for `duration` seconds, if anybody knows.
    #[must_use]
    pub fn start(name: &str, duration: Option<f64>, counters: Arc<Counters>) -> Self {
        let duration = duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let bar = std::io::stderr().is_terminal().then(|| bar(name, duration));
        // A terminal that cannot move its cursor has none.
        let bar = bar.filter(|bar| !bar.is_hidden());
        show(bar.clone());
        let watch = Watch::new(counters);
        let task = match bar.clone() {
            Some(bar) => tokio::spawn(view(watch, bar, duration)),
            None => tokio::spawn(lines(watch, name.to_owned(), duration)),
        };
        Self { task, bar }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(bar) = &self.bar {
            show(None);
            bar.finish_and_clear();
        }
    }
}

async fn view(mut watch: Watch, bar: ProgressBar, duration: Option<Duration>) {
    let mut clock = tokio::time::interval(VIEW_EVERY);
    let mut next_point = POINT_EVERY;
    loop {
        clock.tick().await;
        let elapsed = watch.elapsed();
        if let Some(duration) = duration {
            bar.set_position(elapsed.min(duration).as_millis() as u64);
        }
        bar.set_message(watch.view());
        if elapsed >= next_point {
            watch.point();
            next_point = elapsed + POINT_EVERY;
        }
    }
}

async fn lines(mut watch: Watch, name: String, duration: Option<Duration>) {
    let end = duration.map_or_else(String::new, |end| format!("/{:.0}", end.as_secs_f64()));
    let mut clock = tokio::time::interval(LINE_EVERY);
    clock.tick().await;
    loop {
        clock.tick().await;
        let elapsed = watch.elapsed().as_secs_f64();
        notice(&format!("{name} {elapsed:>5.0}{end} s {}", watch.line()));
        watch.sights.clear();
        watch.point();
    }
}

fn bar(name: &str, duration: Option<Duration>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(
        duration.map(|duration| duration.as_millis() as u64),
        ProgressDrawTarget::stderr(),
    );
    let template = ProgressStyle::with_template(if duration.is_some() {
        "{prefix} [{bar:24}] {passed} of {whole} s\n{msg}"
    } else {
        "{prefix} {passed} s\n{msg}"
    });
    if let Ok(style) = template {
        let whole = move |_: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}", duration.unwrap_or_default().as_secs_f64());
        };
        let passed = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}", state.elapsed().as_secs_f64().floor());
        };
        let style = style.progress_chars("=> ");
        bar.set_style(style.with_key("whole", whole).with_key("passed", passed));
    }
    bar.set_prefix(name.to_owned());
    bar
}

/// The counters at one time.
struct Sight {
    at: Duration,
    sent: u64,
    ended: u64,
    failed: u64,
    tokens: u64,
    ttft: Buckets,
    gaps: Buckets,
}

/// The counters now and a while ago.
struct Watch {
    counters: Arc<Counters>,
    begun: Instant,
    /// The last of them, the oldest first; at least one.
    sights: VecDeque<Sight>,
    /// Tokens per second between them.
    rates: VecDeque<f64>,
}

impl Watch {
    fn new(counters: Arc<Counters>) -> Self {
        let mut watch = Self {
            counters,
            begun: Instant::now(),
            sights: VecDeque::new(),
            rates: VecDeque::new(),
        };
        watch.point();
        watch
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(Instant::now().since(self.begun))
    }

    fn sight(&self) -> Sight {
        let counters = &self.counters;
        let (ended, failed) = counters.ended_and_failed();
        Sight {
            at: self.elapsed(),
            sent: Counters::read(&counters.sent),
            ended,
            failed,
            tokens: Counters::read(&counters.tokens),
            ttft: counters.ttft.buckets(),
            gaps: counters.chunk_gap.buckets(),
        }
    }

    /// Keeps what the counters are now.
    fn point(&mut self) {
        let now = self.sight();
        if let Some(last) = self.sights.back() {
            self.rates
                .push_back(now.per_second(last, |sight| sight.tokens));
        }
        self.sights.push_back(now);
        while self.sights.len() > RECENT {
            self.sights.pop_front();
        }
        while self.rates.len() > POINTS {
            self.rates.pop_front();
        }
    }

    /// What has come since the oldest sight, in one line.
    fn line(&self) -> String {
        let now = self.sight();
        let Some(before) = self.sights.front() else {
            return String::new();
        };
        format!(
            "{}, {}, {}",
            self.requests(&now, before),
            latencies(&now, before),
            tokens(&now, before)
        )
    }

    /// The same for a terminal, in lines that fit most of them, with the course of tokens per second.
    fn view(&self) -> String {
        let now = self.sight();
        let Some(before) = self.sights.front() else {
            return String::new();
        };
        let course = sparkline(&self.rates);
        format!(
            "  {}\n  {}\n  {} {course}",
            self.requests(&now, before),
            latencies(&now, before),
            tokens(&now, before)
        )
    }

    fn requests(&self, now: &Sight, before: &Sight) -> String {
        format!(
            "sent {} ({:.1}/s), in flight {}, ended {}, failed {}",
            now.sent,
            now.per_second(before, |sight| sight.sent),
            self.counters.in_flight(),
            now.ended,
            now.failed,
        )
    }
}

fn latencies(now: &Sight, before: &Sight) -> String {
    format!(
        "TTFT {}, chunk gap {}",
        p50_and_p99(&now.ttft.since(&before.ttft)),
        p50_and_p99(&now.gaps.since(&before.gaps)),
    )
}

fn tokens(now: &Sight, before: &Sight) -> String {
    let rate = now.per_second(before, |sight| sight.tokens);
    format!("{rate:.0} tokens/s")
}

impl Sight {
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    fn per_second(&self, before: &Self, count: impl Fn(&Self) -> u64) -> f64 {
        let seconds = (self.at - before.at).as_secs_f64().max(1e-3);
        count(self).saturating_sub(count(before)) as f64 / seconds
    }
}

/// `p50 21 p99 40 ms`.
fn p50_and_p99(buckets: &Buckets) -> String {
    match buckets.percentile(50.0).zip(buckets.percentile(99.0)) {
        None => "-".to_owned(),
        Some((median, p99)) => {
            let digits = usize::from(p99 < 0.0995);
            let (median, p99) = (1e3 * median, 1e3 * p99);
            format!("p50 {median:.digits$} p99 {p99:.digits$} ms")
        }
    }
}

/// One block a value, as high as it is beside the greatest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 7"
)]
fn sparkline(values: &VecDeque<f64>) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().fold(0.0, f64::max);
    let block = |value: &f64| {
        let height = if most > 0.0 { value / most * 7.0 } else { 0.0 };
        BLOCKS[(height.round() as usize).min(7)]
    };
    values.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_is_as_high_as_its_values() {
        assert_eq!(sparkline(&VecDeque::new()), "");
        assert_eq!(sparkline(&VecDeque::from([0.0, 0.0])), "▁▁");
        assert_eq!(sparkline(&VecDeque::from([0.0, 1.0, 2.0, 7.0])), "▁▂▃█");
    }

    #[test]
    fn latencies_are_those_since_the_oldest_sight() {
        let counters = Arc::new(Counters::default());
        counters.ttft.record(3_000_000_000, 1000);
        let watch = Watch::new(counters.clone());
        assert!(watch.line().contains("TTFT -, chunk gap -, 0 tokens/s"));
        counters.ttft.record(20_000_000, 10);
        let line = watch.line();
        assert!(line.contains("TTFT p50 19.9 p99 19.9 ms"), "{line}");
        assert!(watch.view().lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_watch_keeps_what_it_needs() {
        let mut watch = Watch::new(Arc::new(Counters::default()));
        (0..100).for_each(|_| watch.point());
        assert_eq!((watch.sights.len(), watch.rates.len()), (RECENT, POINTS));
    }
}
