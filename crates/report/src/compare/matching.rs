//! Which stages of two runs belong together: those under the same load.

use bench_contract::{StageLoad, StageReport};

/// Pairs of stages under the same load, in order; and the stages of either that are left.
#[derive(Clone, Debug, Default)]
pub(super) struct Matched<'a> {
    pub(super) pairs: Vec<(&'a StageReport, &'a StageReport)>,
    pub(super) only_base: Vec<&'a StageReport>,
    pub(super) only_other: Vec<&'a StageReport>,
}

/// Matches stages by their loads; of several under one load, the first with the first.
pub(super) fn matched<'a>(base: &'a [StageReport], other: &'a [StageReport]) -> Matched<'a> {
    let mut left: Vec<&StageReport> = other.iter().collect();
    let mut found = Matched::default();
    for stage in base {
        let place = left.iter().position(|one| same(&one.load, &stage.load));
        match place {
            Some(place) => found.pairs.push((stage, left.remove(place))),
            None => found.only_base.push(stage),
        }
    }
    found.only_other = left;
    found
}

/// Whether two loads ask the same of a server. How long they last does not matter, nor how many requests that makes.
fn same(a: &StageLoad, b: &StageLoad) -> bool {
    let essence = |load: &StageLoad| StageLoad {
        duration_s: None,
        requests: None,
        ..load.clone()
    };
    essence(a) == essence(b)
}
