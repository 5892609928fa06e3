//! What benchmarks run against: the simulator in a process of its own, and one run of `loadgen` in another.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bench_contract::Report;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

/// The program under test, as cargo has built it.
const LOADGEN: &str = env!("CARGO_BIN_EXE_loadgen");

/// What benchmarks fail with.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// A CPU for the server and another for the client, where there are two; else both run where they may.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpus {
    /// Of the simulator.
    pub(crate) server: Option<usize>,
    /// Of the client.
    pub(crate) client: Option<usize>,
}

impl Cpus {
    /// The first two CPUs that this process may use.
    pub(crate) fn apart() -> Self {
        let set = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu));
        match (allowed.next(), allowed.next()) {
            (Some(server), Some(client)) => Self {
                server: Some(server),
                client: Some(client),
            },
            _ => Self {
                server: None,
                client: None,
            },
        }
    }
}

/// Calls `work` on `cpu` alone; the processes that it starts stay there.
pub(crate) fn on<T>(cpu: Option<usize>, work: impl FnOnce() -> T) -> Result<T, Failure> {
    let Some(cpu) = cpu else {
        return Ok(work());
    };
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(cpu);
    sched_setaffinity(None, &only)?;
    let done = work();
    sched_setaffinity(None, &before)?;
    Ok(done)
}

/// A simulator; dropping it stops it.
pub(crate) struct Server {
    child: Child,
    /// `HOST:PORT`.
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one on `cpu`, with the flags `args`.
    pub(crate) fn start(cpu: Option<usize>, args: &[&str]) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("address");
        let child = on(cpu, || {
            Command::new(LOADGEN)
                .args(["sim", "--listen", "127.0.0.1:0", "--address-file"])
                .arg(&file)
                .args(args)
                .stderr(Stdio::null())
                .spawn()
        })??;
        let mut server = Self {
            child,
            address: String::new(),
            folder,
        };
        server.address = wait_for(&file)?;
        Ok(server)
    }

    /// Runs `loadgen` on `cpu` with `config`, whose server and results folder are set here. Its table goes to stdout if
    /// `shown`.
    pub(crate) fn run(
        &self,
        cpu: Option<usize>,
        mut config: Value,
        shown: bool,
    ) -> Result<Report, Failure> {
        let results: PathBuf = self.folder.path().join("results");
        let _ = std::fs::remove_dir_all(&results);
        config["server"]["base_url"] = format!("http://{}", self.address).into();
        config["server"]["ready_timeout"] = 20.into();
        config["storage"]["local_storage"]["path"] = results.display().to_string().into();
        let file = self.folder.path().join("config.yml");
        std::fs::write(&file, config.to_string())?;
        let status = on(cpu, || {
            let mut command = Command::new(LOADGEN);
            command.arg("-c").arg(&file).args(["--fail-on", "error"]);
            if !shown {
                command.stdout(Stdio::null()).stderr(Stdio::null());
            }
            command.status()
        })??;
        if !status.success() {
            return Err(format!("loadgen ended with {status}").into());
        }
        let report = std::fs::read_to_string(results.join("report.json"))?;
        Ok(serde_json::from_str(&report)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(file: &Path) -> Result<String, Failure> {
    for _ in 0..100 {
        match std::fs::read_to_string(file) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    Err("the simulator did not start".into())
}
