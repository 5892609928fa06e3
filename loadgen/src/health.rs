//! What the machine did to the generator: CPUs, throttling, file descriptors.

use bench_contract::{Environment, WorkerHealth};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::clock::{seconds, thread_cpu_ns};

/// CPUs that this process may use: the affinity mask and the cgroup's quota, whichever is less.
#[must_use]
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds that the cgroup's CPU limit has held this process back so far; `None` where no cgroup says so.
#[must_use]
pub fn throttled_s() -> Option<f64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    stat_files(&groups)
        .iter()
        .find_map(|file| throttling(&std::fs::read_to_string(file).ok()?))
}

/// Where the throttling of a process of these cgroups may be found, the most precise place first. Inside a container the
/// process sees its own cgroup as the root.
fn stat_files(groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let mount = match controllers {
            "" => "",
            list if list.split(',').any(|name| name == "cpu") => "/cpu",
            _ => continue,
        };
        for path in [path.trim_end_matches('/'), ""] {
            files.push(format!("/sys/fs/cgroup{mount}{path}/cpu.stat"));
        }
    }
    files
}

/// Seconds of throttling in a `cpu.stat`: microseconds in version 2 of cgroups, nanoseconds in version 1.
fn throttling(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let nanos_each = match name {
            "throttled_usec" => 1000,
            "throttled_time" => 1,
            _ => return None,
        };
        let value: u64 = value.trim().parse().ok()?;
        Some(seconds(value.saturating_mul(nanos_each)))
    })
}

/// What the current thread has taken of its machine so far.
#[derive(Clone, Copy, Debug)]
pub struct ThreadAccount {
    cpu_ns: u64,
    run_delay_ns: Option<u64>,
}

impl ThreadAccount {
    /// Of the current thread, now.
    #[must_use]
    pub fn now() -> Self {
        Self {
            cpu_ns: thread_cpu_ns(),
            run_delay_ns: run_delay_ns(),
        }
    }

    /// From here to `later`; how busy that is, is for whoever knows how long the stage has lasted.
    #[must_use]
    pub fn health(&self, later: &Self) -> WorkerHealth {
        WorkerHealth {
            cpu_s: seconds(later.cpu_ns - self.cpu_ns),
            busy: 0.0,
            run_delay_s: later
                .run_delay_ns
                .zip(self.run_delay_ns)
                .map(|(later, before)| seconds(later - before)),
        }
    }
}

/// Nanoseconds for which the current thread was ready to run and had no CPU; `None` where the kernel keeps no account.
fn run_delay_ns() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().nth(1)?.parse().ok()
}

/// The most memory of this process that was resident at once, in bytes; `None` where the kernel does not say.
#[must_use]
pub fn rss_max_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Raises the limit on open files to the most that is allowed, and returns it.
///
/// # Errors
/// When the limit cannot be raised; the limit that stays in force is returned as well.
pub fn raise_file_limit() -> Result<u64, (u64, std::io::Error)> {
    let limit = getrlimit(Resource::Nofile);
    let (current, most) = (
        limit.current.unwrap_or(u64::MAX),
        limit.maximum.unwrap_or(u64::MAX),
    );
    if current >= most {
        return Ok(current);
    }
    match setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(most),
            maximum: Some(most),
        },
    ) {
        Ok(()) => Ok(most),
        Err(error) => Err((current, error.into())),
    }
}

/// Grows the table of file descriptors to `wanted` while the process has one thread: growing it later stalls every thread.
pub fn grow_file_table(wanted: u64, limit: u64) {
    let target = wanted.min(limit.saturating_sub(1)).min(1 << 20);
    if let (Ok(null), Ok(target)) = (std::fs::File::open("/dev/null"), i32::try_from(target)) {
        // Duplicating a descriptor to a high number makes the kernel grow the table; closing it leaves it grown.
        drop(rustix::io::fcntl_dupfd_cloexec(&null, target));
    }
}

/// The machine, for the report.
#[must_use]
pub fn environment(workers: usize) -> Environment {
    let system = rustix::system::uname();
    Environment {
        host: system.nodename().to_string_lossy().into_owned(),
        kernel: format!(
            "{} {}",
            system.sysname().to_string_lossy(),
            system.release().to_string_lossy()
        ),
        cpus: u32::try_from(cpus()).unwrap_or(u32::MAX),
        workers: u32::try_from(workers).unwrap_or(u32::MAX),
        clock: std::fs::read_to_string(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource",
        )
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_found_in_both_versions_of_cgroups() {
        let two = "usage_usec 1\nnr_throttled 3\nthrottled_usec 1500000\n";
        let one = "nr_periods 9\nnr_throttled 3\nthrottled_time 250000000\n";
        assert_eq!(throttling(two), Some(1.5));
        assert_eq!(throttling(one), Some(0.25));
        assert_eq!(throttling("usage_usec 1\n"), None);
        assert_eq!(
            stat_files("0::/kubepods/pod1\n"),
            [
                "/sys/fs/cgroup/kubepods/pod1/cpu.stat",
                "/sys/fs/cgroup/cpu.stat"
            ]
        );
        assert_eq!(
            stat_files("12:memory:/x\n4:cpu,cpuacct:/x\nnonsense\n"),
            [
                "/sys/fs/cgroup/cpu/x/cpu.stat",
                "/sys/fs/cgroup/cpu/cpu.stat"
            ]
        );
    }

    #[test]
    fn this_process_has_memory() {
        assert!(rss_max_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
