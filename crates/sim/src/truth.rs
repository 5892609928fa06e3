//! The truth log: what the server did, and when. One JSON object a line; the first line places the origin of all instants.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::args::SimArgs;
use crate::clock::Clock;
use crate::duration;

/// How often what has come together is written and flushed.
const INTERVAL: Duration = Duration::from_millis(200);

/// The first line.
#[derive(Serialize)]
struct Origin<'a> {
    v: u32,
    unix_origin_ns: u64,
    mono_origin_ns: u64,
    server: &'static str,
    model: &'a str,
    ttft_ns: u64,
    ttft_per_prompt_token_ns: u64,
    itl_ns: u64,
    ttft_spread: String,
    itl_spread: String,
    tokens_per_event: u32,
    events_per_write: u32,
    capacity: u32,
    seed: u64,
}

/// One request. Instants are ns since the origin; what did not happen is null.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Record {
    pub(crate) v: u32,
    /// Number in order of arrival, from 0.
    pub(crate) index: u64,
    /// The read that brought the request's first byte.
    pub(crate) first_byte_ns: u64,
    /// The read that completed the request.
    pub(crate) arrival_ns: u64,
    /// Just before the write of the first token; of the reply, if it has no tokens.
    pub(crate) first_write_ns: Option<u64>,
    /// Just before the write of the last token that was sent; of the reply, if it has no tokens.
    pub(crate) last_write_ns: Option<u64>,
    /// All was handed to the kernel, or the connection ended.
    pub(crate) end_ns: u64,
    /// SSE events with tokens.
    pub(crate) events: u64,
    pub(crate) tokens: u64,
    pub(crate) prompt_tokens: u32,
    /// Prompt tokens that were known already (`--prefix-cache`).
    pub(crate) cached_tokens: u32,
    pub(crate) stream: bool,
    /// HTTP status; null if none was sent.
    pub(crate) status: Option<u16>,
    pub(crate) fault: Option<&'static str>,
    /// From arrival to the start of service; to the end, if service never started.
    pub(crate) queue_ns: u64,
    /// The largest distance from due to written of any of its writes.
    pub(crate) late_max_ns: u64,
    pub(crate) path: String,
    pub(crate) x_request_id: Option<Box<str>>,
    pub(crate) client_closed: bool,
}

/// Where workers leave their records. They never touch the file.
#[derive(Debug)]
pub(crate) struct Log {
    state: Mutex<State>,
    wake: Condvar,
    failed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    closing: bool,
}

impl Log {
    pub(crate) fn push(&self, record: Record) {
        // No wake-up: the writer comes by itself, and a wake-up per request would cost more than the request.
        self.lock().records.push(record);
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that writes the file.
#[derive(Debug)]
pub(crate) struct Writer {
    log: Arc<Log>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Creates the file, writes its first line, and starts the thread.
    pub(crate) fn start(path: &Path, args: &SimArgs, clock: Clock) -> io::Result<Self> {
        let origin = Origin {
            v: 1,
            unix_origin_ns: clock.unix_origin_ns,
            mono_origin_ns: clock.mono_origin_ns,
            server: concat!("bench-sim ", env!("CARGO_PKG_VERSION")),
            model: &args.model,
            ttft_ns: duration::ns(args.ttft),
            ttft_per_prompt_token_ns: duration::ns(args.ttft_per_prompt_token),
            itl_ns: duration::ns(args.itl),
            ttft_spread: args.ttft_spread.to_string(),
            itl_spread: args.itl_spread.to_string(),
            tokens_per_event: args.tokens_per_event,
            events_per_write: args.events_per_write,
            capacity: args.capacity,
            seed: args.seed,
        };
        let cannot = |e: io::Error| {
            io::Error::new(
                e.kind(),
                format!(
                    "cannot write the truth log {}: {e}; name a file in an existing, writable folder with --truth",
                    path.display()
                ),
            )
        };
        let mut file = BufWriter::with_capacity(256 << 10, File::create(path).map_err(cannot)?);
        write_line(&mut file, &origin)
            .and_then(|()| file.flush())
            .map_err(cannot)?;
        let log = Arc::new(Log {
            state: Mutex::new(State::default()),
            wake: Condvar::new(),
            failed: AtomicBool::new(false),
        });
        let thread = std::thread::Builder::new().name("sim-truth".to_owned());
        let thread = thread.spawn({
            let log = Arc::clone(&log);
            let path = path.to_owned();
            move || write_all(&log, file, &path)
        })?;
        Ok(Self {
            log,
            thread: Some(thread),
        })
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Writes what is left, flushes, and ends the thread.
    pub(crate) fn close(&mut self) {
        self.log.lock().closing = true;
        self.log.wake.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.log.failed.store(true, Ordering::Relaxed);
        }
    }
}

fn write_all(log: &Log, mut file: BufWriter<File>, path: &Path) {
    let mut records = Vec::new();
    loop {
        let closing = {
            let mut state = log.lock();
            if !state.closing {
                state = log
                    .wake
                    .wait_timeout(state, INTERVAL)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            std::mem::swap(&mut records, &mut state.records);
            state.closing
        };
        if !records.is_empty() && !log.failed() {
            let written = records
                .iter()
                .try_for_each(|record| write_line(&mut file, record))
                .and_then(|()| file.flush());
            if let Err(e) = written {
                log.failed.store(true, Ordering::Relaxed);
                complain(path, &e);
            }
        }
        records.clear();
        if closing {
            return;
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "said once; the server goes on, since the load that is measured must not stop"
)]
fn complain(path: &Path, e: &io::Error) {
    eprintln!(
        "sim: the truth log {} cannot be written any more: {e}; it ends here, the server goes on",
        path.display()
    );
}

fn write_line(file: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}
