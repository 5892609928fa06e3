//! What a person sees while the run goes on: a bar on a terminal, a line every few seconds otherwise.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::Instant;
use crate::engine::Counters;
use crate::notice;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Between two refreshes of the bar.
const BAR_EVERY: Duration = Duration::from_millis(200);

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
        let mut watch = Watch {
            counters,
            name: name.to_owned(),
            begun: Instant::now(),
            duration,
            last: Sight::default(),
        };
        watch.last = watch.sight();
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            let mut clock = tokio::time::interval(if shown.is_some() {
                BAR_EVERY
            } else {
                LINE_EVERY
            });
            clock.tick().await;
            loop {
                clock.tick().await;
                match &shown {
                    Some(bar) => {
                        if let Some(duration) = watch.duration {
                            let elapsed = watch.elapsed().min(duration);
                            bar.set_position(elapsed.as_millis() as u64);
                        }
                        bar.set_message(watch.describe());
                    }
                    None => notice(&format!("{} {}", watch.when(), watch.describe())),
                }
            }
        });
        Self { task, bar }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, duration: Option<Duration>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(
        duration.map(|duration| duration.as_millis() as u64),
        ProgressDrawTarget::stderr(),
    );
    let template = ProgressStyle::with_template(if duration.is_some() {
        "{prefix} [{bar:24}] {elapsed} {msg}"
    } else {
        "{prefix} {elapsed} {msg}"
    });
    if let Ok(style) = template {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(name.to_owned());
    bar
}

/// The counters at one time.
#[derive(Clone, Copy, Default)]
struct Sight {
    at: Duration,
    sent: u64,
    failed: u64,
    ended: u64,
    tokens: u64,
    ttft_sum_ns: u64,
    ttft_count: u64,
}

struct Watch {
    counters: Arc<Counters>,
    name: String,
    begun: Instant,
    duration: Option<Duration>,
    last: Sight,
}

impl Watch {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(Instant::now().since(self.begun))
    }

    fn when(&self) -> String {
        let end = self
            .duration
            .map_or_else(String::new, |end| format!("/{:.0}", end.as_secs_f64()));
        let elapsed = self.elapsed().as_secs_f64();
        format!("{} {elapsed:>5.0}{end} s", self.name)
    }

    fn sight(&self) -> Sight {
        let read = Counters::read;
        let counters = &self.counters;
        Sight {
            at: self.elapsed(),
            sent: read(&counters.sent),
            failed: read(&counters.failed),
            ended: read(&counters.ended),
            tokens: read(&counters.tokens),
            ttft_sum_ns: read(&counters.ttft_sum_ns),
            ttft_count: read(&counters.ttft_count),
        }
    }

    /// What happened since the last call.
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    fn describe(&mut self) -> String {
        let now = self.sight();
        let before = std::mem::replace(&mut self.last, now);
        let seconds = (now.at - before.at).as_secs_f64().max(1e-3);
        let per_second = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let ttft = match now.ttft_count - before.ttft_count {
            0 => "-".to_owned(),
            count => format!(
                "{:.0} ms",
                (now.ttft_sum_ns - before.ttft_sum_ns) as f64 / count as f64 / 1e6
            ),
        };
        format!(
            "sent {} ({:.1}/s), in flight {}, ended {}, failed {}, {:.0} tokens/s, TTFT mean {ttft}",
            now.sent,
            per_second(now.sent, before.sent),
            self.counters.in_flight(),
            now.ended,
            now.failed,
            per_second(now.tokens, before.tokens),
        )
    }
}
