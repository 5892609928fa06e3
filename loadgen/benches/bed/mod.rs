//! What benchmarks run against: the simulator in a process of its own, and one run of `loadgen` in another.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bench_contract::Report;
use loadgen::affinity::Cpus;
use serde_json::Value;

/// The program under test, as cargo has built it.
const LOADGEN: &str = env!("CARGO_BIN_EXE_loadgen");

/// What benchmarks fail with.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// A simulator; dropping it stops it.
pub(crate) struct Server {
    /// The process.
    pub(crate) child: Child,
    /// `HOST:PORT`.
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one on `cpus`, with the flags `args`.
    pub(crate) fn start(cpus: &Cpus, args: &[&str]) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("address");
        let child = cpus.run(|| {
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

    /// Runs `loadgen` on `cpus` with `config`, whose server and results folder are set here. Its table goes to stdout if
    /// `shown`.
    pub(crate) fn run(
        &self,
        cpus: &Cpus,
        mut config: Value,
        shown: bool,
    ) -> Result<Report, Failure> {
        let results = self.results();
        let _ = std::fs::remove_dir_all(&results);
        config["server"]["base_url"] = format!("http://{}", self.address).into();
        config["server"]["ready_timeout"] = 20.into();
        config["storage"]["local_storage"]["path"] = results.display().to_string().into();
        let file = self.folder.path().join("config.yml");
        std::fs::write(&file, config.to_string())?;
        let status = cpus.run(|| {
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

impl Server {
    /// Where its latest run has left its files.
    pub(crate) fn results(&self) -> PathBuf {
        self.folder.path().join("results")
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
