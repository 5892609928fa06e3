//! What the machine did to the generator: CPUs, throttling, file descriptors.

use bench_contract::Environment;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// CPUs that this process may use: the affinity mask and the cgroup's quota, whichever is less.
#[must_use]
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds that the cgroup's CPU limit has held this process back so far; `None` where no cgroup says so.
#[must_use]
pub fn throttled_s() -> Option<f64> {
    let group = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = group.lines().find_map(|line| line.strip_prefix("0::"))?;
    // Inside a container the process sees its own cgroup as the root.
    [
        "/sys/fs/cgroup/cpu.stat".to_owned(),
        format!("/sys/fs/cgroup{path}/cpu.stat"),
    ]
    .iter()
    .rev()
    .find_map(|file| {
        let stat = std::fs::read_to_string(file).ok()?;
        let micros: u64 = stat
            .lines()
            .find_map(|line| line.strip_prefix("throttled_usec ")?.parse().ok())?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds of throttling stay far below 2^53"
        )]
        Some(micros as f64 / 1e6)
    })
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
