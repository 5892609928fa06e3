//! The server's own metrics while the load runs, on a thread and an event loop of their own: workers know nothing of it, and
//! whatever is wrong with a page, the run goes on.

mod all;
mod names;
mod page;
mod text;

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::thread::JoinHandle;
use std::time::Duration;

use bench_contract::MetricsSource;
use bench_report::{ServerRead, ServerReads, ServerValues};
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;

use crate::clock::Origin;
use crate::eventloop::{EventLoop, Handle};
use crate::http::once::get_up_to;
use crate::notice;

use all::all;
use names::{Unread, values};
use page::{Page, pages};

pub use page::Tested;

/// The most that a page may take, in bytes.
const MOST: usize = 16 * 1024 * 1024;

/// The most that one read may take, whatever the interval.
const LIMIT: Duration = Duration::from_secs(2);

/// A page that was refused so often in a row is not asked for any more.
const MOST_REFUSALS: u32 = 3;

/// Rounds after which a host is resolved again.
const RESOLVED_EVERY: u64 = 10;

/// Problems that are told one by one.
const MOST_PROBLEMS: usize = 4;

/// How many looks are wanted so far, and whether to end.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    marks: u64,
    end: bool,
}

/// Reads the server's metrics until it is told to end.
pub struct Scraper {
    wanted: watch::Sender<Wanted>,
    thread: JoinHandle<ServerReads>,
}

impl Scraper {
    /// Starts reading, unless the config says not to. Instants are those of `origin`; `tell` is whether somebody wants to know
    /// what cannot be read. Has to be called in a runtime.
    #[must_use]
    pub fn start(tested: Tested<'_>, origin: Origin, tell: bool) -> Option<Self> {
        let options = tested.config.metrics.clone().unwrap_or_default();
        if !options.scrape() {
            return None;
        }
        let (pages, problems) = pages(tested, &options);
        let (wanted, receiver) = watch::channel(Wanted::default());
        let interval = options.interval().to_duration();
        let reading = Reading {
            pages,
            origin,
            interval,
            limit: LIMIT.min(interval),
            tell,
            sources: Vec::new(),
            known: HashMap::new(),
            problems,
            reads: Vec::new(),
            rounds: 0,
            is_silent: false,
        };
        let runtime = Runtime::current();
        let thread = std::thread::Builder::new().name("metrics".to_owned());
        // Without a thread there is nothing to see of the server, and that is all.
        let thread = thread.spawn(move || {
            // The workers' CPUs are theirs first.
            let _ = rustix::process::setpriority_process(None, 10);
            let _guard = runtime.enter();
            reading.run(receiver)
        });
        Some(Self {
            wanted,
            thread: thread.ok()?,
        })
    }

    /// Has the server read now: a stage is about to begin, or has just ended. Never waits.
    pub fn mark(&self) {
        self.wanted.send_modify(|wanted| wanted.marks += 1);
    }

    /// What was read, after what is asked for now has come.
    pub async fn finish(self) -> Option<ServerReads> {
        self.wanted.send_modify(|wanted| wanted.end = true);
        let joined = tokio::task::spawn_blocking(|| self.thread.join());
        joined.await.ok()?.ok()
    }
}

/// One address of one page.
struct Source {
    page: usize,
    address: Option<SocketAddr>,
    reads: u64,
    failed: u64,
    refusals: u32,
    last_problem: Option<String>,
    /// When the page was last there without anything that is known.
    blank_ns: Option<(u64, u64)>,
}

struct Reading {
    pages: Vec<Page>,
    origin: Origin,
    interval: Duration,
    limit: Duration,
    tell: bool,
    sources: Vec<Source>,
    known: HashMap<(usize, Option<SocketAddr>), usize>,
    problems: Vec<String>,
    reads: Vec<ServerRead>,
    rounds: u64,
    /// Whether nothing came of the last round.
    is_silent: bool,
}

/// What came of one question.
struct Came {
    source: usize,
    begin_ns: u64,
    end_ns: u64,
    page: Result<ServerValues, Wrong>,
}

