//! The deadlines of one worker.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Names a connection of one worker: a place in its table, and the how-manieth connection in that place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl ConnId {
    /// As the 64 bits that epoll hands back.
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self {
            slot: bits as u32,
            generation: (bits >> 32) as u32,
        }
    }
}

/// A heap of deadlines. An entry is never taken out early: its owner remembers the deadline that it last set, and what does
/// not match is stale.
#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(u64, ConnId)>>);

impl Timers {
    pub(crate) fn set(&mut self, due_ns: u64, id: ConnId) {
        self.0.push(Reverse((due_ns, id)));
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<u64> {
        self.0.peek().map(|Reverse((due, _))| *due)
    }

    /// Takes the earliest deadline out, if it is due at `now_ns`.
    pub(crate) fn pop_due(&mut self, now_ns: u64) -> Option<(u64, ConnId)> {
        if self.next()? > now_ns {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order() {
        let id = |slot| ConnId {
            slot,
            generation: 1,
        };
        let mut timers = Timers::default();
        for (due, slot) in [(30, 1), (10, 2), (20, 3), (10, 1)] {
            timers.set(due, id(slot));
        }
        assert_eq!(timers.pop_due(5), None);
        assert_eq!(timers.pop_due(20), Some((10, id(1))));
        assert_eq!(timers.pop_due(20), Some((10, id(2))));
        assert_eq!(timers.pop_due(20), Some((20, id(3))));
        assert_eq!(timers.pop_due(20), None);
        assert_eq!(timers.next(), Some(30));
    }

    #[test]
    fn ids_survive_epoll() {
        let id = ConnId {
            slot: u32::MAX - 7,
            generation: 0x8000_0001,
        };
        assert_eq!(ConnId::from_bits(id.to_bits()), id);
    }
}
