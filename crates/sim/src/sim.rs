//! The server as a whole: start, look at, stop.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::args::SimArgs;
use crate::clock::Clock;
use crate::faults::FaultPlan;
use crate::listener;
use crate::prefix::Prefixes;
use crate::queue::Queue;
use crate::shared::{Mailbox, Shared, Timing};
use crate::stats::{self, Counters, SimStats};
use crate::truth::Writer;
use crate::worker::Worker;

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    addr: SocketAddr,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    truth: Option<Writer>,
}

impl Sim {
    /// Starts the threads; returns when the server listens.
    ///
    /// Raises the soft limit of open files of this process to its hard limit.
    ///
    /// # Errors
    ///
    /// A bad combination of settings (`InvalidInput`), an address that cannot be listened on, or a file that cannot be
    /// written. The message names the cause and what to do about it.
    pub fn start(args: SimArgs) -> io::Result<Self> {
        args.check()
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        raise_open_files();
        let (socket, addr) = listener::open(&args.listen)?;
        let clock = Clock::start();
        let truth = match &args.truth {
            Some(path) => Some(Writer::start(path, &args, clock)?),
            None => None,
        };
        let workers = 0..args.workers;
        let shared = Arc::new(Shared {
            timing: Timing::new(&args),
            faults: FaultPlan::new(&args),
            clock,
            queue: Queue::new(args.capacity),
            counters: workers.clone().map(|_| Counters::new()).collect(),
            mail: workers
                .map(|_| Mailbox::new())
                .collect::<io::Result<Vec<_>>>()?,
            truth: truth.as_ref().map(|writer| Arc::clone(writer.log())),
            prefixes: args
                .prefix_cache
                .then(|| Prefixes::new(args.chars_per_token)),
            arrivals: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            args,
        });
        // Made before any thread is started, so that `?` leaves no thread behind; from then on, dropping does.
        let mut sim = Self {
            addr,
            shared: Arc::clone(&shared),
            workers: Vec::new(),
            truth,
        };
        let mut socket = Some(socket);
        for me in 0..shared.mail.len() {
            let worker = Worker::new(Arc::clone(&shared), me, socket.take())?;
            let thread = std::thread::Builder::new().name(format!("sim-{me}"));
            sim.workers.push(thread.spawn(move || worker.run())?);
        }
        if let Some(path) = &shared.args.address_file {
            write_address(path, addr)?;
        }
        Ok(sim)
    }

    /// The address that the server listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What the server has done so far. Counts of different kinds are read one after the other, not at one instant.
    pub fn stats(&self) -> SimStats {
        SimStats {
            running: self.shared.queue.running(),
            waiting: self.shared.queue.waiting(),
            truth_failed: self.shared.truth.as_ref().is_some_and(|log| log.failed()),
            ..stats::sum(&self.shared.counters)
        }
    }

    /// Stops accepting, ends all connections and threads, and writes the truth log to its end. Requests that were under way
    /// are in it with the fault `shutdown`. Returns what the server did.
    pub fn stop(mut self) -> SimStats {
        self.shut_down();
        self.stats()
    }

    fn shut_down(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for mail in &self.shared.mail {
            mail.ring();
        }
        for worker in self.workers.drain(..) {
            // A worker that panicked has said so on stderr.
            let _ = worker.join();
        }
        if let Some(truth) = &mut self.truth {
            truth.close();
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Runs a server until SIGINT or SIGTERM. Says on stderr where it listens, then calls `on_ready`.
///
/// # Errors
///
/// As [`Sim::start`]; and if the handlers of the signals cannot be set up.
pub fn run(args: SimArgs, on_ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let sim = Sim::start(args)?;
        announce(sim.addr());
        on_ready(sim.addr());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        sim.stop();
        Ok(())
    })
}

#[expect(
    clippy::print_stderr,
    reason = "where the server listens; stdout is for data"
)]
fn announce(addr: SocketAddr) {
    eprintln!("sim: listening on http://{addr}");
}

/// Writes the address in one step, so that nobody reads half of it.
fn write_address(path: &Path, addr: SocketAddr) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, format!("{addr}\n"))
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|e| {
            io::Error::new(
                e.kind(),
                format!(
                    "cannot write the address to {}: {e}; name a file in an existing, writable folder with --address-file",
                    path.display()
                ),
            )
        })
}

fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Refused at worst; then the limit is what it was, and running into it is said.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
