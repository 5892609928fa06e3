//! Which CPUs a thread may run on: apart from each other, a client and a server on one machine do not take each other's time.

use std::fmt;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Some CPUs.
#[derive(Clone, Copy)]
pub struct Cpus(CpuSet);

impl Cpus {
    /// Those that the current thread may use.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn allowed() -> io::Result<Self> {
        Ok(Self(sched_getaffinity(None)?))
    }

    /// Two halves, the first for a server and the second for its client; the same CPU twice where there is only one.
    #[must_use]
    pub fn halves(&self) -> (Self, Self) {
        let all: Vec<usize> = self.numbers().collect();
        match all.len() {
            0 | 1 => (*self, *self),
            count => {
                let (server, client) = all.split_at(count / 2);
                (Self::of(server), Self::of(client))
            }
        }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.numbers().count()
    }

    /// Calls `work` on these CPUs alone; threads and processes that it starts stay on them.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let before = Self::allowed()?;
        sched_setaffinity(None, &self.0)?;
        let done = work();
        sched_setaffinity(None, &before.0)?;
        Ok(done)
    }

    fn of(numbers: &[usize]) -> Self {
        let mut set = CpuSet::new();
        numbers.iter().for_each(|&cpu| set.set(cpu));
        Self(set)
    }

    fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..CpuSet::MAX_CPU).filter(|&cpu| self.0.is_set(cpu))
    }
}

impl fmt::Display for Cpus {
    /// `0-3,8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.numbers().peekable();
        let mut separator = "";
        while let Some(first) = numbers.next() {
            let mut last = first;
            while let Some(next) = numbers.next_if_eq(&(last + 1)) {
                last = next;
            }
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{first}-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_share_nothing_and_are_all() {
        let (server, client) = Cpus::of(&[0, 1, 2, 5, 7]).halves();
        assert_eq!(
            (server.to_string(), client.to_string()),
            ("0-1".into(), "2,5,7".into())
        );
        let (server, client) = Cpus::of(&[3]).halves();
        assert_eq!(
            (server.to_string(), client.to_string()),
            ("3".into(), "3".into())
        );
    }

    #[test]
    fn work_runs_where_it_is_told_to() {
        let allowed = Cpus::allowed().unwrap();
        let (_, client) = allowed.halves();
        let seen = client.run(|| Cpus::allowed().unwrap().to_string()).unwrap();
        assert_eq!(seen, client.to_string());
        assert_eq!(Cpus::allowed().unwrap().to_string(), allowed.to_string());
    }
}