/// Why a page was not read.
enum Wrong {
    /// It will not be there the next time either.
    Refused(String),
    /// It may be there the next time.
    Failed(String),
    /// It is there, and has nothing that is known.
    Blank,
}

impl Reading {
    fn run(mut self, wanted: watch::Receiver<Wanted>) -> ServerReads {
        let ended = EventLoop::new().and_then(|event_loop| {
            let handle = event_loop.handle();
            event_loop.block_on(self.follow(&handle, wanted))
        });
        if let Err(error) = ended {
            self.problems
                .push(format!("the server's metrics could not be read: {error}"));
        }
        self.finish()
    }

    async fn follow(&mut self, handle: &Handle, mut wanted: watch::Receiver<Wanted>) {
        let interval = u64::try_from(self.interval.as_nanos())
            .unwrap_or(u64::MAX)
            .max(1);
        let mut done = None;
        loop {
            let asked = *wanted.borrow_and_update();
            // At the end, what is read already is not read again, and what has not answered is not waited for once more.
            let is_enough = self.is_silent || done == Some(asked.marks);
            if !(asked.end && is_enough) {
                let mut ends = wanted.clone();
                let may_be_cut = self.is_silent;
                let came = {
                    let round = self.round(handle);
                    tokio::select! {
                        came = round => came,
                        _ = ends.wait_for(|wanted| wanted.end), if may_be_cut => return,
                    }
                };
                self.take(came);
                done = Some(asked.marks);
            }
            if wanted.has_changed().unwrap_or(false) {
                continue;
            }
            if asked.end {
                return;
            }
            let passed = self.origin.elapsed();
            let next = self.origin.at((passed / interval + 1) * interval);
            tokio::select! {
                () = handle.until(next) => {}
                changed = wanted.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    }

    /// Asks for every page at every address, all at once.
    async fn round(&mut self, handle: &Handle) -> Vec<Came> {
        self.look_up().await;
        self.rounds += 1;
        let asked = self.sources.iter().enumerate().filter_map(|(source, of)| {
            let page = &self.pages[of.page];
            let address = of.address.filter(|_| of.refusals < MOST_REFUSALS)?;
            let is_there = page.addresses.contains(&address);
            is_there.then(|| {
                let asking = self.ask(handle, source, page, address);
                Box::pin(asking) as Pin<Box<dyn Future<Output = Came> + '_>>
            })
        });
        all(asked.collect()).await
    }

    /// Finds out where pages are, as far as that may change.
    async fn look_up(&mut self) {
        for number in 0..self.pages.len() {
            let page = &self.pages[number];
            let is_due = self.rounds.is_multiple_of(RESOLVED_EVERY) || page.addresses.is_empty();
            if page.is_resolved && is_due {
                match page.resolve().await {
                    Ok(addresses) => self.pages[number].addresses = addresses,
                    Err(reason) => {
                        let source = self.source(number, None);
                        self.fail(source, reason);
                    }
                }
            }
            for address in self.pages[number].addresses.clone() {
                self.source(number, Some(address));
            }
        }
    }

    fn source(&mut self, page: usize, address: Option<SocketAddr>) -> usize {
        let sources = &mut self.sources;
        *self.known.entry((page, address)).or_insert_with(|| {
            sources.push(Source {
                page,
                address,
                reads: 0,
                failed: 0,
                refusals: 0,
                last_problem: None,
                blank_ns: None,
            });
            sources.len() - 1
        })
    }

    async fn ask(&self, handle: &Handle, source: usize, page: &Page, address: SocketAddr) -> Came {
        let begin_ns = self.origin.elapsed();
        let (tls, request) = (page.tls.as_ref(), &page.request);
        let answer = get_up_to(MOST, handle, address, tls, request, self.limit).await;
        let end_ns = self.origin.elapsed();
        let page = match answer {
            Ok((200, body)) if body.len() > MOST => {
                Err(Wrong::Refused("the page is larger than 16 MiB".to_owned()))
            }
            Ok((200, body)) => values(&String::from_utf8_lossy(&body)).map_err(|unread| match unread {
                Unread::NoMetrics => {
                    Wrong::Refused("what is there is no page of metrics".to_owned())
                }
                Unread::NoKnownNames => Wrong::Blank,
            }),
            Ok((404, _)) => Err(Wrong::Refused(
                "it answers 404 (SGLang has metrics with --enable-metrics; metrics.urls names another page)".to_owned(),
            )),
            Ok((status, _)) if status >= 500 => Err(Wrong::Failed(format!("it answers {status}"))),
            Ok((status, _)) => Err(Wrong::Refused(format!("it answers {status}"))),
            Err(error) if error.is_final() => Err(Wrong::Refused(error.to_string())),
            Err(error) => Err(Wrong::Failed(error.to_string())),
        };
        Came {
            source,
            begin_ns,
            end_ns,
            page,
        }
    }

    fn take(&mut self, came: Vec<Came>) {
        self.is_silent = true;
        for came in came {
            let Came {
                begin_ns, end_ns, ..
            } = came;
            let source = &mut self.sources[came.source];
            let read = |(begin_ns, end_ns), values| ServerRead {
                source: came.source,
                begin_ns,
                end_ns,
                values,
            };
            match came.page {
                Ok(values) => {
                    self.is_silent = false;
                    if let Some(blank) = source.blank_ns.take() {
                        // What was not there then had counted nothing.
                        let nothing = ServerValues {
                            started: values.started,
                            ..ServerValues::of(values.kind)
                        };
                        self.reads.push(read(blank, nothing));
                    }
                    (source.reads, source.refusals) = (source.reads + 1, 0);
                    self.reads.push(read((begin_ns, end_ns), values));
                }
                Err(Wrong::Blank) if source.reads == 0 => {
                    self.is_silent = false;
                    source.blank_ns = Some((begin_ns, end_ns));
                }
                Err(Wrong::Blank) => {
                    self.is_silent = false;
                    self.fail(came.source, NOTHING_KNOWN.to_owned());
                }
                Err(Wrong::Refused(reason)) => {
                    source.refusals += 1;
                    self.fail(came.source, reason);
                }
                Err(Wrong::Failed(reason)) => self.fail(came.source, reason),
            }
        }
    }

    fn fail(&mut self, source: usize, reason: String) {
        let of = &self.sources[source];
        let is_first = self.sources.iter().all(|source| source.failed == 0);
        if is_first && self.tell {
            notice(&format!(
                "the server's metrics could not be read: {}: {reason}; the run goes on",
                self.name(of)
            ));
        }
        let source = &mut self.sources[source];
        source.failed += 1;
        source.last_problem = Some(reason);
    }

    fn name(&self, source: &Source) -> String {
        let url = &self.pages[source.page].url;
        match source.address {
            Some(address) => format!("{url} at {address}"),
            None => url.clone(),
        }
    }

    fn finish(mut self) -> ServerReads {
        let mut found: Vec<String> = Vec::new();
        for source in &self.sources {
            let name = self.name(source);
            let reason = source.last_problem.as_deref().unwrap_or(NOTHING_KNOWN);
            if source.reads == 0 && (source.failed > 0 || source.blank_ns.is_some()) {
                found.push(format!(
                    "the server's metrics could not be read: {name}: {reason}"
                ));
            } else if source.failed > 0 {
                found.push(format!(
                    "{} of {} reads of {name} failed; the last one: {reason}",
                    source.failed,
                    source.failed + source.reads
                ));
            }
        }
        let rest = found.len().saturating_sub(MOST_PROBLEMS);
        found.truncate(MOST_PROBLEMS);
        if rest > 0 {
            found.push(format!(
                "{rest} more addresses could not be read, or not always"
            ));
        }
        self.problems.append(&mut found);
        let sources = self.sources.iter().map(|source| MetricsSource {
            url: self.pages[source.page].url.clone(),
            address: source.address.map(|address| address.to_string()),
            reads: source.reads,
            failed: source.failed,
            instances: 0,
        });
        ServerReads {
            interval_s: self.interval.as_secs_f64(),
            sources: sources.collect(),
            problems: self.problems,
            reads: self.reads,
            warmed_up_ns: 0,
        }
    }
}

const NOTHING_KNOWN: &str = "the page has none of the metrics of vLLM, SGLang and TGI";
