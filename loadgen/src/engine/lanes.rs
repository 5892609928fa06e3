//! The closed loop: a fixed number of lanes, in each of which a request follows the end of the one before.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bench_contract::Outcome;

use super::exchange::launch;
use super::flight::Local;
use super::permits::{Permits, Taken};
use super::stop::{Stop, asked};
use super::worker::{Duty, Left, Order, end_ns};
use crate::plan::{Planned, Schedule};

/// How long a lane waits for a body that is not ready.
const LATE: Duration = Duration::from_millis(1);

/// How many of `lanes` are those of `worker`.
fn lanes_of(lanes: u32, worker: usize, workers: usize) -> usize {
    let lanes = lanes as usize;
    lanes / workers + usize::from(worker < lanes % workers)
}

/// Keeps this worker's lanes full until there is nothing more to send. A request is scheduled at the instant at which its
/// lane became free, so that `schedule_delay` is what the generator took to use it. Returns what is left (to one worker, the
/// others nothing) when it ends because the run is asked to stop.
pub(super) async fn send<'a>(
    duty: &mut Duty,
    order: &'a Order,
    permits: &Permits,
    local: &Rc<Local>,
) -> Option<Left<'a>> {
    let Schedule::Closed { lanes, .. } = order.plan.spec.schedule else {
        return None;
    };
    let origin_ns = order.place.origin_ns;
    let end_ns = end_ns(order);
    tokio::select! {
        biased;
        () = asked(&mut duty.stop, Stop::Drain) => {}
        () = local.handle.until(duty.shared.origin.at(origin_ns)) => {}
    }
    let mut free: VecDeque<u64> =
        std::iter::repeat_n(origin_ns, lanes_of(lanes, duty.worker, duty.workers)).collect();
    while *duty.stop.borrow() == Stop::No {
        let mut late = false;
        while let Some(&scheduled) = free.front() {
            if local.now() >= end_ns {
                return None;
            }
            match permits.take(duty.worker) {
                Taken::Body(mut body) => {
                    body.planned.due_ns = scheduled - origin_ns;
                    launch(local, body);
                    free.pop_front();
                }
                Taken::Failed(mut planned, reason) => {
                    planned.due_ns = scheduled - origin_ns;
                    local.never_sent(&planned, Outcome::GeneratorError, reason);
                    // Faults one after the other must not keep the sockets from being read.
                    tokio::task::yield_now().await;
                    local.take_freed(&mut free);
                }
                Taken::Late => {
                    late = true;
                    break;
                }
                Taken::Over => return None,
            }
        }
        if local.handle.tasks() == 0 && !late {
            return None;
        }
        tokio::select! {
            biased;
            () = asked(&mut duty.stop, Stop::Drain) => break,
            () = local.handle.task_ended(), if local.handle.tasks() > 0 => {}
            () = local.handle.sleep(LATE), if late => {}
        }
        local.take_freed(&mut free);
    }
    let now = local.now().max(origin_ns);
    Some(Box::new(permits.rest().map(move |index| Planned {
        due_ns: now - origin_ns,
        ..order.plan.planned(index)
    })))
}

#[cfg(test)]
mod tests {
    use super::lanes_of;

    #[test]
    fn lanes_are_shared_out_whole() {
        for lanes in [0, 1, 3, 4, 7, 1000] {
            for workers in 1..9 {
                let sum: usize = (0..workers)
                    .map(|worker| lanes_of(lanes, worker, workers))
                    .sum();
                assert_eq!(sum, lanes as usize);
            }
        }
    }
}
