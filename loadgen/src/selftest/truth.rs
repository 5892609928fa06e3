//! The simulator in a process of its own, and what it says that it did.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use serde::Deserialize;

use crate::affinity::Cpus;

/// A simulator whose truth log comes through a pipe, so that no folder has to be writable.
pub(super) struct Server {
    child: Child,
    log: Option<JoinHandle<io::Result<String>>>,
    /// `HOST:PORT`.
    pub(super) address: String,
}

/// What the simulator did: one entry for each streamed reply.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Truth {
    /// From the whole request to the write of the first token, in seconds.
    pub(super) ttft: Vec<f64>,
    /// Mean time between tokens, in seconds.
    pub(super) tpot: Vec<f64>,
    /// From the whole request to the write of the last token, in seconds.
    pub(super) e2e: Vec<f64>,
    /// Mean time between tokens over all replies, in seconds.
    pub(super) itl_mean: f64,
    /// How late its latest write was, in seconds.
    pub(super) late: Vec<f64>,
}

#[derive(Deserialize)]
struct Line {
    arrival_ns: u64,
    first_write_ns: Option<u64>,
    last_write_ns: Option<u64>,
    tokens: u64,
    stream: bool,
    late_max_ns: u64,
}

impl Server {
    /// Starts a simulator with the flags `args` on `cpus`.
    ///
    /// # Errors
    /// When this program cannot be started again, with what it said.
    pub(super) fn start(cpus: &Cpus, args: &[String]) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut child = cpus.run(|| {
            Command::new(program)
                .args(["sim", "--listen", "127.0.0.1:0", "--truth", "/dev/stdout"])
                .args(args)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
        })??;
        let log = child.stdout.take().map(collect).transpose()?;
        let mut server = Self {
            child,
            log,
            address: String::new(),
        };
        let mut said = server.child.stderr.take().map(BufReader::new);
        let mut line = String::new();
        if let Some(said) = &mut said {
            said.read_line(&mut line)?;
        }
        let Some((_, address)) = line.trim_end().split_once("listening on http://") else {
            if let Some(said) = &mut said {
                said.read_to_string(&mut line)?;
            }
            let line = line.trim_end();
            return Err(io::Error::other(format!(
                "the simulator did not start: {line}"
            )));
        };
        server.address = address.to_owned();
        // What it may have to say later is shown, and never fills a pipe that nobody reads.
        std::thread::Builder::new()
            .name("selftest-said".to_owned())
            .spawn(move || {
                for line in said
                    .into_iter()
                    .flat_map(BufRead::lines)
                    .map_while(Result::ok)
                {
                    crate::notice(&line);
                }
            })?;
        Ok(server)
    }

    /// Stops the simulator and reads what it did.
    ///
    /// # Errors
    /// When its log is not complete.
    pub(super) fn stop(mut self) -> io::Result<Truth> {
        self.ask_to_stop()?;
        let log = self.log.take().map(JoinHandle::join);
        let text = log
            .and_then(Result::ok)
            .unwrap_or_else(|| Err(io::Error::other("the thread that reads the truth panicked")))?;
        self.child.wait()?;
        Truth::read(&text)
    }

    fn ask_to_stop(&self) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok();
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a pipe to its end, on a thread of its own that takes nothing but memory.
fn collect(mut pipe: ChildStdout) -> io::Result<JoinHandle<io::Result<String>>> {
    std::thread::Builder::new()
        .name("selftest-truth".to_owned())
        .spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).map(|_| text)
        })
}

impl Truth {
    fn read(log: &str) -> io::Result<Self> {
        let mut truth = Self::default();
        let (mut time, mut gaps) = (0.0, 0.0);
        // The first line tells of the simulator itself.
        for line in log.lines().skip(1) {
            let line: Line = serde_json::from_str(line)?;
            let (Some(first), Some(last), true) =
                (line.first_write_ns, line.last_write_ns, line.stream)
            else {
                continue;
            };
            let between = |from: u64, to: u64| crate::clock::seconds(to.saturating_sub(from));
            truth.ttft.push(between(line.arrival_ns, first));
            truth.e2e.push(between(line.arrival_ns, last));
            truth.late.push(crate::clock::seconds(line.late_max_ns));
            if line.tokens > 1 {
                #[expect(clippy::cast_precision_loss, reason = "tokens of one reply")]
                let n = (line.tokens - 1) as f64;
                truth.tpot.push(between(first, last) / n);
                time += between(first, last);
                gaps += n;
            }
        }
        truth.itl_mean = if gaps > 0.0 { time / gaps } else { 0.0 };
        Ok(truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read() {
        let log = "{\"v\":1,\"server\":\"bench-sim\"}\n\
            {\"arrival_ns\":1000,\"first_write_ns\":20001000,\"last_write_ns\":30001000,\"tokens\":3,\"stream\":true,\"late_max_ns\":7000}\n\
            {\"arrival_ns\":5,\"first_write_ns\":9,\"last_write_ns\":9,\"tokens\":0,\"stream\":false,\"late_max_ns\":0}\n";
        let truth = Truth::read(log).unwrap();
        assert_eq!(truth.ttft, [0.02]);
        assert_eq!(truth.e2e, [0.03]);
        assert_eq!(truth.tpot, [0.005]);
        assert_eq!((truth.itl_mean, truth.late), (0.005, vec![0.000_007]));
        assert!(Truth::read("{}\n{\"arrival_ns\":").is_err());
    }
}
